"""Many entries at once: files of rows, checked whole before anything is sent, and what became of each row."""

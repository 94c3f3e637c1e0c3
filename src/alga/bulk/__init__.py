"""Many entries at once: files of rows, all checked before anything is sent, and the outcome of each row."""

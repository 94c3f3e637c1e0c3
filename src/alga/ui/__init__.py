"""What people type and read: options, TAB completion, tables, messages."""

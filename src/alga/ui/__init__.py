"""What people type and read: options, TAB, tables, messages."""

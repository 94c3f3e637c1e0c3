"""The embedded server: the deployed server's rules that matter to a client, in a SQLite file."""

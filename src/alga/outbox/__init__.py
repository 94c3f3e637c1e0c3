"""What is on disk here before it is on a server."""

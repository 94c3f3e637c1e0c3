"""The outbox: operations that are on disk before they are on a server."""

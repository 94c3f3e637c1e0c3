"""The outbox's access to a server: how operations are prepared, sent and recognised."""

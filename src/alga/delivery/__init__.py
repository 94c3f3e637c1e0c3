"""What the outbox needs to know of a server: how an operation is prepared, sent and recognised there."""

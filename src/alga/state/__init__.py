"""What alga keeps on this computer beside the journal: settings and keys, what was learnt of a server, prompts."""

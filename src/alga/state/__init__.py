"""What alga keeps on this computer besides the journal: settings and keys, a cache for each server, prompt lines."""

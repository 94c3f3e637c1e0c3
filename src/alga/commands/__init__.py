"""One file per verb: parse, call, return the output."""

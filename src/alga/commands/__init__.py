"""One file per verb: parse, call, return what is to be shown."""

"""Jobs, on each kind of target, from the command line."""

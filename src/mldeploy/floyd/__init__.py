"""FloydHub's files and commands, read for what they asked for."""

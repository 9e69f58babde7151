"""Jobs: one command run on a machine, with its logs and outputs kept."""

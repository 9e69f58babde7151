"""The system's own `ssh`, with the user's configuration: one connection, many commands."""

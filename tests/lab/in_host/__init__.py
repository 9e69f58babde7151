"""What lies at /lab in every SSH host of the lab; it runs there, with the standard library only."""

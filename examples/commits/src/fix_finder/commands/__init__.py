"""What can be typed: one function for each command. cli.py gathers them."""

"""A first look at a table: what its columns are, and what could be learned from them."""

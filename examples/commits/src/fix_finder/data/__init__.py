"""What a row is, where the rows come from, how they are cleaned and split."""

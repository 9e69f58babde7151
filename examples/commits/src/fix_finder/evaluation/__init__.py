"""How good a model is, and whether its score can be believed."""

"""From rows to features, from features to a model, from a model to answers."""

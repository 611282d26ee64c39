"""Training of every model in this package from a recipe."""

"""How good models and their maps are: figures on labelled faces, comparisons, checks of explanation methods."""

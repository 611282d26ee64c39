"""The page on which a face is moved."""

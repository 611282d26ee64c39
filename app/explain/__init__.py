"""The Explain page: a question about one class of one face, and the ways to answer it."""

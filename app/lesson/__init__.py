"""The Lesson page: seven steps, from what a probability is to whether a map can be trusted."""

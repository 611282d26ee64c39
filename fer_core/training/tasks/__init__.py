"""What can be trained: expressions, landmarks, eyes, and the HOG detector."""

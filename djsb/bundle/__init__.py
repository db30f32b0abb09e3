"""Share a run as one file, and run it again elsewhere."""

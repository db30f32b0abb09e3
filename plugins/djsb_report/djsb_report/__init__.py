"""One run as one HTML file that needs nothing else: what changed, by how much, how sure."""

"""What finished jobs left, kept by what decides their results, to be used again."""

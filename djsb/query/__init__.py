"""Find runs and read what they recorded."""

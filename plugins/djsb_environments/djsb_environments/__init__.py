"""Isolated environments: wanted, made, kept, and started in."""

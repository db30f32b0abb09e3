"""Isolated environments: configured, created, stored and used for jobs."""

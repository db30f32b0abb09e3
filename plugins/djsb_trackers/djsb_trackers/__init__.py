"""Runs of djsb in experiment trackers, as they happen."""

"""Folders stored by key: written atomically, locked, listed and garbage-collected."""

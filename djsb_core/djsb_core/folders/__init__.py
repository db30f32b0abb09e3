"""Folders that are kept by key: whole or not at all, locked, listed and collected."""

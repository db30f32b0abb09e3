"""The record of every run: SQLite for queryable data, files for large data."""

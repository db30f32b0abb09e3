"""The record of every run: SQLite for what is asked for, files for what is large."""

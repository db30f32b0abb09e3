"""Checks of this machine: packages, files and commands."""

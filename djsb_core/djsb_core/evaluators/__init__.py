"""Evaluators that ship with the core: they compare labels and values, and need no other package."""

"""Evaluators that ship with the core: they compare labels and values without other packages."""

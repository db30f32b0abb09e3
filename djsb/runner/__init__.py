"""Plan every job of an experiment, then run them."""

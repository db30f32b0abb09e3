"""From an experiment to a plan: every job loaded, bound and checked before the first one runs."""

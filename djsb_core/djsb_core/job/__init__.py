"""The job side of a run: the worker process, and what it reports."""

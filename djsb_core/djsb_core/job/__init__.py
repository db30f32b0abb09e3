"""What runs in the process of a job: the worker, and what it reports."""

"""djsb from Python: run experiments, open runs, record from a script."""

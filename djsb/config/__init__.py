"""The experiment file: read it, know where each value stands, report every problem."""

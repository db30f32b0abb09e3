"""Data-Juicer recipes in djsb: run, analyze and refine them, and score text datasets."""

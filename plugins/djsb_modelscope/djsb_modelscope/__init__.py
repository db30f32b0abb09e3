"""ModelScope training for djsb, and small models to train."""

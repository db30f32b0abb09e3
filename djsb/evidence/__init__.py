"""How much two runs differ, and how sure that is."""

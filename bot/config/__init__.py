"""Reads what people write in files, and says file and line of what must be corrected."""

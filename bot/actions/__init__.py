"""What can be changed in production, one kind of target per file; the file's name is what the catalogue calls it."""

"""Instruments that look at one aspect of an incident each; the file's name is what the catalogue calls it."""

"""Monitoring systems that give raw counters; the file's name is what a configuration calls it."""

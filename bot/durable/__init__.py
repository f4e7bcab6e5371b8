"""Performs what is owed, each thing under its key, whatever crashes meanwhile."""

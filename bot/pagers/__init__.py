"""Channels that reach a person: one file each."""

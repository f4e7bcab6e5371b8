"""Drills: a whole incident on the user's own configuration, in which nothing of theirs is ever changed."""

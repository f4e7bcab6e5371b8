"""The house in processes of its own, killed at every step of a change of production; the target says what really happened."""

"""What a legal duty is, when it applies and by when it is due, as data and pure rules."""

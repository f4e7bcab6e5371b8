"""What senders of alerts say: pure readings of their messages, each kind in a file of its own."""

"""What is read from files that other systems wrote."""

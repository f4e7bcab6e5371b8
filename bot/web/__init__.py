"""The web console and its API: everything that can be done in the chat can be done here, with room to read."""

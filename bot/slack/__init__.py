"""The Slack room: where responders see an incident, act on it and approve, and where nothing is decided."""

"""What an incident is: its facts, its rules and the log that remembers them; nothing here knows of any tool."""

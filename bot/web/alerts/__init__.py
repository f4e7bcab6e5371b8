"""Where other people's monitoring tells of alerts: proved, read, kept, and only then answered."""

"""The Slack room against the practice workspace, and its views against the validator."""

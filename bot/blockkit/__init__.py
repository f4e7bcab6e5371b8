"""The shapes of everything a responder sees in Slack, their limits, and one validator for tests, drills and sending."""

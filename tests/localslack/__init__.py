"""The practice workspace, tried with the real Slack SDKs as peers."""

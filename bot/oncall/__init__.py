"""Schedules that are kept elsewhere: who is on call by them."""

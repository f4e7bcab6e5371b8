"""Tocsin: incident response and on call for teams that run machine-learning models in production."""

"""The demonstration world: a small, real model deployment with traffic, a router and faults, for Tocsin to watch."""

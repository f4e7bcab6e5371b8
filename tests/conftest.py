"""What tests of every folder may ask for."""

from tests.postgres import postgres

__all__ = ["postgres"]

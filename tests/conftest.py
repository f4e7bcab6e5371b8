"""What tests of every folder may ask for."""

from tests.mlflow import mlflow_url
from tests.postgres import postgres

__all__ = ["mlflow_url", "postgres"]

"""What tests of every folder may ask for."""

from tests.kube.cluster import cluster
from tests.mlflow import mlflow_url
from tests.postgres import postgres

__all__ = ["cluster", "mlflow_url", "postgres"]

"""What tests of every folder may ask for."""

from tests.kube.cluster import cluster
from tests.postgres import postgres

__all__ = ["cluster", "postgres"]

"""Measurements of snnlib beside its peers; see ``python -m benchmarks --help``."""

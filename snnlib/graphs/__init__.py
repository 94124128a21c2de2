"""Estimators as graphs of NIR, which other simulators and chips read, and back."""

from snnlib.graphs._reading import from_nir
from snnlib.graphs._writing import to_nir, write_graph

__all__ = ["from_nir", "to_nir", "write_graph"]

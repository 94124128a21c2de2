"""What writing and reading graphs of NIR have in common."""

import numpy as np

from snnlib.workers import import_extra

# Where in a graph's metadata stands what a reader of ours needs.
ABOUT = "snnlib"


def import_nir():
    """Return the package, or say how to get it."""
    return import_extra("nir", extra="nir")


def euler(tau, dt):
    """Return the time constant with which a step by Euler is the exact one of tau."""
    return float(-dt / np.expm1(-dt / tau))


def exact(tau, dt):
    """Return the time constant that `euler` made ``tau`` of."""
    return float(-dt / np.log1p(-dt / tau))

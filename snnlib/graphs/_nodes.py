"""What writing and reading graphs of NIR have in common."""

import numpy as np

# Where in a graph's metadata stands what a reader of ours needs.
ABOUT = "snnlib"


def import_nir():
    """Return the package, or say how to get it."""
    try:
        import nir
    except ImportError as error:
        msg = 'This needs nir. Install it with: pip install "snnlib[nir]"'
        raise ImportError(msg) from error
    return nir


def euler(tau, dt):
    """Return the time constant with which a step by Euler is the exact one of tau."""
    return float(-dt / np.expm1(-dt / tau))


def exact(tau, dt):
    """Return the time constant that `euler` made ``tau`` of."""
    return float(-dt / np.log1p(-dt / tau))

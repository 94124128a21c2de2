"""Measures of the experiments that scikit-learn does not have."""

from snnlib.metrics._costs import (
    ENERGY_MODELS,
    EnergyModel,
    LayerCost,
    NetworkCost,
    SynapticOperations,
    energy_bill,
    estimate_energy,
    network_cost,
    synaptic_operations,
)
from snnlib.metrics._errors import mspe, skill_score
from snnlib.metrics._hits import pack_hits, unpack_hits
from snnlib.metrics._intervals import (
    AccuracyInterval,
    Estimate,
    accuracy_interval,
    adjust_p_values,
    mean_over_seeds,
    mean_over_seeds_and_images,
    mean_over_splits,
)

__all__ = [
    "ENERGY_MODELS",
    "AccuracyInterval",
    "EnergyModel",
    "Estimate",
    "LayerCost",
    "NetworkCost",
    "SynapticOperations",
    "accuracy_interval",
    "adjust_p_values",
    "energy_bill",
    "estimate_energy",
    "mean_over_seeds",
    "mean_over_seeds_and_images",
    "mean_over_splits",
    "mspe",
    "network_cost",
    "pack_hits",
    "skill_score",
    "synaptic_operations",
    "unpack_hits",
]

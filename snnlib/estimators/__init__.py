"""scikit-learn estimators made of spiking neurons.

A neuron parameter is a hyper-parameter here: ``max_rate``, ``tau_rc``, ``synapse`` and
their kin go into the constructor under Nengo's names, and ``validation_curve`` or
``GridSearchCV`` vary them like any other setting.
"""

from snnlib.estimators._classifier import SpikingClassifier
from snnlib.estimators._conv import SpikingConvClassifier
from snnlib.estimators._engines import ConvRun
from snnlib.estimators._regressor import SpikingRegressor
from snnlib.estimators._together import (
    decide_on_splits,
    decide_together,
    simulate_together,
)

__all__ = [
    "ConvRun",
    "SpikingClassifier",
    "SpikingConvClassifier",
    "SpikingRegressor",
    "decide_on_splits",
    "decide_together",
    "simulate_together",
]

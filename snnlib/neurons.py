"""The LIF neuron: its settings, and the currents and rates that follow from them."""

from typing import NamedTuple

import nengo
import numpy as np


class Lif(NamedTuple):
    """What a leaky integrate-and-fire neuron is set to, under Nengo's names.

    Every road from ``max_rate`` to a current leads through here: those of the networks,
    of the estimators, of the event engine and of the sliders.

    Attributes
    ----------
    max_rate : float
        Firing rate in Hz at an input of 1.
    intercept : float
        Input at which the neuron begins to fire.
    tau_rc : float
        Membrane time constant in seconds; larger straightens the response curve.
    tau_ref : float
        Refractory period in seconds; rates stay below its inverse.
    amplitude : float
        Area of one spike.
    min_voltage : float
        The voltage does not fall below it, however negative the current.
    """

    max_rate: float = 100.0
    intercept: float = 0.0
    tau_rc: float = 0.02
    tau_ref: float = 0.002
    amplitude: float = 1.0
    min_voltage: float = 0.0

    def gain_bias(self, intercepts=None):
        """Return gains and biases, so that the current is ``gain * x + bias``.

        Parameters
        ----------
        intercepts : array-like of shape (n_neurons,) or None, default=None
            Where each of many neurons begins to fire; None is one neuron that begins
            at ``intercept``.

        Returns
        -------
        gain, bias : ndarray of shape (n_neurons,)
        """
        intercepts = np.atleast_1d(self.intercept if intercepts is None else intercepts)
        max_rates = np.full(intercepts.shape, float(self.max_rate))
        return self.neuron_type().gain_bias(max_rates, intercepts.astype(float))

    def rates(self, current):
        """Return the firing rates that constant currents lead to.

        Parameters
        ----------
        current : array-like
            Current J of each neuron; the threshold is at 1.

        Returns
        -------
        rates : ndarray of the shape of ``current``
            In Hz, whatever ``amplitude`` is.
        """
        current = np.asarray(current, dtype=float)
        rates = np.zeros_like(current)
        rate_type = nengo.LIFRate(tau_rc=self.tau_rc, tau_ref=self.tau_ref)
        rate_type.step(dt=1.0, J=current, output=rates)
        return rates

    def neuron_type(self, voltage=0.0):
        """Return the neuron type that steps so in Nengo and NengoDL.

        Parameters
        ----------
        voltage : float or ndarray of shape (n_neurons,), default=0
            Membrane voltage at the first step.

        Returns
        -------
        neuron_type : nengo.LIF
        """
        return nengo.LIF(
            tau_rc=self.tau_rc,
            tau_ref=self.tau_ref,
            min_voltage=self.min_voltage,
            amplitude=self.amplitude,
            initial_state={"voltage": voltage},
        )

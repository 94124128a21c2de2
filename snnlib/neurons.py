"""The LIF neuron: its settings, and the currents and rates that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import nengo
import numpy as np

from snnlib._docs import entry, fill_in
from snnlib.checks import check_number, shown


def _setting(default, text, *, low=None, high=None, closed="neither"):
    """Declare a setting: where it starts, what it does, and where it may lie."""
    limits = {"low": low, "high": high, "closed": closed}
    return field(default=default, metadata={"text": text, **limits})


@dataclass(frozen=True)
class Lif:
    """What a leaky integrate-and-fire neuron is set to, under Nengo's names.

    Every way from ``max_rate`` to a current leads through here: those of the networks,
    the estimators, the event engine and the sliders. A setting that is added here is
    one of them all; the constructors of the estimators name it too, where scikit-learn
    looks. Nothing is checked before `check` is called.

    Attributes
    ----------
    {attributes}
    """

    max_rate: float = _setting(
        100.0,
        "Firing rate at an input of 1, in Hz; larger means more spikes.",
        low=0,
    )
    intercept: float = _setting(0.0, "Input at which a neuron begins to fire.", high=1)
    tau_rc: float = _setting(
        0.02,
        "Membrane time constant in seconds; larger straightens the response curve.",
        low=0,
    )
    tau_ref: float = _setting(
        0.002,
        "Refractory period in seconds; rates stay below its inverse.",
        low=0,
        closed="left",
    )
    amplitude: float = _setting(1.0, "Area of one spike.", low=0)
    min_voltage: float = _setting(
        0.0,
        "The membrane voltage does not fall below it. The lower it is, the longer a "
        "neuron that was inhibited takes to fire again. Other simulators have no such "
        "floor; a constant input does not feel it.",
        high=0,
        closed="right",
    )

    @property
    def settings(self):
        """All settings by name."""
        return asdict(self)

    def gain_bias(self, intercepts=None):
        """Return gains and biases, so that the current J is ``gain * x + bias``.

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
            Current J of each neuron; it fires where J > 1.

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
        """Return the neuron as Nengo and NengoDL step it.

        Parameters
        ----------
        voltage : float or ndarray of shape (n_neurons,), default=0
            Membrane voltage at the first step.

        Returns
        -------
        neuron_type : nengo.LIF
        """
        one_for_all = np.ndim(voltage) == 0
        start = nengo.dists.Choice([voltage]) if one_for_all else voltage
        return nengo.LIF(
            tau_rc=self.tau_rc,
            tau_ref=self.tau_ref,
            min_voltage=self.min_voltage,
            amplitude=self.amplitude,
            initial_state={"voltage": start},
        )

    def check_limits(self):
        """Refuse a setting outside its own limits, or that is no number.

        Returns
        -------
        self : Lif

        Raises
        ------
        ValueError
            If one is; the message names it.
        """
        for name, setting in SETTINGS.items():
            low, high, closed = (
                setting.metadata[end] for end in ("low", "high", "closed")
            )
            lower = "low" if closed == "left" else "above"
            upper = "high" if closed == "right" else "below"
            check_number(name, getattr(self, name), **{lower: low, upper: high})
        return self

    def check(self, dt, *, dtype=np.float64, owner="LIF"):
        """Refuse settings that no neuron can meet in steps of ``dt``.

        It takes for granted that each setting lies within its own limits.

        Parameters
        ----------
        dt : float
            Length of a step in seconds.
        dtype : {numpy.float64, numpy.float32}, default=numpy.float64
            Precision of the simulation.
        owner : str, default="LIF"
            Name of the class to blame in the message.

        Raises
        ------
        ValueError
            If ``max_rate`` is not below ``1 / tau_ref`` or is above ``1 / dt``, or
            rounding leaves nothing of the current that it needs.
        """
        whose = f"The 'max_rate' parameter of {owner}"
        if self.tau_ref > 0 and self.max_rate * self.tau_ref >= 1:
            msg = (
                f"{whose} must be below 1 / tau_ref = {1 / self.tau_ref:g} Hz, the "
                f"rate of a neuron that never waits. Got {self.max_rate} instead."
            )
            raise ValueError(msg)
        if self.max_rate * dt > 1:
            msg = (
                f"{whose} must be at most 1 / dt = {1 / dt:g} Hz, a spike in every "
                f"step. Got {self.max_rate} instead."
            )
            raise ValueError(msg)
        rate = self._rate_at_1(dtype)
        if not abs(rate - self.max_rate) <= 0.01 * self.max_rate:
            msg = (
                f"{whose} does not go with tau_rc={self.tau_rc} s and intercept="
                f"{self.intercept}: rounding makes a neuron fire at {rate:.3g} Hz at "
                f"an input of 1. Got {self.max_rate} instead."
            )
            raise ValueError(msg)

    def _rate_at_1(self, dtype):
        """Return the rate at an input of 1 as it comes out with rounded numbers."""
        # A current too close to the threshold, or too large, is told by the rate.
        with np.errstate(all="ignore"):
            gain, bias = (dtype(value[0]) for value in self.gain_bias())
            excess = gain + bias - dtype(1)
            if not excess > 0:
                return 0.0
            return float(1 / (self.tau_ref + self.tau_rc * np.log1p(1 / excess)))

    def lost_time(self, dt):
        """Return how much of the time at ``max_rate`` steps of ``dt`` take away.

        A step has room for one spike. What is left of it after a refractory period
        that ends within it is lost, so that the neuron fires less than its formula
        says.

        Parameters
        ----------
        dt : float
            Length of a step in seconds.

        Returns
        -------
        share : float
            At most this share of a neuron's spikes; 0 where ``dt`` is not above
            ``tau_ref``.
        """
        return max(0.0, self.max_rate * (dt - self.tau_ref))


def longest_step(tau_rc, dtype=np.float64):
    """Return the longest step after which a voltage still differs from its current.

    Without a difference, a spike would seem to be as old as time, and its refractory
    period over: the neuron would fire in every step.

    Parameters
    ----------
    tau_rc : float
        Membrane time constant in seconds.
    dtype : {numpy.float64, numpy.float32}, default=numpy.float64
        Precision of the simulation.

    Returns
    -------
    dt : float
        In seconds.
    """
    return -tau_rc * float(np.log(np.finfo(dtype).eps))


SETTINGS = {setting.name: setting for setting in fields(Lif)}
# What else the estimators ask for: how to start, to run and to read a neuron.
_OF_RUNNING = ("synapse", "presentation_time", "dt", "readout", "initial_voltage")


def neuron_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some values that every estimator takes, by name.

    A notebook hands over its ``globals()`` once its parameters are set. It checks no
    value, and what is left out is for the estimator's default to say.

    Parameters
    ----------
    values : mapping of str to object
        Variables by name: ``max_rate``, ``tau_rc``, ``synapse`` and others.

    Returns
    -------
    parameters : dict of str to object
        In the order of the book's parameter cells.

    Raises
    ------
    ValueError
        If none of them is a parameter of a neuron.

    Examples
    --------
    >>> neuron_parameters({"max_rate": 150.0, "seed": 3, "synapse": None})
    {'max_rate': 150.0, 'synapse': None}
    """
    known = (*SETTINGS, *_OF_RUNNING)
    found = {name: values[name] for name in known if name in values}
    if not found:
        msg = f"values must name some of {', '.join(known)}; got {shown([*values])}."
        raise ValueError(msg)
    return found


fill_in(
    Lif,
    attributes="\n".join(
        entry(name, "float", setting.metadata["text"])
        for name, setting in SETTINGS.items()
    ),
)

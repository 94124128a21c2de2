"""Step many LIF neurons of different kinds in one batch, and read them out at once."""

from functools import lru_cache

import numpy as np

from snnlib.simulation import READOUTS, lowpass

# Neurons that step together: few enough for their state to stay in a processor's cache.
N_TOGETHER = 8192


def lif_steps(current, n_steps, *, tau_rc, tau_ref, dt, voltage):
    """Step LIF neurons that each have a current and time constants of their own.

    It takes the steps of ``nengo.LIF.step`` in the same arithmetic, so that spikes are
    the same to the last, and leaves out what does not change. It keeps no spikes.

    Parameters
    ----------
    current : ndarray of shape (n_neurons,)
        Constant input current J of each neuron; a neuron fires where J > 1.
    n_steps : int
        Number of time steps.
    tau_rc, tau_ref : ndarray of shape (n_neurons,)
        Membrane time constant and refractory period in seconds.
    dt : float
        Length of a step in seconds.
    voltage : ndarray of shape (n_neurons,)
        Membrane voltage before the first step.

    Yields
    ------
    fired : int ndarray
        The neurons that fire in a step, in order.
    """
    voltage = np.array(voltage, dtype=float)
    change = np.empty_like(voltage)
    # A neuron that does not wait goes the same share of its way to J at every step.
    share = np.expm1(-dt / tau_rc)
    waiting, left = np.empty(0, np.intp), np.empty(0)
    for _ in range(n_steps):
        left -= dt
        still = left > 0
        waiting, left = waiting[still], left[still]

        np.subtract(current, voltage, out=change)
        change *= share
        # A neuron that waits stays at 0, but for what is left of its last step.
        rest = np.clip(dt - left, 0, dt)
        change[waiting] = current[waiting] * np.expm1(-rest / tau_rc[waiting])
        voltage -= change

        fired = np.flatnonzero(voltage > 1)
        # The spike comes where v crosses 1; from then on the neuron waits.
        past = -(voltage[fired] - 1) / (current[fired] - 1)
        time = dt + tau_rc[fired] * np.log1p(past)
        waiting = np.concatenate([waiting, fired])
        left = np.concatenate([left, tau_ref[fired] + time])
        np.maximum(voltage, 0, out=voltage)
        voltage[fired] = 0
        yield fired


@lru_cache(maxsize=128)
def read_out_weights(n_steps, synapse, readout, dt):
    """Return what a spike adds to a read-out, by the step at which it comes.

    Filter and read-out are linear: a read-out is a weighted sum of spikes, and no
    filtered output is needed for it.

    Parameters
    ----------
    n_steps : int
        Steps of a presentation.
    synapse : float or None
        Low-pass time constant in seconds, as in `snnlib.lowpass`.
    readout : {"mean", "last"}
        As in `snnlib.read_out`.
    dt : float
        Length of a step in seconds.

    Returns
    -------
    weights : ndarray of shape (n_steps,)
        ``weights @ spikes`` is ``read_out(lowpass(spikes, synapse), readout)``.
    """
    if readout not in READOUTS:
        msg = f"readout must be one of {sorted(READOUTS)}; got {readout!r}."
        raise ValueError(msg)
    first = n_steps - 1 if readout == "last" else n_steps // 2
    shares = np.zeros(n_steps)
    shares[first:] = 1 / (n_steps - first)
    # What a filter does to a sum over time is the filter itself, run backwards.
    weights = lowpass(shares[::-1], synapse, dt=dt)[::-1]
    weights.setflags(write=False)
    return weights

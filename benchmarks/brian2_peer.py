"""The LIF neurons of the race in Brian2: a process that another one drives.

One group with its parameters as arrays and exact integration, as its documentation
writes independent neurons, compiled by Cython where that works.
"""

import sys

import brian2
import numpy as np
from serve import serve

EQUATIONS = """
dv/dt = (J - v) / tau_rc : 1
J : 1
tau_rc : second
"""


def main(path, n_steps):
    """Simulate all neurons anew for each line."""
    with np.load(path) as file:
        arrays = dict(file)
    brian2.defaultclock.dt = float(arrays["dt"]) * brian2.second
    brian2.prefs.codegen.target = target()

    def run(_):
        brian2.start_scope()
        neurons = brian2.NeuronGroup(
            arrays["J"].size,
            EQUATIONS,
            threshold="v > 1",
            reset="v = 0",
            method="exact",
        )
        neurons.J = arrays["J"]
        neurons.tau_rc = arrays["tau_rc"] * brian2.second
        monitor = brian2.SpikeMonitor(neurons)
        network = brian2.Network(neurons, monitor)
        network.run(int(n_steps) * brian2.defaultclock.dt)
        steps = np.rint(np.asarray(monitor.t / brian2.defaultclock.dt)).astype(int)
        return {
            "counts": np.bincount(monitor.i, minlength=arrays["J"].size).tolist(),
            "sums": np.bincount(monitor.i, steps, arrays["J"].size).tolist(),
            "how": brian2.prefs.codegen.target,
        }

    serve(run, "brian2", "cython", "numpy")


def target():
    """Return "cython" where it compiles here, else "numpy"."""
    from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject

    return "cython" if CythonCodeObject.is_available() else "numpy"


if __name__ == "__main__":
    main(*sys.argv[1:])

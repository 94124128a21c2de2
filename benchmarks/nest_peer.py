"""The LIF neurons of the race in NEST: a process that another one drives.

Its leaky neuron with exact integration takes the parameters of each as lists.
"""

import sys

import nest
import numpy as np
from serve import serve


def main(path, n_steps):
    """Simulate all neurons anew for each line."""
    with np.load(path) as file:
        arrays = dict(file)
    ms = 1000 * float(arrays["dt"])
    tau = 1000 * arrays["tau_rc"]

    def run(_):
        nest.ResetKernel()
        nest.set(resolution=ms, local_num_threads=1)
        neurons = nest.Create(
            "iaf_psc_delta",
            arrays["J"].size,
            # A current of C_m / tau_m leads the voltage to 1.
            {
                "I_e": arrays["J"] / tau,
                "tau_m": tau,
                "C_m": 1.0,
                "E_L": 0.0,
                "V_m": 0.0,
                "V_reset": 0.0,
                "V_th": 1.0,
                "t_ref": 0.0,
            },
        )
        recorder = nest.Create("spike_recorder")
        nest.Connect(neurons, recorder)
        # The delay of a connection is a step, in which the last spikes would be lost.
        nest.Simulate((int(n_steps) + 1) * ms)
        events = recorder.events
        # A spike is told at the end of its step.
        steps = np.rint(events["times"] / ms).astype(int) - 1
        senders = events["senders"][steps < int(n_steps)] - neurons[0].global_id
        steps = steps[steps < int(n_steps)]
        return {
            "counts": np.bincount(senders, minlength=arrays["J"].size).tolist(),
            "sums": np.bincount(senders, steps, arrays["J"].size).tolist(),
            "how": "iaf_psc_delta",
        }

    serve(run, "nest-simulator", "numpy")


if __name__ == "__main__":
    nest.verbosity = nest.VerbosityLevel.ERROR
    main(*sys.argv[1:])

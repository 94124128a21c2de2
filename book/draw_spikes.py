"""Draw the picture of the introduction: ``python book/draw_spikes.py``.

One LIF neuron is simulated in Nengo; nothing in the picture is drawn by hand.
"""

from pathlib import Path

import matplotlib as mpl
import nengo
from matplotlib.figure import Figure

PICTURE = Path(__file__).parent / "_static" / "spikes.svg"
DURATION = 0.4
SYNAPSES = {0.01: "tab:orange", 0.1: "tab:blue"}


def simulate():
    """Return the times, the neuron's voltage and spikes, and its filtered outputs."""
    with nengo.Network(seed=0) as network:
        stimulus = nengo.Node(lambda t: 0.3 if t <= DURATION / 2 else 0.9)
        ensemble = nengo.Ensemble(
            1,
            1,
            encoders=[[1]],
            max_rates=[100],
            intercepts=[0],
            neuron_type=nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])}),
        )
        nengo.Connection(stimulus, ensemble, synapse=None)
        voltage = nengo.Probe(ensemble.neurons, "voltage")
        spikes = nengo.Probe(ensemble.neurons)
        filtered = [nengo.Probe(ensemble.neurons, synapse=tau) for tau in SYNAPSES]
    with nengo.Simulator(network, progress_bar=False) as simulator:
        simulator.run(DURATION)
    data = simulator.data
    spike_times = simulator.trange()[data[spikes][:, 0] > 0]
    return simulator.trange(), data[voltage], spike_times, [data[p] for p in filtered]


def draw(times, voltage, spike_times, outputs):
    """Return the figure: voltage, spikes and filtered outputs over time."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    top, middle, bottom = figure.subplots(
        3, sharex=True, gridspec_kw={"height_ratios": [3, 1, 3]}
    )
    top.plot(times, voltage, color="0.25")
    top.axhline(1, color="0.6", linestyle=":")
    top.set_ylabel("voltage")
    middle.eventplot(spike_times, color="0.25")
    middle.set(ylabel="spikes", yticks=[])
    for output, (tau, color) in zip(outputs, SYNAPSES.items(), strict=True):
        bottom.plot(times, output, color=color, label=f"synapse = {tau} s")
    bottom.set(
        xlabel="time (s)", ylabel="output (Hz)", xlim=(0, DURATION), ylim=(0, 200)
    )
    bottom.legend(loc="upper left", ncols=2, frameon=False)
    for axes in (top, middle, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    # A fixed salt and no date: the same simulation gives the same file.
    mpl.rcParams["svg.hashsalt"] = "spikes"
    draw(*simulate()).savefig(PICTURE, metadata={"Date": None}, facecolor="white")

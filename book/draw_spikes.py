"""Draw the introduction's picture and the book's card: ``python book/draw_spikes.py``.

One LIF neuron is simulated in Nengo; nothing is drawn by hand. The card is what a chat
shows of a link to the book, 1200 pixels wide and 630 high.
"""

from pathlib import Path

import matplotlib as mpl
import nengo
from matplotlib.figure import Figure

STATIC = Path(__file__).parent / "_static"
PICTURE, CARD = STATIC / "spikes.svg", STATIC / "card.png"
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


def draw_card(times, voltage, spike_times):
    """Return the card: the book's name above the voltage and its spikes."""
    figure = Figure(figsize=(12, 6.3), dpi=100)
    figure.text(0.06, 0.84, "Tuning Spikes", size=56, weight="bold", color="0.15")
    question = "How a spiking neuron's parameters decide\nwhat a spiking network can do"
    figure.text(0.06, 0.62, question, size=28, color="0.3", linespacing=1.4)
    top = figure.add_axes([0.06, 0.17, 0.88, 0.37])
    bottom = figure.add_axes([0.06, 0.06, 0.88, 0.09], sharex=top)
    top.plot(times, voltage, color="tab:blue", linewidth=2.5)
    top.axhline(1, color="0.6", linestyle=":")
    bottom.eventplot(spike_times, color="tab:orange", linewidths=3)
    top.set_xlim(0, DURATION)
    for axes in (top, bottom):
        axes.set_axis_off()
    return figure


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
    simulated = simulate()
    draw(*simulated).savefig(PICTURE, metadata={"Date": None}, facecolor="white")
    draw_card(*simulated[:3]).savefig(CARD, metadata={"Software": None})

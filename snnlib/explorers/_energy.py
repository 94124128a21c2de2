"""What an image costs by every cost model, and by prices that the reader types."""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from snnlib.architectures import Dense, Pool, parse_architecture, weight_shapes
from snnlib.checks import check_choice, check_number
from snnlib.estimators import SpikingConvClassifier
from snnlib.explorers._description import Panel, Readout, Series, View
from snnlib.explorers._explorer import Explorer, check_names, documented
from snnlib.files import plain
from snnlib.metrics import ENERGY_MODELS, estimate_energy
from snnlib.recording import results_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NETWORKS = ("zero", "uniform", "few steps")
# Least first, as for one accumulate.
MODELS = tuple(estimate_energy(0, 0, model="all"))
# What has no way around a zero multiplies by it too, in every step.
DENSE_MODELS = ("cpu", "gpu")
YOURS = "yours"
PRICES = {
    "multiplication": [0.0, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.7, 5.0, 10.0, 20.0, 100.0],
    "addition": [0.01, 0.03, 0.1, 0.2, 0.5, 0.9, 2.0, 5.0, 10.0, 20.0, 100.0],
    "access": [0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 640.0, 1000.0],
}
_PICO, _MICRO = 1e-12, 1e-6
# Half of the distance between the two bars of a model.
_APART = 0.17


class Setting(NamedTuple):
    """What the table of costs has of one network at one setting, for one image."""

    network: str
    max_rate: float
    n_steps: int
    accuracy: float
    spikes: float
    macs: float
    acs: float
    dense: float
    """Operations of what multiplies by zeros too."""
    updates: float
    """Of neurons: as many as there are, in every step."""


@lru_cache
def read_costs():
    """Return the settings in the committed table, and the ReLU twin."""
    first, others, n_neurons = _sizes()
    with results_path("mnist_cost.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    settings, twin = [], None
    for row in rows:
        pixels, *behind = _numbers(row, "conv1", "conv2", "conv3", "dense")
        n_steps, is_spiking = int(row["n_steps"]), row["network"] != "relu"
        setting = Setting(
            row["network"].replace("spiking", row["initial_voltage"]),
            *_numbers(row, "max_rate"),
            n_steps,
            *_numbers(row, "accuracy"),
            sum(_numbers(row, "spikes_1", "spikes_2", "spikes_3")),
            pixels + (0.0 if is_spiking else sum(behind)),
            sum(behind) if is_spiking else 0.0,
            # The picture does not move: its current is worked out once.
            first + n_steps * others,
            n_steps * n_neurons,
        )
        if setting.network in NETWORKS:
            settings.append(setting)
        elif not is_spiking:
            twin = setting
    return settings, twin


def _numbers(row, *names):
    """Return numbers of a row; the twin has no rate and no spikes."""
    return [float(row[name] or 0.0) for name in names]


def _sizes():
    """Return the dense operations of the first layer and the others, and neurons."""
    architecture = SpikingConvClassifier().architecture
    kernels = weight_shapes((28, 28, 1), 10, architecture)[::2]
    operations, side, n_neurons = [], 28, 0
    for part in parse_architecture(architecture):
        if isinstance(part, Pool):
            side //= part.size
            continue
        kernel = kernels[len(operations)]
        if isinstance(part, Dense):
            side = 1
        else:
            side = (side - part.kernel_size) // part.strides + 1
        operations.append(side**2 * int(np.prod(kernel)))
        n_neurons += side**2 * kernel[-1]
    first, *others = operations
    return first, sum(others) + int(np.prod(kernels[-1])), n_neurons


def energies(setting, *, multiplication, addition, access):
    """Return the joules of an image by every model, and by prices in picojoules."""
    found = {}
    for model in MODELS:
        macs, acs = setting.macs, setting.acs
        if model in DENSE_MODELS:
            macs, acs = setting.dense, 0.0
        found[model] = estimate_energy(macs, acs, setting.updates, model=model)
    ac = addition + access
    found[YOURS] = _PICO * ((multiplication + ac) * setting.macs + ac * setting.acs)
    return found


def _log_limits(values):
    """Return the powers of ten around values."""
    low, high = np.log10([min(values), max(values)])
    return [10.0 ** float(np.floor(low)), 10.0 ** float(np.ceil(high))]


def _panels():
    """Return the panels, whose axes hold every setting by every model and price."""
    settings, twin = read_costs()
    least, most = ({n: stops[end] for n, stops in PRICES.items()} for end in (0, -1))
    of_twin = energies(twin, **least)
    all_ = [energies(setting, **least) for setting in settings]
    dear = [energies(setting, **most) for setting in (*settings, twin)]
    bands = [YOURS, *MODELS]
    return (
        Panel(
            "models",
            "Energy of one image",
            "microjoules",
            "",
            (
                Series("spiking", "bars", "spiking", "spiking network"),
                Series("twin", "bars", "baseline", "ReLU twin"),
            ),
            "Two bars for each cost model on a logarithmic axis: the energy of the "
            "spiking network and of its ReLU twin.",
            x_limits=_log_limits(
                [it[m] / _MICRO for it in (*all_, of_twin, *dear) for m in it]
            ),
            y_limits=[-0.6, len(bands) - 0.4],
            y_ticks=[[len(MODELS) - at, name] for at, name in enumerate(bands)],
            x_scale="log",
        ),
        Panel(
            "steps",
            "Times the twin's energy",
            "steps",
            "spiking / twin",
            (
                Series("model", "line", "spiking", "the chosen model"),
                Series("least", "line", "target", "least of all eight", dashed=True),
                Series("most", "line", "chosen", "most of all eight", dashed=True),
                Series("twin", "level", "baseline", "as much as the twin"),
                Series("here", "points", "spiking", "these steps"),
            ),
            "Energy of the spiking network beside its twin's against steps, on "
            "logarithmic axes: rising lines for the chosen model and for the extremes "
            "of all models, and a level at 1.",
            x_limits=[1.0, float(max(setting.n_steps for setting in settings))],
            y_limits=_log_limits([it[m] / of_twin[m] for it in all_ for m in MODELS]),
            x_scale="log",
            y_scale="log",
        ),
    )


class _EnergyExplorer(Explorer):
    """The networks of the cost table, by all cost models and by typed prices."""

    kind = "energy"
    scripts = ("_energy.js",)
    title = "The bill under your hands"
    sentence = (
        "You are looking at what one image costs the spiking network and its ReLU "
        "twin, by the eight cost models of estimate_energy and by prices of yours: an "
        "AC is an addition and an access, a MAC a multiplication more. The counts are "
        "those of all 10,000 test images of MNIST, but how many weights a spike meets "
        "was counted on the first 400 of them. loihi, cpu and gpu have a price for the "
        "update of a neuron as well; cpu and gpu multiply by zeros too."
    )
    default_question = (
        "Lower n_steps, from 30. At how many steps do six of the eight models agree "
        "that the spiking network is cheaper than its twin, and what is its accuracy "
        "then? Why do two of them never agree?"
    )
    default_answer = (
        "At [15 steps](n_steps=15), where it is still far less accurate than at 30. At "
        "[20 steps](n_steps=20) loihi, which counts the leak of every neuron, has "
        "changed sides. A CPU or a GPU does not skip zeros: it pays for all weights in "
        "every step, and the twin has only one."
    )
    default_sliders = ("network", "n_steps", "model")
    default_presets: ClassVar = {
        "lesson 11, 5 steps": {"network": "few steps", "max_rate": 250.0, "n_steps": 5},
        "from uniform": {"network": "uniform"},
        "8-bit integers": {"multiplication": 0.2, "addition": 0.03},
        "a weight from 1 MB": {"access": 50.0},
    }
    default_guess = ({"n_steps": 15}, "cheaper")
    panels = ()
    readouts = (
        Readout("accuracy", "right", "%", 2, spoken=True),
        Readout("spikes", "spikes", digits=0),
        # The least price of an operation, and few operations, are 0.4 nanojoules.
        Readout("energy", "energy by this model", "microjoules", 4),
        Readout("twin", "energy of the twin", "microjoules", 4),
        Readout("share", "times the twin's", digits=3, spoken=True),
        Readout("cheaper", "models by which it is cheaper", "of 8", 0, spoken=True),
        Readout("least", "least of all eight, times the twin's", digits=3),
        Readout("most", "most of all eight, times the twin's", digits=2),
        Readout("break_even", "most steps at no more than the twin's", digits=0),
        Readout("break_even_spikes", "spikes by then", digits=0),
    )

    def __init__(self, *args, **kwargs):
        self.panels = _panels()
        super().__init__(*args, **kwargs)

    def _checked(self, values):
        values = plain(values)
        check_choice("network", values["network"], NETWORKS)
        check_choice("model", values["model"], (YOURS, *MODELS))
        for name, stops in PRICES.items():
            price = check_number(name, values[name], low=stops[0], high=stops[-1])
            values[name] = price
        for name in ("max_rate", "n_steps"):
            check_number(name, values[name])
        return values

    def _settings_at(self, network, max_rate, n_steps):
        """Return settings of a network at a rate, and the one after so many steps."""
        its = [it for it in read_costs()[0] if it.network == network]
        rates = sorted({it.max_rate for it in its})
        _refuse_other("max_rate", max_rate, rates, f"network={network}")
        its = [it for it in its if it.max_rate == max_rate]
        steps = [it.n_steps for it in its]
        where = f"network={network} and max_rate={max_rate:g}"
        _refuse_other("n_steps", n_steps, steps, where)
        return its, its[steps.index(n_steps)]

    def _compute(self, *, network, max_rate, n_steps, model, **prices):
        its, here = self._settings_at(network, max_rate, n_steps)
        of_twin = energies(read_costs()[1], **prices)
        found = energies(here, **prices)
        shares = [
            {name: joules / of_twin[name] for name, joules in all_.items()}
            for all_ in (energies(it, **prices) for it in its)
        ]
        published = [[share[name] for name in MODELS] for share in shares]
        bands = np.arange(len(found))[::-1]
        steps = [it.n_steps for it in its]
        here_at = steps.index(n_steps)
        # Energy rises with the steps, so the last that is within the price is the most.
        within = [it for it, s in zip(its, shares, strict=True) if s[model] <= 1]
        last = within[-1] if within else None
        return View(
            {
                "models.spiking": (
                    [found[m] / _MICRO for m in (YOURS, *MODELS)],
                    bands + _APART,
                ),
                "models.twin": (
                    [of_twin[m] / _MICRO for m in (YOURS, *MODELS)],
                    bands - _APART,
                ),
                "steps.model": (steps, [share[model] for share in shares]),
                "steps.least": (steps, [min(all_) for all_ in published]),
                "steps.most": (steps, [max(all_) for all_ in published]),
                "steps.twin": ([], [1.0]),
                "steps.here": ([n_steps], [shares[here_at][model]]),
            },
            {
                "accuracy": 100 * here.accuracy,
                "spikes": here.spikes,
                "energy": found[model] / _MICRO,
                "twin": of_twin[model] / _MICRO,
                "share": shares[here_at][model],
                "cheaper": sum(share < 1 for share in published[here_at]),
                "least": min(published[here_at]),
                "most": max(published[here_at]),
                "break_even": last.n_steps if last else 0,
                "break_even_spikes": last.spikes if last else 0.0,
            },
        )

    def _data(self):
        settings, twin = read_costs()
        return {
            "settings": [setting._asdict() for setting in settings],
            "twin": twin._asdict(),
            "models": {
                name: {
                    "mac": ENERGY_MODELS[name].mac,
                    "ac": ENERGY_MODELS[name].ac,
                    "update": ENERGY_MODELS[name].update,
                    "is_dense": name in DENSE_MODELS,
                }
                for name in MODELS
            },
        }


def _refuse_other(name, value, known, where):
    if value not in known:
        allowed = ", ".join(f"{number:g}" for number in known)
        msg = f"{name} must be one of {allowed} at {where}. Got {value:g}."
        raise ValueError(msg)


@documented
def energy_explorer(
    *,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
    **start_values: Any,
) -> Explorer:
    """Show what an image costs a spiking network and its ReLU twin, with sliders.

    Energies are those of `estimate_energy`, by every model and by prices of the
    reader's own; operations come from the committed table of all MNIST test images, of
    which the first 400 say how many weights a spike meets. Nothing is simulated: other
    networks and settings are not shown. On "cpu" and "gpu", which do not skip zeros,
    every weight counts in every step.

    Parameters
    ----------
    question, answer : str or None, default=None
        {texts}
    sliders : sequence of str or None, default=None
        {sliders}
    presets : mapping or None, default=None
        {presets}
    guess : tuple of mapping and str, or None, default=None
        {guess}
    **start_values
        Where sliders start: ``network`` ("zero" or "uniform", the initial voltage of
        the paper's network, or "few steps", that of lesson 11), ``n_steps``,
        ``max_rate`` (Hz), ``model`` (one of `ENERGY_MODELS`, or "yours"), and your
        prices in pJ: ``multiplication``, ``addition`` and ``access``, which is to read
        the weight of an operation.

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    TypeError
        If there is no slider of that name.
    ValueError
        If a start value is out of range or not in the table, or question or answer is
        no text.
    FileNotFoundError
        If the committed results are not there.

    Examples
    --------
    >>> readouts = energy_explorer().compute(n_steps=15).readouts
    >>> readouts["cheaper"]
    6
    """
    start = {
        "network": "zero",
        "n_steps": 30,
        "model": YOURS,
        "max_rate": 100.0,
        "multiplication": 3.7,
        "addition": 0.9,
        "access": 0.0,
    }
    check_names(start_values, start, "energy_explorer")
    start |= start_values
    settings, _ = read_costs()
    stops = {
        "network": NETWORKS,
        "n_steps": sorted({setting.n_steps for setting in settings}),
        "model": (YOURS, *MODELS),
        "max_rate": sorted({setting.max_rate for setting in settings}),
        **PRICES,
    }
    labels = {
        "network": ["lesson 06, from zero", "lesson 06, from uniform", "lesson 11"],
        "n_steps": [f"{n}" for n in stops["n_steps"]],
        "model": ["your prices", *MODELS],
        "max_rate": [f"{rate:g} Hz" for rate in stops["max_rate"]],
    }
    explorer = _EnergyExplorer(
        None,
        stops,
        start,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
        labels=labels,
    )
    explorer.compute()
    return explorer

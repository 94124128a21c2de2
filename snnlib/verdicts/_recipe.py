"""The recipe for choosing parameters, and how it fares where it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from snnlib.checks import check_choice
from snnlib.committed import find_committed, read_committed
from snnlib.metrics import accuracy_interval, mean_over_seeds_and_images
from snnlib.verdicts._grids import FACTORS, grid_networks
from snnlib.verdicts._results import WAYS, paired_gains, read_decisions
from snnlib.verdicts._words import interval_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

_MODELS = ("regression", "decision", "network")
# By experiment and by what is new; "" stands for the networks of the grids.
_TABLES = {
    ("experiment 1", "grid"): "grid_linear_regression",
    ("experiment 1", "new settings"): "held_out_linear_regression",
    ("experiment 1", "new data"): "held_out_diabetes",
    ("experiment 2", "grid"): "grid_logistic_regression",
    ("experiment 2", "new settings"): "held_out_logistic_regression",
    ("experiment 2", "new data"): "held_out_breast_cancer",
    ("experiment 3", "grid"): "",
    ("experiment 3", "new images"): "",
    ("experiment 3", "new settings"): "held_out_mnist",
    ("experiment 3", "new data"): "held_out_digits",
}
# As the paper reads and starts its network; and the networks without spikes beside it,
# trained as those were.
_WAY = {"synapse": 0.1, "readout": "last", "initial_voltage": "zero"}
_RELU = {
    "new images": "relu_mnist",
    **dict.fromkeys(["grid", "new settings"], "brief_relu_mnist"),
    "new data": "relu_digits",
}


def recipe_numbers(settings: pd.DataFrame) -> pd.DataFrame:
    """Work out what the recipe looks at. Nothing is simulated.

    Parameters
    ----------
    settings : pandas.DataFrame
        With the columns ``max_rate`` (Hz), ``synapse`` (s; missing for no filter),
        ``readout``, ``presentation_time`` (s) and ``amplitude``.

    Returns
    -------
    numbers : pandas.DataFrame
        ``settled``, the share that the filter reaches in the presentation; ``spikes``,
        which a neuron at its largest rate fires in the time that is averaged over;
        ``product`` of amplitude and rate; ``in_presentation``, the spikes in it.

    Raises
    ------
    ValueError
        If there is no such column, a read-out is neither "last" nor "mean", or another
        value is missing than a synapse.

    Examples
    --------
    >>> import pandas as pd
    >>> setting = {"max_rate": 100, "synapse": 0.1, "readout": "last"}
    >>> setting |= {"presentation_time": 1.0, "amplitude": 0.01}
    >>> recipe_numbers(pd.DataFrame([setting])).round(3).to_dict("records")
    [{'settled': 1.0, 'spikes': 10.0, 'product': 1.0, 'in_presentation': 100.0}]
    """
    import pandas as pd

    for name in ("max_rate", "synapse", "readout", "presentation_time", "amplitude"):
        if name not in settings or (name != "synapse" and settings[name].isna().any()):
            msg = f"settings must have the column {name!r}, without missing values."
            raise ValueError(msg)
    for readout in settings["readout"].unique():
        check_choice("readout", readout, WAYS["readout"])
    rates, times = settings["max_rate"], settings["presentation_time"]
    synapses = settings["synapse"].astype(float).fillna(0.0)
    window = synapses + times / 2 * (settings["readout"] == "mean")
    return pd.DataFrame(
        {
            "settled": 1 - np.exp(-times / synapses),
            "spikes": rates * window,
            "product": settings["amplitude"] * rates,
            "in_presentation": rates * times,
        }
    )


def accepted_by_recipe(
    settings: pd.DataFrame, model: Literal["regression", "decision", "network"]
) -> pd.Series:
    """Return which settings the recipe accepts, by the thresholds of the decisions.

    Parameters
    ----------
    settings : pandas.DataFrame
        As for `recipe_numbers`.
    model : {"regression", "decision", "network"}
        What they are for: a neuron with a decoder that predicts a number, one that
        ranks rows by its output (which need not settle; a threshold on it must), or a
        network of layers.

    Returns
    -------
    accepted : pandas.Series of bool

    Raises
    ------
    ValueError
        If ``model`` is none of the three, or as from `recipe_numbers`.
    """
    check_choice("model", model, _MODELS)
    limits, numbers = read_decisions()["recipe"], recipe_numbers(settings)
    if model == "network":
        fires = numbers["in_presentation"] >= limits["in_presentation"]
        return numbers["product"].between(*limits["product"]) & fires
    enough = numbers["spikes"] >= limits["spikes"]
    settled = numbers["settled"] >= limits["settled"]
    return enough & settled if model == "regression" else enough


def recipe_trials() -> dict[tuple[str, str], pd.DataFrame]:
    """Try the recipe on committed settings: those it is from, and others.

    Returns
    -------
    trials : dict of (str, str) to pandas.DataFrame
        By experiment, and by what is new: the "grid" is what the recipe was read off;
        "new images" has a row for each of its settings of which networks were trained
        anew, in full, with the ends ``low`` and ``high`` of an interval over networks
        and images, beside the ReLU networks of the same seeds (without two such, NaN);
        "new settings" lie between its values; "new data" are other tables as well. To
        the columns of the tables come ``accepted``, how far a setting falls ``short``
        of the model without spikes (share of the line's variation, area under the
        curve, or points), and whether that is ``good``.
    """
    return {trial: _judged(*trial) for trial in _committed_trials()}


def _committed_trials():
    return [it for it, name in _TABLES.items() if not name or find_committed(name)]


def _judged(experiment, kind):
    """Return the settings of a trial, judged by the recipe and by what is good."""
    good = read_decisions()["good"]
    model: Literal["regression", "decision", "network"]
    if experiment == "experiment 3":
        found = _networks(kind)
        model, limit = "network", good["accuracy"]
        short = level_of_networks(kind)[0] - found["accuracy"]
    else:
        found = read_committed(_TABLES[experiment, kind])
        if experiment == "experiment 1":
            model, limit = "regression", 1 - good["fidelity"]
            short = 1 - found["fidelity"]
        else:
            model, limit = "decision", good["auc"]
            short = found["mean_auc_line"] - found["mean_auc"]
    accepted = accepted_by_recipe(found, model)
    return found.assign(accepted=accepted, short=short, good=short <= limit)


def _networks(kind):
    """Return the networks, or the settings with new images, of a trial."""
    if kind == "new images":
        return _settings_in_full()
    if kind == "grid":
        return grid_networks("brief", amplitudes=True, **_WAY)
    return read_committed(_TABLES["experiment 3", kind], **_WAY)


def _settings_in_full():
    """Return settings whose networks were trained in full, judged by new images."""
    import pandas as pd

    networks = _with_new_images(grid_networks(amplitudes=True, **_WAY))
    relu = _relu_networks("new images")
    ways = [*FACTORS, "amplitude", "presentation_time"]
    rows = []
    for setting, its in networks.groupby(ways):
        gains = paired_gains(its, relu)
        low, high = np.nan, np.nan
        if len(gains) > 1:
            low, high = interval_of(mean_over_seeds_and_images(gains))
        found = {"accuracy": its["accuracy"].mean(), "low": low, "high": high}
        rows.append({**dict(zip(ways, setting, strict=True)), **found})
    return pd.DataFrame(rows)


def _with_new_images(networks):
    """Return networks as they do on the images that the recipe's grid did not have."""
    first = read_decisions()["later"]["images"]["first"]
    hits = [its[first:] for its in networks["hits"]]
    right = [100 * its.mean() for its in hits]
    return networks.assign(hits=hits, accuracy=right)


def level_of_networks(kind):
    """Return the accuracy that networks are compared with.

    Parameters
    ----------
    kind : {"grid", "new images", "new settings", "new data"}
        What is new about the networks.

    Returns
    -------
    level : float
        Mean of ReLU networks that were trained alike, in percent.
    n : int
        How many ReLU networks it is from.
    """
    relu = _relu_networks(kind)
    return relu["accuracy"].mean(), len(relu)


def _relu_networks(kind):
    """Return the networks without spikes of a trial, as they do on its images."""
    found = read_committed(_RELU[kind])
    return _with_new_images(found) if kind == "new images" else found


def trial_table(trials: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Count in each trial how many settings are good, among those accepted or not.

    Parameters
    ----------
    trials : mapping of (str, str) to pandas.DataFrame
        As from `recipe_trials`; another judge may have changed ``accepted``.

    Returns
    -------
    table : pandas.DataFrame
        A row for each trial: how many are ``accepted`` and how many of them ``good``,
        Wilson's 95 % interval of that share ``in %`` where settings were drawn, the
        share of good ones among all that one gets ``blindly``, how many are
        ``rejected``, and how many good ones are ``missed`` in this way.
    """
    import pandas as pd

    rows = {}
    for trial, judged in trials.items():
        accepted, good = judged["accepted"], judged["good"]
        n, n_good = int(accepted.sum()), int((accepted & good).sum())
        # The settings of a grid are no sample of anything.
        is_drawn = trial[-1] not in {"grid", "new images"}
        right = accuracy_interval(n_good, n) if n and is_drawn else None
        rows[trial] = {
            "accepted": n,
            "good": n_good,
            "in %": f"{100 * right.low:.0f}\u2013\u2060{100 * right.high:.0f}"
            if right
            else "",
            "blindly": f"{100 * good.mean():.0f}",
            "rejected": int((~accepted).sum()),
            "missed": int((~accepted & good).sum()),
        }
    return pd.DataFrame(rows).T


def show_recipe() -> str:
    """Return the recipe with its thresholds, as a list in Markdown.

    Returns
    -------
    rules : str
    """
    limits = read_decisions()["recipe"]
    low, high = limits["product"]
    return f"""
1. **Give the filter its time.** After $T$ seconds a low-pass filter has settled to
   $1 - e^{{-T/\\tau}}$, where $\\tau$ is `synapse`. For a regression, want at least
   {limits["settled"]:.0%}. Neither the largest of several outputs nor a ranking of rows
   waits for that; a decision by a fixed threshold does.
2. **Give it spikes to average.** Over the window that counts (the filter's time
   constant; with the read-out "mean" half the presentation besides) a neuron at its
   largest rate should fire {limits["spikes"]} times:
   `max_rate * window >= {limits["spikes"]}`.
3. **In a network of layers, keep the signal near 1**:
   `{low} <= amplitude * max_rate <= {high}`.
4. **In a short presentation, let even the middling neurons fire**:
   `max_rate * T >= {limits["in_presentation"]}`.
5. Choose `tau_rc` last. It bends the response between two fixed ends.

Rules 1 and 2 are for single neurons, 3 and 4 for the network.
"""


def show_criteria() -> str:
    """Return what counts as good in each experiment, as a list in Markdown.

    Returns
    -------
    criteria : str
    """
    good = read_decisions()["good"]
    linear, logistic = (
        read_committed(f"grid_{name}_regression").iloc[0]
        for name in ("linear", "logistic")
    )
    level, n = level_of_networks("grid")
    accepted = _accepted_decisions()
    of_logistic = accepted["mean_auc_logistic"] - accepted["mean_auc"] <= good["auc"]
    blind = accepted[accepted["mean_recall"] < 0.01]
    return f"""
- **Experiment 1**: the neuron follows at least {good["fidelity"]:.0%} of the variation
  of the least-squares line. A constant follows none of it. (By its error it would pass:
  the mean of the training flowers has
  {linear["mean_mse_mean"] / linear["mean_mse_line"]:.2f} times the squared error of the
  line.)
- **Experiment 2**: its AUC is at most {good["auc"]} below that of a least-squares fit
  to 0 and 1, which is what its decoder is. A constant has 0.5. (Of the
  {len(accepted)} settings that the recipe accepts in all trials,
  {accepted["good"].sum()} are good by this, and {of_logistic.sum()} with logistic
  regression as the reference. AUC does not see the threshold: with that,
  {len(blind)} of them find fewer than 1 % of the class that is looked for, all with a
  `synapse` of {blind["synapse"].min():.2f} s or more. In accuracy, always saying
  "normal" gets {100 * logistic["mean_accuracy_majority"]:.1f} % and logistic regression
  {100 * logistic["mean_accuracy_logistic"]:.1f} %.)
- **Experiment 3**: its accuracy is at most {good["accuracy"]:g} points below
  {level:.1f} %, the mean of {n} ReLU networks that were trained alike. (New images and
  new data have their own.)
"""


def _accepted_decisions():
    """Return the settings of experiment 2 that the recipe accepts, in all trials."""
    import pandas as pd

    trials = [it for it in _committed_trials() if it[0] == "experiment 2"]
    its = pd.concat(_judged(*trial) for trial in trials)
    return its[its["accepted"]]

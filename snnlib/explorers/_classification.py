"""A spiking classifier over its training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.multiclass import type_of_target

from snnlib.checks import check_finite, shown
from snnlib.estimators import SpikingClassifier
from snnlib.explorers._description import Panel, Readout, Series, View
from snnlib.explorers._ensemble import EnsembleExplorer, check_rows, own_copy
from snnlib.explorers._explorer import documented
from snnlib.simulation import lowpass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

    from snnlib.explorers._explorer import Explorer


class _ClassificationExplorer(EnsembleExplorer):
    """A classifier of two classes over its training rows."""

    kind = "classification"
    scripts = ("_ensemble.js", "_classification.js")
    title = "A decision by spikes under your hands"
    default_question = (
        "Set the read-out to the last step and move synapse to its smallest value. "
        "Does accuracy fall as badly as the picture looks?"
    )
    default_answer = (
        "No. The decisions fall apart into two groups: rows whose neuron happened to "
        "spike just before the last step, and rows whose neuron did not and which get "
        "the decoder's constant. Accuracy suffers, but far less than the values do: a "
        "decision asks for a side of the threshold, not for a value."
    )
    default_sliders = ("readout", "synapse")
    default_presets: ClassVar = {
        "last step, quick synapse": {"readout": "last", "synapse": 0.001},
        "slow synapse": {"synapse": 1.0},
        "lower threshold": {"threshold": -0.5},
    }
    default_guess = ({"readout": "last", "synapse": 0.001}, "accuracy")
    readouts = (
        Readout("accuracy", "accuracy", "%", 1, spoken=True),
        Readout("majority", "majority class alone", "%", 1),
        Readout("true_positive", "", digits=0),
        Readout("false_negative", "", digits=0),
        Readout("false_positive", "", digits=0),
        Readout("true_negative", "", digits=0),
        Readout("decision", "decision for the chosen row", digits=4, spoken=True),
        Readout("spikes", "its spikes", digits=0),
    )

    def __init__(self, classifier, X, y, class_names, **texts):
        negative, positive = class_names
        self.sentence = (
            f"You are looking at a spiking classifier fitted to {len(y)} rows and "
            "shown the same rows again. Each point is a row, in the band of its true "
            f'class; right of the threshold it is called "{positive}". Rows called '
            "wrongly are hollow. The classifier is fitted anew at every setting."
        )
        wording = {
            "true_positive": f'"{positive}" called "{positive}"',
            "false_negative": f'"{positive}" called "{negative}"',
            "false_positive": f'"{negative}" called "{positive}"',
            "true_negative": f'"{negative}" called "{negative}"',
        }
        self.readouts = tuple(
            readout._replace(label=wording.get(readout.name, readout.label))
            for readout in self.readouts
        )
        self.classes, codes = np.unique(y, return_inverse=True)
        fitted = clone(classifier).fit(X, y)
        order = np.argsort((fitted._represent(X) @ fitted.encoders_[0]), kind="stable")
        self.codes = codes[order]
        # Multiples of the golden ratio spread the points of a band evenly.
        self.heights = self.codes + 0.7 * (np.arange(len(y)) * 0.6180339887 % 1 - 0.5)
        labels = [
            f"{place}: {class_names[code]}"
            for place, code in enumerate(self.codes, start=1)
        ]
        super().__init__(
            classifier, X[order], y[order], labels, extra=("threshold",), **texts
        )
        output_limits = self._output_limits(self._targets())
        self.panels = (
            Panel(
                "decisions",
                "Decision for each row",
                "decision",
                "true class",
                (
                    Series("right", "points", "spiking", "called rightly"),
                    Series("wrong", "points", "spiking", "called wrongly", hollow=True),
                    Series("threshold", "limit", "target", "threshold", dashed=True),
                    Series("chosen", "points", "chosen", "chosen row"),
                ),
                "Decision value of each row in two bands, one a class, with the "
                "threshold as a vertical line.",
                x_limits=output_limits["y_limits"],
                y_limits=[-0.5, 1.5],
                y_ticks=[[0, negative], [1, positive]],
            ),
            Panel(
                "output",
                "Output for the chosen row",
                "time (s)",
                "decision",
                (
                    Series("filtered", "line", "spiking", "filtered output"),
                    Series("threshold", "level", "target", "threshold", dashed=True),
                ),
                "Filtered, decoded output over the presentation of the chosen row, "
                "with the threshold.",
                **output_limits,
            ),
        )

    def _rows(self):
        return self.X

    def _targets(self):
        return 2.0 * self.codes - 1

    def _data(self):
        return super()._data() | {
            "codes": self.codes.tolist(),
            "heights": self.heights.tolist(),
        }

    def _compute(self, *, sample, readout, synapse, threshold, **neuron):
        fitted = self._fit(**neuron)
        decoded = fitted.simulate(self.X)
        decisions = fitted.decide(decoded, synapse=synapse, readout=readout)
        called, codes = decisions > threshold, self.codes.astype(bool)
        right = called == codes
        output = lowpass(decoded[sample, :, 0], synapse, dt=fitted.dt)
        output = output + fitted.output_bias_[0]
        return View(
            {
                "decisions.right": (decisions[right], self.heights[right]),
                "decisions.wrong": (decisions[~right], self.heights[~right]),
                "decisions.threshold": ([threshold], []),
                "decisions.chosen": ([decisions[sample]], [self.heights[sample]]),
                "output.filtered": (
                    np.arange(1, len(output) + 1) * fitted.dt,
                    output,
                ),
                "output.threshold": ([], [threshold]),
            },
            {
                "accuracy": 100 * right.mean(),
                "majority": 100 * max(codes.mean(), 1 - codes.mean()),
                "true_positive": (codes & called).sum(),
                "false_negative": (codes & ~called).sum(),
                "false_positive": (~codes & called).sum(),
                "true_negative": (~codes & ~called).sum(),
                "decision": decisions[sample],
                "spikes": fitted.spike_trains(self.X[[sample]]).sum(),
            },
        )


@documented
def classification_explorer(
    classifier: SpikingClassifier,
    X: ArrayLike,
    y: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
) -> Explorer:
    """Show a spiking classifier over its training rows, with sliders for its neurons.

    Whenever a slider moves, the classifier is fitted anew to all rows and shown them
    again. It holds no rows out and shows two classes only.

    Parameters
    ----------
    classifier : SpikingClassifier
        Its parameters are where the sliders start. It need not be fitted, and is left
        as it is.
    X : array-like of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,)
        Labels of two classes.
    class_names : sequence of two str or None, default=None
        What to call the classes, in sorted order; None calls them by their labels.
    question, answer : str or None, default=None
        {texts}
    sliders : sequence of str or None, default=None
        {sliders}
    presets : mapping or None, default=None
        {presets}
    guess : tuple of mapping and str, or None, default=None
        {guess}

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    ValueError
        If the classifier is none or learns by gradient, a value is missing, there are
        not two classes, or a name is no text.
    """
    classifier = own_copy("classifier", classifier, SpikingClassifier)
    X, y = check_rows(X, y)
    labels = _two_labels(y)
    names = [str(label) for label in labels] if class_names is None else class_names
    return _ClassificationExplorer(
        classifier,
        X,
        y,
        _two_names(names),
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )


def _two_labels(y):
    """Return the labels of two classes in order, refusing what is no label."""
    if y.dtype.kind == "f":
        check_finite("y", y)
    try:
        labels = np.unique(y)
        kind = type_of_target(labels)
    except (TypeError, ValueError) as error:
        kinds = sorted({type(label).__name__ for label in y.tolist()})
        msg = f"y must hold numbers or texts as labels; got {' and '.join(kinds)}."
        raise ValueError(msg) from error
    if len(labels) != 2 or kind != "binary":
        msg = f"y must hold 2 classes; got {len(labels)} ({kind})."
        raise ValueError(msg)
    return labels


def _two_names(names):
    """Return the names of two classes as a list."""
    is_ordered = np.iterable(names) and not isinstance(names, str | set | dict)
    found = list(names) if is_ordered else []
    if len(found) != 2 or not all(isinstance(name, str) for name in found):
        msg = f"class_names must be 2 texts or None; got {shown(names)}."
        raise ValueError(msg)
    return found

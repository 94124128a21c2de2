"""A trained conv net over a few images."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from snnlib.checks import shown
from snnlib.estimators import SpikingConvClassifier
from snnlib.explorers._description import STOPS, Panel, Readout, Series, View
from snnlib.explorers._explorer import (
    Explorer,
    as_array,
    check_estimator,
    documented,
)
from snnlib.images import check_images
from snnlib.simulation import lowpass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike


class _ImageExplorer(Explorer):
    """A trained conv net over a few images; it needs a kernel to move."""

    kind = "image"
    title = "A trained network under your hands"
    sentence = (
        "You are looking at the ten outputs of the trained network while it sees one "
        "image, and at its accuracy on the images given. The weights stay as they were "
        "trained; only the neurons change."
    )
    default_question = (
        "Raise max_rate to 300 Hz. The network spikes more, and yet it errs more. "
        "Which slider repairs that?"
    )
    default_answer = (
        "amplitude. A layer passes on amplitude times rate, so three times the rate "
        "makes its signal three times what the weights were trained for, and every "
        "layer multiplies that again. A third of the amplitude brings the signal back."
    )
    default_sliders = ("max_rate", "amplitude", "sample")
    default_presets: ClassVar = {"300 Hz": {"max_rate": 300.0}}
    readouts = (
        Readout("accuracy", "accuracy on the images given", "%", 1),
        Readout("spikes", "spikes an image", digits=0),
        Readout("prediction", "prediction for the chosen image", digits=0),
        Readout("target", "its label", digits=0),
    )
    _names = (
        *("max_rate", "tau_rc", "amplitude", "synapse", "presentation_time"),
        "readout",
    )

    def __init__(self, classifier, images, labels, **texts):
        self.images, self.labels = images, labels
        self.panels = (
            Panel(
                "outputs",
                "Outputs for the chosen image",
                "time (s)",
                "filtered output",
                (
                    Series("others", "lines", "data", "other classes"),
                    Series("label", "line", "spiking", "its class"),
                ),
                "Filtered outputs over the presentation, the one of the image's class "
                "in blue and the others in grey.",
            ),
            Panel(
                "spikes",
                "Spikes in each step",
                "time (s)",
                "spikes in all layers",
                (Series("count", "line", "spiking", "all layers"),),
                "Number of spikes in all layers at each step of the presentation.",
                from_zero=True,
            ),
        )
        stops = {name: STOPS[name] for name in self._names}
        # A second of an image costs what a thousand steps cost: too long to wait for.
        stops["presentation_time"] = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2]
        start = {name: getattr(classifier, name) for name in self._names}
        stops["sample"] = list(range(len(labels)))
        sample_labels = [f"{i}: a {label}" for i, label in enumerate(labels)]
        # The last few settings are kept, for synapse and read-out need no new run.
        self._run = lru_cache(maxsize=4)(self._simulate)
        super().__init__(
            classifier,
            stops,
            start | {"sample": 0},
            labels={"sample": sample_labels},
            **texts,
        )

    def _simulate(self, **neuron):
        return copy.copy(self.estimator).set_params(**neuron).simulate(self.images)

    def _compute(self, *, sample, synapse, readout, **neuron):
        run = self._run(**neuron)
        scores = self.estimator.decide(run.output, synapse=synapse, readout=readout)
        called = self.estimator.classes_[scores.argmax(axis=1)]
        outputs = lowpass(run.output[sample], synapse, dt=self.estimator.dt)
        time = np.arange(1, len(outputs) + 1) * self.estimator.dt
        of_label = self.estimator.classes_ == self.labels[sample]
        return View(
            {
                "outputs.others": (time, outputs[:, ~of_label]),
                "outputs.label": (time, outputs[:, of_label]),
                "spikes.count": (time, run.spike_counts[sample].sum(axis=1)),
            },
            {
                "accuracy": 100 * (called == self.labels).mean(),
                "spikes": run.spike_counts.sum(axis=(1, 2)).mean(),
                "prediction": called[sample],
                "target": self.labels[sample],
            },
        )

    def _page(self, picture):  # noqa: ARG002
        # No sliders rather than dead ones.
        return {}


@documented
def image_explorer(
    classifier: SpikingConvClassifier,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    question: str | None = None,
    answer: str | None = None,
    sliders: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
    guess: tuple[Mapping[str, Any], str] | None = None,
) -> Explorer:
    """Show a trained conv net over a few images, with sliders for its neurons.

    The weights stay as they are. It needs a kernel: in the built book it is a picture.
    Every image is simulated at every new setting, so a few dozen are enough.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        A fitted network.
    images : array-like of images
        As in the classifier's ``predict``.
    labels : array-like of shape (n_images,)
        Their classes.
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
        If the classifier is none or not fitted, the images are not what it takes, the
        labels are not one an image or none of its classes, or a text is none.
    """
    labels = check_labelled(classifier, images, labels)
    return _ImageExplorer(
        classifier,
        images,
        labels,
        question=question,
        answer=answer,
        sliders=sliders,
        presets=presets,
        guess=guess,
    )


def check_labelled(classifier, images, labels):
    """Return labels as an array, refusing what is no network with images of its own."""
    check_estimator("classifier", classifier, SpikingConvClassifier)
    labels = as_array("labels", labels)
    n_images = len(images) if np.iterable(images) else 0
    if labels.shape != (n_images,) or not n_images:
        count = len(labels) if labels.ndim == 1 else f"shape {labels.shape}"
        msg = (
            "labels must hold one label for each image, and at least one; "
            f"got {count} for {n_images} images."
        )
        raise ValueError(msg)
    _check_shown(classifier, images, labels)
    return labels


def _check_shown(classifier, images, labels):
    """Refuse images and labels that a classifier knows nothing of."""
    if not hasattr(classifier, "weights_"):
        msg = "classifier must be fitted, by fit or load; got one that is not."
        raise ValueError(msg)
    try:
        check_images(images, classifier.image_shape_)
    except ValueError as error:
        msg = f"images must be such as classifier was fitted to: {error}"
        raise ValueError(msg) from error
    classes = classifier.classes_.tolist()
    strange = [label for label in labels.tolist() if label not in classes]
    if strange:
        msg = (
            f"labels must be classes of classifier, {classes}; got {shown(strange[0])}."
        )
        raise ValueError(msg)

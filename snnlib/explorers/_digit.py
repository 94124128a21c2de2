"""A trained conv net that spikes in the page, at a digit drawn there."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlib.checks import shown
from snnlib.datasets import (
    DataUnavailableError,
    fetch_mnist,
    load_digits28,
    train_test_mnist,
)
from snnlib.estimators import SpikingConvClassifier
from snnlib.explorers import _picture
from snnlib.explorers._description import STOPS, Panel, Readout, Series, View
from snnlib.explorers._explorer import (
    Explorer,
    check_estimator,
    check_names,
    check_presets,
    check_sliders,
    documented,
    face,
)
from snnlib.explorers._image import check_labelled
from snnlib.explorers._network import decode_weights, encode_network, engine_script
from snnlib.explorers._page import asset, frame, new_identity
from snnlib.files import plain
from snnlib.images import check_images
from snnlib.metrics import network_cost
from snnlib.recording import results_path
from snnlib.simulation import lowpass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

_PAPER = {
    "max_rate": 100.0,
    "amplitude": 0.01,
    "tau_rc": 0.02,
    "initial_voltage": "zero",
    "synapse": 0.1,
    "presentation_time": 0.03,
}
_PRESETS = {
    "the paper": _PAPER,
    "50 Hz": _PAPER | {"max_rate": 50.0},
    "1 / max_rate": _PAPER | {"max_rate": 50.0, "amplitude": 0.02},
}
_STEPS = (*range(1, 11), 12, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100)
_STOPS = {
    "max_rate": [*map(float, (*range(10, 101, 10), 120, 150, 200, 250, 300))],
    "amplitude": [0.001, 0.002, 0.004, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05],
    "tau_rc": STOPS["tau_rc"],
    "initial_voltage": ["zero", "uniform", "dither"],
    "synapse": STOPS["synapse"],
}
# Each comes with the page, a byte a pixel.
_MOST_IMAGES = 50
_N_IMAGES = 20


class _DigitExplorer(Explorer):
    """A trained conv net at one image, drawn in the page or taken from a few."""

    kind = "digit"
    title = "Draw a digit and watch it spike"
    sentence = (
        "You are looking at the trained network itself, simulated spike by spike in "
        "your browser. Each tile of a map is a channel of a layer and each pixel a "
        "neuron, which glows as it spikes. The strip under the maps says which output "
        "leads in which step. An addition is a weight that a spike adds to a neuron. "
        "The image is multiplied into a current once, where a dense network multiplies "
        "every weight at every place. Updates of the neurons are not counted."
    )
    default_question = (
        "Draw a digit and let the network decide. Then press 50 Hz, which leaves all "
        "weights as they are. Guess first: what becomes of the spikes of the last "
        "layer, and of the step in which the decision settles?"
    )
    default_answer = (
        "They come late, and few of them. From a start at 0 and at 50 Hz, a neuron "
        "needs 18 ms to its first spike even at an input of 1, and each layer waits "
        "for the one before it. The outputs hear of the digit in the last of 30 steps; "
        "with 25 steps they hear next to nothing. 1 / max_rate makes spikes larger: "
        "those of the first layer come no earlier, those behind it some steps earlier. "
        "More steps do help, and so does a start at random voltages."
    )
    readouts = (
        Readout("decision", "decision", digits=0, spoken=True),
        Readout("settled", "settled at step", digits=0, spoken=True),
        Readout("spikes", "spikes", digits=0, spoken=True),
        Readout("additions", "additions (spikes)", digits=0),
        Readout("multiplications", "multiplications (image)", digits=0),
        Readout("dense", "multiplications (dense)", digits=0),
    )
    panels = (
        Panel(
            "outputs",
            "Outputs",
            "time (s)",
            "filtered output",
            (
                Series("others", "lines", "data", "other classes"),
                Series("leader", "line", "spiking", "the largest at the end"),
            ),
            "Filtered outputs of all classes over the presentation, the one that is "
            "largest at the end in blue and the others in grey.",
        ),
        Panel(
            "spikes",
            "Spikes in each step",
            "time (s)",
            "spikes of a layer",
            (
                Series("before", "lines", "data", "layers before"),
                Series("last", "line", "spiking", "last layer"),
            ),
            "Number of spikes of each layer in each step of the presentation, those of "
            "the last layer in blue.",
            from_zero=True,
        ),
    )

    def __init__(self, networks, images, labels, presets, sliders, **texts):
        self._bytes = np.rint(255 * images).astype(np.uint8)
        self.images, self.labels = self._bytes.astype(np.float32) / 255, labels
        self._encoded = [encode_network(network) for network in networks]
        self._shown = [
            _with_weights_of(network, encoded)
            for network, encoded in zip(networks, self._encoded, strict=True)
        ]
        own = [{name: of["settings"][name] for name in _PAPER} for of in self._encoded]
        self._presets = [
            {"name": name, "values": own[place] | values, "network": place}
            for name, place, values in presets
        ]
        self._sliders = sliders
        dt = networks[0].dt
        stops = {**_STOPS, "presentation_time": [round(n * dt, 12) for n in _STEPS]}
        for name, values in stops.items():
            # A slider stops wherever a preset puts it.
            states = [own[0], *(preset["values"] for preset in self._presets)]
            wanted = {state[name] for state in states} - {*values}
            stops[name] = values + sorted(wanted)
            if wanted:
                stops[name].sort(key=lambda value: (value is not None, value))
        steps = [f"{round(time / dt)} steps" for time in stops["presentation_time"]]
        samples = [f"{place}: a {label}" for place, label in enumerate(labels, 1)]
        self._run = lru_cache(maxsize=4)(self._simulate)
        super().__init__(
            self._shown[0],
            stops | {"sample": list(range(len(labels)))},
            own[0] | {"sample": 0},
            labels={"sample": samples, "presentation_time": steps},
            **texts,
        )

    def _simulate(self, sample, **neuron):
        """Return what comes of an image, and what that costs."""
        network = copy.copy(self.estimator).set_params(**neuron)
        image = self.images[[sample]]
        # A weight of 0 is added as any other, but NeuroBench counts no such addition.
        counted = copy.copy(network)
        counted.weights_ = [np.where(w == 0, 1e-30, w) for w in network.weights_]
        counted.weights_ = [weight.astype(np.float32) for weight in counted.weights_]
        return network.simulate(image), network_cost(counted, image, fold_pools=True)

    def _compute(self, *, sample, synapse, **neuron):
        run, cost = self._run(sample, **neuron)
        (output,), (counts,) = run.output, run.spike_counts
        network = self.estimator
        delay = bool(synapse) + bool(network.layer_synapse)
        arrived = np.concatenate([np.zeros(delay), counts[:, -1].cumsum()])
        scores = [
            network.decide(run.output[:, : step + 1], synapse=synapse)[0]
            for step in range(len(output))
        ]
        leaders = np.where(arrived[: len(output)] > 0, np.argmax(scores, axis=1), -1)
        last = leaders[-1]
        others = np.flatnonzero(leaders != last)
        filtered = lowpass(output, synapse, dt=network.dt)
        time = np.arange(1, len(output) + 1) * network.dt
        is_leader = np.arange(output.shape[1]) == np.argmax(scores[-1])
        nothing = last < 0
        return View(
            {
                "outputs.others": (time, filtered[:, ~is_leader]),
                "outputs.leader": (time, filtered[:, is_leader]),
                "spikes.before": (time, counts[:, :-1]),
                "spikes.last": (time, counts[:, -1]),
            },
            {
                "decision": "none" if nothing else network.classes_[last],
                "settled": "none" if nothing else (others.max(initial=-1) + 2),
                "spikes": counts.sum(),
                "additions": cost.effective_acs,
                "multiplications": cost.layers[0].effective_macs / cost.n_steps,
                "dense": self._dense,
            },
        )

    @cached_property
    def _dense(self):
        """Return the multiplications of a pass in which every unit is computed."""
        once = copy.copy(self.estimator).set_params(presentation_time=self.estimator.dt)
        return network_cost(once, self.images[:1]).dense

    def _html(self, picture):
        identity = new_identity(self)
        networks = "".join(
            f'<script type="application/json" data-network="{_name(encoded)}">'
            f"{_for_script(encoded)}</script>"
            for encoded in self._encoded
        )
        seen = f"<p>{escape(self.sentence)}</p>"
        return (
            frame(
                *(self, identity, picture),
                sheets=["digit.css"],
                kind="snnlib-digit",
                before=f"<details><summary>What you see</summary>{seen}</details>",
            )
            + f"{networks}<script>{engine_script()}</script>"
            f"<script>{asset('state.js')}{asset('pad.js')}{asset('digit.js')}"
            f"snnlib.digit.mount({json.dumps(identity)}, {self._description()});"
            "</script>"
        )

    def _description(self):
        size = self.estimator.image_shape_[0]
        apart = {"sample", "decision"}
        return _for_script(
            {
                "owner": type(self.estimator).__name__,
                "controls": [c._asdict() for c in self.controls if c.name not in apart],
                "sliders": self._sliders,
                "start": {n: v for n, v in self.start.items() if n not in apart},
                "presets": self._presets,
                "readouts": [r._asdict() for r in self.readouts if r.name not in apart],
                "size": size,
                "box": _box(self.images.reshape(-1, size, size)),
                "images": base64.b64encode(self._bytes.tobytes()).decode(),
                "labels": self.labels,
                "first": self.start["sample"],
                "networks": [
                    {
                        "name": _name(encoded),
                        "scale": self._scale(network),
                        **{k: v for k, v in encoded.items() if k != "weights"},
                    }
                    for network, encoded in zip(self._shown, self._encoded, strict=True)
                ],
            }
        )

    def _scale(self, network):
        """Return how large an output becomes: what fills a bar of the race."""
        output = network.simulate(self.images).output
        return np.abs(lowpass(output, network.synapse, dt=network.dt, axis=1)).max()

    def _png(self, view):
        """Draw what is seen without scripts, in few colours for a small page."""
        return _picture.small_png(_picture.draw(self.panels, view))

    def _ipython_display_(self):
        if face() != "widgets":
            super()._ipython_display_()
            return
        from IPython.display import display

        # With a kernel too: only a page can be drawn on, and what it computes is what
        # the event engine does, spike by spike, without a way to the kernel and back.
        display({"text/html": self.html(), "text/plain": repr(self)}, raw=True)


def _five_steps():
    """Return the network that was trained for few steps, at five of them."""
    network = SpikingConvClassifier.load(results_path("mnist_few_steps.npz"))
    return network.set_params(presentation_time=5 * network.dt)


def _test_digits():
    """Return 20 test digits of MNIST where it is at hand, else such as MNIST has."""
    try:
        mnist = fetch_mnist(download_if_missing=False)
        _, images, _, labels = train_test_mnist(mnist, n_test=_N_IMAGES)
    except DataUnavailableError:
        from scipy.ndimage import zoom

        digits = load_digits28()
        images = digits.data[:_N_IMAGES].reshape(-1, 28, 28)
        images = zoom(images, (1, 20 / 28, 20 / 28), order=1).clip(0, 1)
        images = np.pad(images, ((0, 0), (4, 4), (4, 4)))
        labels = digits.target[:_N_IMAGES]
    return images, labels


def _with_weights_of(classifier, encoded):
    """Return a classifier with the weights that the page has."""
    changed = copy.copy(classifier)
    changed.weights_ = decode_weights(encoded)
    return changed


def _name(encoded):
    """Return a name for a network that no other has."""
    return f"network-{hashlib.sha256(_for_script(encoded).encode()).hexdigest()[:12]}"


def _for_script(values):
    """Return values as JSON that may stand in a script element."""
    return json.dumps(plain(values)).replace("<", "\\u003c")


def _box(images):
    """Return the larger side of the box around a digit, in pixels: 20 for MNIST."""
    sides = [
        np.ptp(np.flatnonzero(image.any(axis=axis))) + 1
        for image in images
        for axis in (0, 1)
        if image.any()
    ]
    larger = np.reshape(sides, (-1, 2)).max(axis=1) if sides else [len(images[0])]
    return int(np.median(larger))


@documented
def digit_explorer(
    classifier: SpikingConvClassifier | None = None,
    images: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    *,
    presets: Mapping[str, Mapping[str, Any] | SpikingConvClassifier] | None = None,
    sliders: Sequence[str] | None = None,
    question: str | None = None,
    answer: str | None = None,
) -> Explorer:
    """Show a trained conv net at a digit that the reader draws, spike by spike.

    The network runs in the page, in a worker, with a byte for each of its weights; no
    kernel is needed, and with one the page does the same. A digit is drawn, or taken
    from the images given; what is drawn is centred, and made as large as these are.
    It does not train, and shows one image at a time.

    Parameters
    ----------
    classifier : SpikingConvClassifier or None, default=None
        A fitted network for square images of one channel. Its parameters are where the
        sliders start, and are left as they are. None is the network that comes with
        the package, trained on MNIST.
    images : array-like of images or None, default=None
        1 to 50 of them, as in the classifier's ``predict``. They come with the page, in
        256 greys. None takes 20 test images of MNIST where it is at hand, and 20 of
        scikit-learn's digits, brought to MNIST's size, where it is not.
    labels : array-like of shape (n_images,) or None, default=None
        Their classes; None where ``images`` is.
    presets : dict or None, default=None
        States to choose from by a button, by the text on it: where sliders stand, by
        name, the others at their start; or another fitted network for the same images,
        whose weights and settings are its own. None is the paper's setting, the same
        at 50 Hz, and that with an amplitude of 1 / ``max_rate``; and, beside the
        network of the package, the one that was trained for few steps.
    sliders : sequence of str or None, default=None
        Sliders to show, of ``max_rate`` (Hz), ``amplitude``, ``tau_rc`` (s),
        ``initial_voltage``, ``synapse`` (s or None) and ``presentation_time`` (s);
        None shows all. Presets set the others too.
    question, answer : str or None, default=None
        {texts}

    Returns
    -------
    explorer : Explorer
        {explorer}

    Raises
    ------
    TypeError
        If there is no slider of a name.
    ValueError
        If the classifier is none, not fitted or for other images than square ones of
        one channel, the images are not what it takes, the labels are not one an image
        or none of its classes, a preset holds an impossible value or a network for
        other images, or a text is none.

    See Also
    --------
    image_explorer : Accuracy on a few images, with a kernel.
    """
    if presets is None:
        presets = _PRESETS
        if classifier is None:
            presets = _PRESETS | {"five steps": _five_steps()}
    if classifier is None:
        classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    if images is None and labels is None:
        images, labels = _test_digits()
    labels = check_labelled(classifier, images, labels)
    rows, columns, channels = shape = tuple(classifier.image_shape_)
    if rows != columns or channels != 1:
        msg = (
            "classifier must be fitted to square images of one channel, for a digit is "
            f"drawn in one colour; got images of shape {shape}."
        )
        raise ValueError(msg)
    if len(labels) > _MOST_IMAGES:
        msg = f"images must be at most {_MOST_IMAGES}; got {len(labels)}."
        raise ValueError(msg)
    classifier.check_parameters()
    sliders = _PAPER if sliders is None else sliders
    sliders = check_sliders(sliders, _PAPER, "digit_explorer", may_be_none=True)
    check_presets(presets)
    networks, checked = [classifier], []
    for name, preset in presets.items():
        if isinstance(preset, Mapping):
            check_names(preset, _PAPER, "digit_explorer")
            copy.copy(classifier).set_params(**preset).check_parameters()
            checked.append((name, 0, dict(preset)))
        else:
            _check_twin(name, preset, classifier)
            checked.append((name, len(networks), {}))
            networks.append(preset)
    return _DigitExplorer(
        networks,
        check_images(images, shape)[0],
        labels,
        checked,
        sliders,
        question=question,
        answer=answer,
    )


def _check_twin(name, preset, classifier):
    """Refuse a preset that is no network for the images and classes of another."""
    check_estimator(f"presets[{name!r}]", preset, SpikingConvClassifier)
    if not hasattr(preset, "weights_"):
        msg = f"presets[{name!r}] must be fitted, by fit or load; got one that is not."
        raise ValueError(msg)
    wanted, found = (
        (tuple(network.image_shape_), network.classes_.tolist())
        for network in (classifier, preset)
    )
    if found != wanted:
        msg = (
            f"presets[{name!r}] must be for the images and classes of classifier, "
            f"{shown(wanted)}; got {shown(found)}."
        )
        raise ValueError(msg)

"""Classification of images by a spiking convolutional network."""

import hashlib
import logging
import weakref
from importlib.util import find_spec
from numbers import Integral, Real
from typing import NamedTuple

import nengo
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_feature_names, check_is_fitted

from snnlib.estimators._base import (
    COMMON,
    Setting,
    SpikingEstimator,
    takes_neuron,
)
from snnlib.estimators._saving import load_classifier, save_classifier
from snnlib.estimators._training import (
    dl_simulator,
    new_dl_simulator,
    probes_by_label,
    train_model,
    train_network,
)
from snnlib.images import check_images
from snnlib.networks import (
    check_weights,
    conv_network,
    draw_voltage,
    parse_architecture,
    rate_model,
)
from snnlib.simulation import lowpass, read_out

logger = logging.getLogger(__name__)

_SETTINGS = COMMON | {
    "architecture": Setting(
        "str",
        "Layers before the linear read-out; see `snnlib.parse_architecture`.",
        [str],
    ),
    "max_rate": COMMON["max_rate"]._replace(
        text="Firing rate at an input of 1, in Hz. Larger puts more spikes into a "
        "presentation and, at a fixed amplitude, makes each layer's signal larger."
    ),
    "amplitude": COMMON["amplitude"]._replace(
        text="Area of one output spike; a layer passes on ``amplitude`` times its rate."
    ),
    "synapse": COMMON["synapse"]._replace(
        text="Low-pass time constant of the output in seconds; larger smooths more. It "
        "may be longer than the presentation: scores come out smaller, all by the same "
        "factor. None passes the read-out through as it is."
    ),
    "layer_synapse": Setting(
        "float or None",
        "Low-pass time constant in seconds of what each layer of neurons passes on; "
        "larger smooths more and responds later. None passes spikes on as they are, as "
        "in the paper's network. Training leaves it out.",
        [Interval(Real, 0, None, closed="neither"), None],
    ),
    "presentation_time": COMMON["presentation_time"]._replace(
        text="How long an image is shown, in seconds; longer costs more and errs less."
    ),
    "n_epochs": COMMON["n_epochs"]._replace(text="Passes over the training images."),
    "learning_rate": COMMON["learning_rate"]._replace(text="Step size of RMSprop."),
    "batch_size": COMMON["batch_size"]._replace(
        text="Images in a training step, and images simulated together."
    ),
    "trainer": Setting(
        '{"keras", "nengo_dl"}',
        "What computes the firing rates while training: a plain Keras model, or "
        "NengoDL itself. Both give the same loss; Keras is faster.",
        [StrOptions({"keras", "nengo_dl"})],
    ),
    "engine": Setting(
        '{"auto", "event", "nengo_dl"}',
        "What simulates the spikes: Numba, adding up one spike at a time, or NengoDL, "
        "multiplying whole matrices. Both give the same spikes but for rounding at the "
        'threshold. "auto" is "event" where Numba is installed.',
        [StrOptions({"auto", "event", "nengo_dl"})],
    ),
    "random_state": COMMON["random_state"]._replace(
        text="Seed of weights, order of images, and initial voltages."
    ),
    "verbose": Setting(
        "int",
        "1 shows a progress bar with loss and accuracy while training, 2 a line per "
        "epoch, 0 nothing.",
        [Interval(Integral, 0, 2, closed="both")],
    ),
}


class ConvRun(NamedTuple):
    """What one simulation of a conv net leaves behind, before any output filter."""

    output: np.ndarray
    """Unfiltered read-out, shape (n_images, n_steps, n_classes)."""
    spike_counts: np.ndarray
    """Spikes in each layer of neurons, shape (n_images, n_steps, n_layers)."""


class SpikingConvClassifier(ClassifierMixin, SpikingEstimator):
    """Classify images with a spiking convolutional network, trained through NengoDL.

    With its defaults it is the network of the 2019 paper. Training replaces each
    neuron's spikes by its firing rate; prediction uses the spikes. It does not augment
    or rescale images, and it does not stop early.

    {after_fit}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    image_shape_ : tuple of int
        Rows, columns and channels of the images.
    n_features_in_ : int
        Pixels of an image.
    feature_names_in_ : ndarray of str
        Names of the pixels, where X was a table that had any.
    weights_ : list of ndarray
        Kernel and bias of each layer in turn, read-out last.
    history_ : dict of str to list of float
        Loss and accuracy of the rate network after each epoch.
    seed_ : int
        The seed drawn from ``random_state``.

    See Also
    --------
    snnlib.conv_network : The declaration behind ``network_``.

    References
    ----------
    E. Hunsberger and C. Eliasmith, "Training spiking deep networks for neuromorphic
    hardware", arXiv:1611.05141, 2016.
    """

    _settings = _SETTINGS
    # A filter that starts at rest scales all classes alike; the largest stays largest.
    _warns_of_unsettled_output = False
    # That of NengoDL and of the event engine.
    _dtype = np.float32

    @takes_neuron(amplitude=0.01)
    def __init__(
        self,
        architecture="32C3-64C3-AP2-128C3-AP2",
        *,
        synapse=0.1,
        layer_synapse=None,
        initial_voltage="zero",
        presentation_time=0.03,
        dt=0.001,
        readout="last",
        n_epochs=10,
        learning_rate=0.001,
        batch_size=200,
        trainer="keras",
        engine="auto",
        random_state=None,
        verbose=1,
    ):
        self.architecture = architecture
        self.synapse = synapse
        self.layer_synapse = layer_synapse
        self.initial_voltage = initial_voltage
        self.presentation_time = presentation_time
        self.dt = dt
        self.readout = readout
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.trainer = trainer
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    def check_parameters(self):
        """Refuse impossible parameters now rather than when fitting.

        Returns
        -------
        self : SpikingConvClassifier

        Raises
        ------
        ValueError
            If a parameter has a wrong type or is out of range, or ``architecture``
            cannot be read; the message names it and the value got.
        """
        super().check_parameters()
        parse_architecture(self.architecture)
        return self

    def fit(self, X, y):
        """Train the network on images by the firing rates of its neurons.

        Parameters
        ----------
        X : array-like of shape (n_images, rows, columns), \
                (n_images, rows, columns, channels) or (n_images, n_pixels)
            Images with pixels in [0, 1]. Flat images must be square.
        y : array-like of shape (n_images,)
            Class labels.

        Returns
        -------
        self : SpikingConvClassifier
        """
        self.check_parameters()
        images, image_shape = check_images(X)
        y = np.asarray(y)
        if y.shape != (len(images),):
            msg = (
                f"y must hold one label for each of the {len(images)} images; "
                f"got shape {y.shape}."
            )
            raise ValueError(msg)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            msg = f"y must hold at least 2 classes; got only {classes[0]!r}."
            raise ValueError(msg)
        check_weights(None, image_shape, len(classes), self.architecture)
        self._warn_of_settings()

        # Until training ends, the estimator is not fitted.
        if hasattr(self, "weights_"):
            self._close_simulator()
            del self.weights_
        self._simulator = None
        _check_feature_names(self, X, reset=True)
        self.image_shape_, self.n_features_in_ = image_shape, images.shape[1]
        self.classes_ = classes
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        self.weights_, self.history_ = self._train(images, codes)
        return self

    @property
    def network_(self):
        """The fitted ``nengo.Network``, for ``nengo_dl.Simulator``."""
        check_is_fitted(self, "weights_")
        return self._declare_network(self.weights_)

    def _declare_network(self, weights=None, **changes):
        settings = {
            "synapse": self.synapse,
            "layer_synapse": self.layer_synapse,
            "initial_voltage": self.initial_voltage,
            **self._lif.settings,
        }
        return conv_network(
            self.image_shape_,
            len(self.classes_),
            self.architecture,
            **{**settings, **changes},
            weights=weights,
            seed=self.seed_,
        )

    def _train(self, images, codes):
        """Return trained weights, and loss and accuracy after each epoch."""
        options = {
            "n_epochs": self.n_epochs,
            "learning_rate": self.learning_rate,
            "batch_size": min(self.batch_size, len(images)),
            "verbose": self.verbose,
            "seed": self.seed_,
        }
        # NengoDL leaves out what fills no batch; which images these are is chance.
        order = np.random.default_rng(self.seed_).permutation(len(images))
        images, codes = images[order], codes[order]
        logger.info("training on %d images for %d epochs", len(images), self.n_epochs)
        if self.trainer == "nengo_dl":
            network = self._declare_network(layer_synapse=None)
            return train_network(network, images, codes, dt=self.dt, **options)
        model = rate_model(
            self.image_shape_,
            len(self.classes_),
            self.architecture,
            **self._lif.settings,
            seed=self.seed_,
        )
        return train_model(model, images, codes, **options)

    def simulate(self, X):
        """Show each image to the spiking network and keep what comes out.

        The output is not filtered yet, so that one simulation serves every value of
        ``synapse`` and both read-outs: hand it to `decide`.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        run : ConvRun
            The unfiltered output and the spikes of each layer at each step.
        """
        images = self._check_images(X)
        if self._adds_up_spikes:
            return ConvRun(*self._simulate_events(images)[:2])
        return self._simulate_nengo_dl(images)

    def spike_trains(self, X):
        """Return the spikes of every neuron while each image is shown.

        It takes a byte for each neuron and step, 2 MB for an image and the paper's
        network: show some images at a time.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        spikes : list of bool ndarray of shape \
                (n_images, n_steps, rows, columns, channels)
            True in each step of ``dt`` in which a neuron fired; one array for each
            layer of neurons. A fully connected layer has one row and one column.
        """
        images = self._check_images(X)
        if self._adds_up_spikes:
            return self._simulate_events(images, keep_spikes=True)[2]
        network = self._declare_network(self.weights_)
        layers = [
            (connection.post_obj, connection.pre_obj.shape_out)
            for connection in network.all_connections
            if isinstance(connection.post_obj, nengo.ensemble.Neurons)
        ]
        with network:
            probes = [nengo.Probe(neurons) for neurons, _ in layers]
        batch_size = min(self.batch_size, len(images))
        with dl_simulator(network, batch_size, self.dt, self.seed_) as sim:
            shown = [
                [spikes > 0 for spikes in batch]
                for batch in self._show(images, sim, network.input, probes)
            ]
        return [
            np.concatenate(spikes).reshape(
                len(images), self._n_steps, *(shape[:-1] or (1, 1)), shape[-1]
            )
            for spikes, (_, shape) in zip(zip(*shown, strict=True), layers, strict=True)
        ]

    def _check_images(self, X):
        check_is_fitted(self, "weights_")
        self.check_parameters()
        check_weights(
            self.weights_, self.image_shape_, len(self.classes_), self.architecture
        )
        _check_feature_names(self, X, reset=False)
        return check_images(X, self.image_shape_)[0]

    @property
    def _adds_up_spikes(self):
        return self.engine == "event" or (
            self.engine == "auto" and find_spec("numba") is not None
        )

    def _simulate_events(self, images, **options):
        from snnlib.events import compile_events, simulate_events

        stages, neuron = compile_events(
            self.weights_,
            self.architecture,
            self.image_shape_,
            self._lif,
            dt=self.dt,
            layer_synapse=self.layer_synapse,
        )
        rng = np.random.default_rng(self.seed_)
        voltages = [
            draw_voltage(self.initial_voltage, int(np.prod(stage.shape)), rng)
            for stage in stages[:-1]
        ]
        return simulate_events(
            stages, neuron, images, self._n_steps, voltages, **options
        )

    def _simulate_nengo_dl(self, images):
        from snnlib._nengo_dl import own_randomness

        outputs, counts = [], []
        with own_randomness():
            sim, image, probes = self._warm_simulator()
            layers = [name for name in probes if name.startswith("spikes ")]
            wanted = [probes[name] for name in ("output", *layers)]
            for output, *spikes in self._show(images, sim, image, wanted):
                outputs.append(output)
                counts.append(
                    np.rint(np.concatenate(spikes, axis=2) * self.dt / self.amplitude)
                )
        return ConvRun(np.concatenate(outputs), np.concatenate(counts).astype(int))

    def _show(self, images, sim, image, probes):
        """Show images in batches to a NengoDL simulator; yield what is probed."""
        for start in range(0, len(images), sim.minibatch_size):
            shown = images[start : start + sim.minibatch_size]
            batch = np.zeros((sim.minibatch_size, self.n_features_in_), np.float32)
            batch[: len(shown)] = shown
            data = sim.predict_on_batch(
                {image: np.repeat(batch[:, np.newaxis], self._n_steps, 1)}
            )
            yield [data[probe][: len(shown)] for probe in probes]

    def decide(self, output, *, synapse="own", readout="own"):
        """Filter an unfiltered output and read it out.

        Parameters
        ----------
        output : ndarray of shape (n_images, n_steps, n_classes)
            From `simulate`.
        synapse : float, None or "own", default="own"
            Low-pass time constant in seconds; "own" is the estimator's.
        readout : {"mean", "last", "own"}, default="own"
            How to read the filtered output; "own" is the estimator's.

        Returns
        -------
        scores : ndarray of shape (n_images, n_classes)
            One score per class; the largest is the prediction.
        """
        synapse, readout = self._own(synapse=synapse, readout=readout)
        filtered = lowpass(output, synapse, dt=self.dt, axis=1)
        return read_out(filtered, readout, axis=1)

    def decision_function(self, X):
        """Return the filtered read-out of each image, one score per class.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_images, n_classes)
        """
        return self.decide(self.simulate(X).output)

    def predict_proba(self, X):
        """Return the softmax of the scores, a probability the training aims at.

        It is not calibrated for spikes: a synapse that has not settled makes every
        score smaller, and the probabilities flatter.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_images, n_classes)
        """
        from scipy.special import softmax

        return softmax(self.decision_function(X), axis=1)

    def predict(self, X):
        """Return the class with the largest score for each image.

        Parameters
        ----------
        X : array-like of images
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_images,)
        """
        scores = self.decision_function(X)
        return self.classes_[scores.argmax(axis=1)]

    def save(self, path, **provenance):
        """Write the fitted classifier to an ``.npz`` file that holds no pickle.

        The file is written aside and then renamed, so it is whole or not there.

        Parameters
        ----------
        path : path-like
            Where to write; the folder must exist.
        **provenance : JSON values
            Anything to remember beside the weights, such as the date or a score.

        Raises
        ------
        ValueError
            If class labels, or something to remember, are no numbers, text or lists
            and dicts of them.
        """
        check_is_fitted(self, "weights_")
        save_classifier(self, path, provenance)

    @classmethod
    def load(cls, path):
        """Read a classifier that `save` wrote.

        Parameters
        ----------
        path : path-like
            The ``.npz`` file.

        Returns
        -------
        classifier : SpikingConvClassifier
            Fitted, with ``provenance_`` as it was given to `save`.

        Raises
        ------
        ValueError
            If the file is not such a classifier, or is damaged.
        """
        classifier = load_classifier(cls, path)
        classifier._simulator = None
        return classifier

    def _warm_simulator(self):
        """Return a NengoDL simulator, kept as long as the settings stay the same."""
        # Tracing the network takes longer than simulating a few hundred images.
        contents = hashlib.sha256()
        for weight in self.weights_:
            contents.update(np.ascontiguousarray(weight).data)
        settings = (
            *(self._lif, self.architecture, self.layer_synapse, self.initial_voltage),
            *(self.batch_size, self.dt, self.seed_, contents.hexdigest()),
        )
        if self._simulator is None or self._simulator[0] != settings:
            self._close_simulator()
            network = self._declare_network(self.weights_)
            sim = new_dl_simulator(network, self.batch_size, self.dt, self.seed_)
            # NengoDL complains of a simulator that is dropped without being closed.
            close = weakref.finalize(self, sim.close)
            probes = probes_by_label(network)
            self._simulator = (settings, sim, network.input, probes, close)
        return self._simulator[1:4]

    def _close_simulator(self):
        if self._simulator is not None:
            self._simulator[-1]()
        self._simulator = None

    def __getstate__(self):
        """Leave the open simulator behind when pickled or copied."""
        return {**super().__getstate__(), "_simulator": None}

    def __sklearn_tags__(self):
        """Tell scikit-learn that images come in three axes and without negatives."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        return tags

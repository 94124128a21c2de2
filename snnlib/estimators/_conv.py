"""Classification of images by a spiking convolutional network."""

from __future__ import annotations

import copy
import hashlib
import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, check_random_state
from sklearn.utils.validation import _check_feature_names, check_is_fitted

from snnlib.architectures import check_weights, parse_architecture
from snnlib.checks import check_number, check_whole, shown
from snnlib.estimators._base import (
    SpikingEstimator,
    check_targets,
    check_trained,
    class_codes,
)
from snnlib.estimators._engines import (
    ConvRun,
    WarmSimulator,
    run_events,
    run_nengo_dl,
    spike_trains_by_nengo_dl,
)
from snnlib.estimators._saving import load_classifier, save_classifier
from snnlib.estimators._settings import CONV
from snnlib.estimators._training import (
    check_augmentation,
    train_model,
    train_network,
)
from snnlib.images import check_images
from snnlib.networks import (
    check_trainable,
    conv_network,
    conv_neurons,
    count_model,
    rate_model,
    trained_settings,
)
from snnlib.simulation import check_signal, lowpass, read_out

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    import nengo
    from numpy.typing import ArrayLike, NDArray

logger = logging.getLogger(__name__)


class SpikingConvClassifier(ClassifierMixin, SpikingEstimator):
    """Classify images with a spiking convolutional network, trained through NengoDL.

    With its defaults it is the network of the 2019 paper. Training replaces spikes by
    firing rates, or by their number in a few steps; prediction uses spikes. It does not
    rescale images.

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
    snapshots_ : dict of float to list of ndarray
        The weights after some passes over the images, where `fit` was asked for any,
        and behind them what else was trained.
    trained_ : dict of str to list of float
        Each of the settings in ``trainable`` as training left it, one number for each
        layer of neurons. They take the place of the parameters of their names.

    See Also
    --------
    snnlib.conv_network : The declaration behind ``network_``.

    References
    ----------
    E. Hunsberger and C. Eliasmith, "Training spiking deep networks for neuromorphic
    hardware", arXiv:1611.05141, 2016.
    """

    _settings = CONV
    # A filter that starts at rest scales all classes alike; the largest stays largest.
    _warns_of_unsettled_output = False
    # That of NengoDL and of the event engine.
    _dtype = np.float32
    classes_: NDArray[Any]
    history_: dict[str, list[float]]
    image_shape_: tuple[int, int, int]
    n_features_in_: int
    provenance_: dict[str, Any]
    seed_: int
    snapshots_: dict[float, list[NDArray[Any]]]
    trained_: dict[str, list[float]]
    weights_: list[NDArray[Any]]

    def __init__(
        self,
        architecture: str = "32C3-64C3-AP2-128C3-AP2",
        *,
        synapse: float | None = 0.1,
        layer_synapse: float | None = None,
        initial_voltage: Literal["zero", "uniform", "dither"] = "zero",
        presentation_time: float = 0.03,
        dt: float = 0.001,
        readout: Literal["mean", "last", "overall"] = "last",
        n_epochs: int = 10,
        learning_rate: float = 0.001,
        schedule: Literal["constant", "cosine"] = "constant",
        batch_size: int = 200,
        trainer: Literal["keras", "nengo_dl", "counts"] = "keras",
        n_train_steps: int | tuple[int, int] | None = None,
        trainable: Sequence[str] | None = None,
        augmentation: dict[str, float] | None = None,
        warm_start: bool = False,
        engine: Literal["auto", "event", "nengo_dl"] = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 1,
        max_rate: float = 100.0,
        intercept: float = 0.0,
        tau_rc: float = 0.02,
        tau_ref: float = 0.002,
        amplitude: float = 0.01,
        min_voltage: float = 0.0,
    ) -> None:
        self.architecture = architecture
        self.synapse = synapse
        self.layer_synapse = layer_synapse
        self.initial_voltage = initial_voltage
        self.presentation_time = presentation_time
        self.dt = dt
        self.readout = readout
        self.n_epochs = n_epochs
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.batch_size = batch_size
        self.trainer = trainer
        self.n_train_steps = n_train_steps
        self.trainable = trainable
        self.augmentation = augmentation
        self.warm_start = warm_start
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose
        self.max_rate = max_rate
        self.intercept = intercept
        self.tau_rc = tau_rc
        self.tau_ref = tau_ref
        self.amplitude = amplitude
        self.min_voltage = min_voltage

    def check_parameters(self) -> Self:
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
        check_augmentation(self.augmentation)
        if self.augmentation and self.trainer == "nengo_dl":
            msg = (
                "augmentation must be None where the trainer is 'nengo_dl', which has "
                f"no room for it; got {shown(self.augmentation)}."
            )
            raise ValueError(msg)
        check_trainable(self.trainable or ())
        if self.trainable and self.trainer != "counts":
            msg = (
                "trainable must be None where the trainer is not 'counts'; got "
                f"{shown(self.trainable)} and {self.trainer!r}."
            )
            raise ValueError(msg)
        if self.trainer == "counts" and 0 < self.tau_ref < self.dt:
            msg = (
                f"tau_ref must be 0 or at least dt = {self.dt:g} s where the trainer "
                f"is 'counts'; got {self.tau_ref:g}."
            )
            raise ValueError(msg)
        self._train_steps()
        return self

    def _train_steps(self):
        """Return the fewest and the most steps in which training counts spikes."""
        steps = self._n_steps if self.n_train_steps is None else self.n_train_steps
        pair = steps if isinstance(steps, tuple | list) else (steps, steps)
        if len(pair) != 2:
            msg = f"n_train_steps must be a number or two; got {shown(steps)}."
            raise ValueError(msg)
        fewest = check_whole("n_train_steps", pair[0], 1)
        return fewest, check_whole("n_train_steps", pair[1], fewest)

    def fit(
        self, X: ArrayLike, y: ArrayLike, *, snapshots: Sequence[float] = ()
    ) -> Self:
        """Train the network on images by the firing rates of its neurons.

        Parameters
        ----------
        X : array-like of shape (n_images, rows, columns), \
                (n_images, rows, columns, channels) or (n_images, n_pixels)
            Images with pixels in [0, 1]. Flat images must be square.
        y : array-like of shape (n_images,)
            Class labels.
        snapshots : sequence of float, default=()
            Passes over the images after which to keep a copy of the weights, for
            `snapshot`; each above 0 and at most ``n_epochs``. Training is the same
            with and without.

        Returns
        -------
        self : SpikingConvClassifier
        """
        self.check_parameters()
        if not np.iterable(snapshots):
            msg = f"snapshots must be a list of numbers; got {shown(snapshots)}."
            raise ValueError(msg)
        snapshots = [
            check_number("snapshots", passes, above=0, high=self.n_epochs)
            for passes in snapshots
        ]
        images, image_shape = check_images(X)
        check_targets(y)
        y = np.asarray(y)
        if y.shape != (len(images),):
            msg = (
                f"y must hold one label for each of the {len(images)} images; "
                f"got shape {y.shape}."
            )
            raise ValueError(msg)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
        classes, codes = class_codes(y)
        if len(classes) < 2:
            msg = f"y must hold at least 2 classes; got only {classes[0]!r}."
            raise ValueError(msg)
        check_weights(None, image_shape, len(classes), self.architecture)
        self._warn_of_settings()

        given = self._weights_to_start(image_shape, classes)
        # Where a warm start begins; what else was trained before stays.
        trained = getattr(self, "trained_", {}) if given is not None else {}

        with self._fitted_or_as_before():
            self._simulator, self.trained_ = None, trained
            _check_feature_names(self, X, reset=True)
            self.image_shape_, self.n_features_in_ = image_shape, images.shape[1]
            self.classes_ = classes
            if given is None:
                rng = check_random_state(self.random_state)
                self.seed_ = int(rng.randint(2**31 - 1))
            weights, history, kept = self._train(images, codes, snapshots, given)
            check_trained(self, weights)
            self._starting, self.history_, self.snapshots_ = self._lifs, history, kept
            self._take(weights)
        return self

    def _take(self, weights):
        """Make weights, and the settings trained with them, the classifier's own."""
        n_weights = len(weights) - len(self.trainable or ())
        moved = dict(zip(self.trainable or (), weights[n_weights:], strict=True))
        settings = trained_settings(moved, self._starting, self.dt)
        self.weights_, self.trained_ = weights[:n_weights], self.trained_ | settings
        for lif in self._lifs:
            lif.check(self.dt, dtype=self._dtype, owner=type(self).__name__)

    @property
    def _lifs(self):
        """The neuron of each layer."""
        settings = self._lif.settings | getattr(self, "trained_", {})
        return conv_neurons(self.architecture, **settings)

    def _weights_to_start(self, image_shape, classes):
        """Return the weights that a warm start goes on from, or None."""
        if not self.warm_start or not hasattr(self, "weights_"):
            return None
        if image_shape != tuple(self.image_shape_) or not np.array_equal(
            classes, self.classes_
        ):
            msg = (
                "warm_start goes on with the images and classes that it began with: "
                f"{self.image_shape_} and {shown(self.classes_.tolist())}; got "
                f"{image_shape} and {shown(classes.tolist())}."
            )
            raise ValueError(msg)
        check_weights(self.weights_, image_shape, len(classes), self.architecture)
        return self.weights_

    def snapshot(self, passes: float) -> Self:
        """Return the classifier as it was at a moment of its training.

        Parameters
        ----------
        passes : float
            One of the ``snapshots`` that were asked for in `fit`.

        Returns
        -------
        classifier : SpikingConvClassifier
            A fitted copy. Its ``history_`` is that of the whole training.

        Raises
        ------
        ValueError
            If that moment was not kept. A loaded classifier has none.
        """
        check_is_fitted(self, "weights_")
        kept = getattr(self, "snapshots_", {})
        if passes not in kept:
            moments = ", ".join(f"{moment:g}" for moment in kept) or "none"
            msg = f"passes must be one of those kept in fit: {moments}; got {passes!r}."
            raise ValueError(msg)
        copied = copy.copy(self)
        copied._simulator = None
        copied._take(kept[passes])
        return copied

    @property
    def network_(self) -> nengo.Network:
        """The fitted ``nengo.Network``, for ``nengo_dl.Simulator``."""
        check_is_fitted(self, "weights_")
        return self._declare_network(self.weights_)

    def _declare_network(self, weights=None, **changes):
        settings = {
            "synapse": self.synapse,
            "layer_synapse": self.layer_synapse,
            "initial_voltage": self.initial_voltage,
            **self._lif.settings,
            **getattr(self, "trained_", {}),
        }
        return conv_network(
            self.image_shape_,
            len(self.classes_),
            self.architecture,
            **{**settings, **changes},
            weights=weights,
            seed=self.seed_,
        )

    def _train(self, images, codes, snapshots, given):
        """Return trained weights, loss and accuracy by epoch, and what to keep."""
        options = {
            "snapshots": snapshots,
            "n_epochs": self.n_epochs,
            "learning_rate": self.learning_rate,
            "schedule": self.schedule,
            "batch_size": min(self.batch_size, len(images)),
            "verbose": self.verbose,
            "seed": self.seed_,
        }
        # NengoDL leaves out what fills no batch; which images these are is chance.
        order = np.random.default_rng(self.seed_).permutation(len(images))
        images, codes = images[order], codes[order]
        logger.info("training on %d images for %d epochs", len(images), self.n_epochs)
        if self.trainer == "nengo_dl":
            network = self._declare_network(given, layer_synapse=None)
            return train_network(network, images, codes, dt=self.dt, **options)
        declared = {
            "architecture": self.architecture,
            **self._lif.settings,
            **self.trained_,
            "weights": given,
            "seed": self.seed_,
        }
        size = self.image_shape_, len(self.classes_)
        options["augmentation"] = self.augmentation
        if self.trainer == "keras":
            return train_model(rate_model(*size, **declared), images, codes, **options)
        from snnlib._nengo_dl import tf

        n_steps = tf.Variable(1, trainable=False)
        model = count_model(
            *size,
            **declared,
            n_steps=n_steps,
            dt=self.dt,
            initial_voltage=self.initial_voltage,
            trainable=self.trainable or (),
        )
        counted = n_steps, self._train_steps()
        return train_model(model, images, codes, counted=counted, **options)

    def simulate(self, X: ArrayLike) -> ConvRun:
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
            return ConvRun(*self._add_up_spikes(images)[:2])
        from snnlib._nengo_dl import own_randomness

        with own_randomness():
            return run_nengo_dl(
                self._warm_simulator(), images, self._n_steps, self.amplitude / self.dt
            )

    def spike_trains(self, X: ArrayLike) -> list[NDArray[np.bool_]]:
        """Return the spikes of every neuron while each image is shown.

        It takes a byte for each neuron and step: 2 MB for an image of the paper's.

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
            return self._add_up_spikes(images, keep_spikes=True)[2]
        return spike_trains_by_nengo_dl(
            self._declare_network(self.weights_),
            images,
            self._n_steps,
            *(min(self.batch_size, len(images)), self.dt, self.seed_),
        )

    def _check_images(self, X):
        check_is_fitted(self, "weights_")
        self.check_parameters()
        check_weights(
            self.weights_, self.image_shape_, len(self.classes_), self.architecture
        )
        _check_feature_names(self, X, reset=False)
        images = check_images(X, self.image_shape_)[0]
        self._warn_of_new_settings()
        return images

    def _add_up_spikes(self, images, **options):
        return run_events(
            self.weights_,
            self.architecture,
            self.image_shape_,
            self._lifs,
            images,
            dt=self.dt,
            n_steps=self._n_steps,
            layer_synapse=self.layer_synapse,
            initial_voltage=self.initial_voltage,
            seed=self.seed_,
            **options,
        )

    @property
    def _adds_up_spikes(self):
        return self.engine == "event" or (
            self.engine == "auto" and find_spec("numba") is not None
        )

    def decide(
        self,
        output: ArrayLike,
        *,
        synapse: float | Literal["own"] | None = "own",
        readout: Literal["mean", "last", "overall", "own"] = "own",
    ) -> NDArray[np.float64]:
        """Filter an unfiltered output and read it out.

        Parameters
        ----------
        output : ndarray of shape (n_images, n_steps, n_classes)
            From `simulate`.
        synapse : float, None or "own", default="own"
            Low-pass time constant in seconds; "own" is the estimator's.
        readout : {"mean", "last", "overall", "own"}, default="own"
            How to read the filtered output; "own" is the estimator's.

        Returns
        -------
        scores : ndarray of shape (n_images, n_classes)
            One score per class; the largest is the prediction.
        """
        synapse, readout = self._own(synapse=synapse, readout=readout)
        check_is_fitted(self, "weights_")
        output = check_signal("output", output, (-1, -1, len(self.classes_)))
        filtered = lowpass(output, synapse, dt=self.dt, axis=1)
        return read_out(filtered, readout, axis=1)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
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

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
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

    def predict(self, X: ArrayLike) -> NDArray[Any]:
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

    def save(self, path: str | os.PathLike[str], **provenance: Any) -> None:
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
            and dicts of them, or the fit could not predict as it is.
        """
        check_is_fitted(self, "weights_")
        save_classifier(self, path, provenance)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
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
        """Return a NengoDL simulator, kept as long as the network stays the same."""
        self._simulator = self._simulator or WarmSimulator()
        contents = hashlib.sha256(b"".join(w.tobytes() for w in self.weights_))
        network = (
            *(self._lifs, self.architecture, self.layer_synapse, self.initial_voltage),
            *(self.batch_size, self.dt, self.seed_, contents.digest()),
        )
        return self._simulator.get(
            network,
            lambda: self._declare_network(self.weights_),
            minibatch_size=self.batch_size,
            dt=self.dt,
            seed=self.seed_,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open simulator behind when pickled or copied."""
        return {**super().__getstate__(), "_simulator": None}

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that images come in three axes and without negatives."""
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        return tags

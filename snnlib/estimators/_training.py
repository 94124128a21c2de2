"""Train declared networks and models by the firing rates of their neurons."""

import warnings
from contextlib import contextmanager
from typing import NamedTuple

import nengo
import numpy as np

from snnlib.checks import check_choice, check_number


class TrainedEnsemble(NamedTuple):
    """What gradient descent made of an ensemble's weights."""

    scaled_encoders: np.ndarray
    bias: np.ndarray
    decoders: np.ndarray
    output_bias: np.ndarray


@contextmanager
def dl_simulator(network, minibatch_size, dt, seed):
    """Open a NengoDL simulator that says nothing and leaves no seed behind.

    Parameters
    ----------
    network : nengo.Network
        What to simulate.
    minibatch_size : int
        Inputs that are simulated together.
    dt : float
        Length of a step in seconds.
    seed : int
        Seed of what NengoDL draws.

    Yields
    ------
    sim : nengo_dl.Simulator
    """
    from snnlib._nengo_dl import own_randomness

    with own_randomness(), new_dl_simulator(network, minibatch_size, dt, seed) as sim:
        yield sim


def new_dl_simulator(network, minibatch_size, dt, seed):
    """Return a NengoDL simulator that says nothing; see `dl_simulator`.

    It has to be closed. TensorFlow is seeded when it is made and first used.

    Parameters
    ----------
    network, minibatch_size, dt, seed
        As in `dl_simulator`.

    Returns
    -------
    sim : nengo_dl.Simulator
    """
    from snnlib._nengo_dl import nengo_dl

    # NengoDL changes it while it builds, and leaves it changed where that fails.
    precision = nengo.rc.get("precision", "bits")
    try:
        return nengo_dl.Simulator(
            network, dt=dt, minibatch_size=minibatch_size, seed=seed, progress_bar=False
        )
    finally:
        nengo.rc.set("precision", "bits", precision)


def probes_by_label(network):
    """Return the probes of a network by their labels.

    Parameters
    ----------
    network : nengo.Network
        Any network.

    Returns
    -------
    probes : dict of str to nengo.Probe
    """
    return {probe.label: probe for probe in network.all_probes}


def train_ensemble(
    network, X, targets, *, loss, n_epochs, learning_rate, batch_size, dt, seed
):
    """Improve encoders, biases and decoders of `snnlib.ensemble_network` with Adam.

    Rows at the top of X fill up the last batch.

    Parameters
    ----------
    network : nengo.Network
        From `snnlib.ensemble_network`, without a synapse.
    X : ndarray of shape (n_samples, n_features)
        Inputs.
    targets : ndarray of shape (n_samples, n_outputs)
        What the loss compares the decoded rates with.
    loss : str or tf.losses.Loss
        What to lower.
    n_epochs, batch_size : int
        Passes over the rows, and rows in a training step.
    learning_rate : float
        Step size of Adam.
    dt : float
        Length of a step in seconds.
    seed : int
        Seed of the order of the rows.

    Returns
    -------
    trained : TrainedEnsemble
    """
    from snnlib._nengo_dl import nengo_dl, own_randomness, tf

    with network:
        nengo_dl.configure_settings(trainable=None)
        network.config[network.encode].trainable = False
        network.config[network.centre].trainable = False
    batch_size = min(batch_size, len(X))
    # NengoDL wants whole batches.
    used = np.resize(np.arange(len(X)), -(-len(X) // batch_size) * batch_size)
    output = probes_by_label(network)["output"]
    with own_randomness(seed), new_dl_simulator(network, batch_size, dt, seed) as sim:
        sim.compile(optimizer=tf.optimizers.Adam(learning_rate), loss={output: loss})
        sim.fit(
            {network.input: X[used, np.newaxis]},
            {output: targets[used, np.newaxis]},
            epochs=n_epochs,
            verbose=0,
        )
        # Nengo also works out max rates, which trained neurons may not have.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.filterwarnings("ignore", "Non-finite values detected")
            ensemble = sim.data[network.ensemble]
        return TrainedEnsemble(
            ensemble.scaled_encoders.astype(float),
            ensemble.bias.astype(float),
            sim.data[network.decode].weights.astype(float),
            sim.data[network.constant].weights[:, 0].astype(float),
        )


def train_model(
    model,
    images,
    codes,
    *,
    n_epochs,
    learning_rate,
    batch_size,
    verbose,
    seed,
    schedule="constant",
    snapshots=(),
    augmentation=None,
    counted=None,
):
    """Train a Keras model of scores on cross-entropy, with RMSprop or, counted, Adam.

    Parameters
    ----------
    model : tf_keras.Model
        From `snnlib.rate_model`, `snnlib.count_model`, or another with one score per
        class.
    images : ndarray of shape (n_images, n_pixels)
        Inputs.
    codes : int ndarray of shape (n_images,)
        Number of each image's class.
    n_epochs, batch_size : int
        Passes over the images, and images in a training step.
    learning_rate : float
        Step size of the optimizer, at its first step.
    verbose : {0, 1, 2}
        What Keras shows.
    seed : int
        Seed of the order of the images, and of what else is drawn.
    schedule : {"constant", "cosine"}, default="constant"
        How the step size goes on.
    snapshots : sequence of float, default=()
        Passes over the images after which to keep the weights too.
    augmentation : dict or None, default=None
        As in `SpikingConvClassifier`.
    counted : tuple or None, default=None
        The variable that holds the model's number of steps, and the fewest and the
        most that a batch may draw; None for a model without steps.

    Returns
    -------
    weights : list of ndarray
        Kernel and bias of each layer in turn.
    history : dict of str to list of float
        Loss and accuracy after each epoch.
    kept : dict of float to list of ndarray
        The weights at each of ``snapshots``.
    """
    from snnlib._nengo_dl import own_randomness, tf

    n_batches = -(-len(images) // batch_size)
    callbacks, kept = _weights_keeper(snapshots, n_batches, model)
    callbacks += _steps_drawer(*counted, seed) if counted else []
    rate = _learning_rate(learning_rate, schedule, n_epochs * n_batches)
    with own_randomness(seed):
        trained = _augmented(model, augmentation) if augmentation else model
        trained.compile(
            optimizer=(tf.optimizers.Adam if counted else tf.optimizers.RMSprop)(rate),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics="accuracy",
        )
        history = trained.fit(
            images,
            codes,
            batch_size=batch_size,
            epochs=n_epochs,
            verbose=verbose,
            callbacks=callbacks,
        ).history
    return model.get_weights(), history, kept


def _learning_rate(start, schedule, n_batches):
    """Return a step size as Keras takes it."""
    from snnlib._nengo_dl import tf

    if schedule == "constant":
        return start
    return tf.keras.optimizers.schedules.CosineDecay(start, n_batches)


def check_augmentation(augmentation):
    """Refuse what is no way of moving images, or moves them too far.

    Parameters
    ----------
    augmentation : dict or None
        As in `SpikingConvClassifier`.

    Raises
    ------
    ValueError
        If it is not one.
    """
    known = {"shift": None, "rotation": 180, "zoom": 0.9}
    for name, size in (augmentation or {}).items():
        check_choice("augmentation", name, known)
        check_number(f"augmentation[{name!r}]", size, low=0, high=known[name])


def _augmented(model, augmentation):
    """Put Keras's random layers before a model of flat images."""
    from snnlib._nengo_dl import tf

    layers, shape = tf.keras.layers, model.layers[1].target_shape
    how = {"fill_mode": "constant"}
    moved = [
        layers.RandomRotation(augmentation.get("rotation", 0) / 360, **how),
        layers.RandomZoom(augmentation.get("zoom", 0), **how),
        layers.RandomTranslation(
            *(augmentation.get("shift", 0) / size for size in shape[:2]), **how
        ),
    ]
    chosen = zip(("rotation", "zoom", "shift"), moved, strict=True)
    return tf.keras.Sequential(
        [
            tf.keras.Input(model.input_shape[1:]),
            layers.Reshape(shape),
            *(layer for name, layer in chosen if augmentation.get(name)),
            layers.Reshape(model.input_shape[1:]),
            model,
        ]
    )


def _steps_drawer(n_steps, limits, seed):
    """Return a Keras callback that draws a number of steps for each batch."""
    from snnlib._nengo_dl import tf

    rng = np.random.default_rng(seed)

    class Drawer(tf.keras.callbacks.Callback):
        def on_train_batch_begin(self, *_, **__):
            n_steps.assign(rng.integers(*limits, endpoint=True))

    return [Drawer()]


def _weights_keeper(snapshots, n_batches, model):
    """Return Keras callbacks that keep weights, and the dict that they keep them in."""
    from snnlib._nengo_dl import tf

    kept = {}
    # The number of batches that come nearest to so many passes, at least one.
    wanted = {passes: max(1, round(passes * n_batches)) for passes in snapshots}

    class Keeper(tf.keras.callbacks.Callback):
        n_seen = 0

        def on_train_batch_end(self, *_, **__):
            self.n_seen += 1
            for passes, n_wanted in wanted.items():
                if n_wanted == self.n_seen:
                    kept[passes] = model.get_weights()

    return [Keeper()] if wanted else [], kept


def train_network(
    network,
    images,
    codes,
    *,
    n_epochs,
    learning_rate,
    batch_size,
    verbose,
    seed,
    dt,
    schedule="constant",
    snapshots=(),
):
    """Train `snnlib.conv_network` inside NengoDL, as `train_model` trains its twin.

    Images that do not fill a batch are left out.

    Parameters
    ----------
    network : nengo.Network
        From `snnlib.conv_network`, without synapses between layers: they would pass
        nothing on in the single step of training.
    images, codes, n_epochs, learning_rate, batch_size, verbose, seed
        As in `train_model`.
    schedule, snapshots
        As in `train_model`.
    dt : float
        Length of a step in seconds.

    Returns
    -------
    weights, history, kept
        As from `train_model`.
    """
    from snnlib._nengo_dl import own_randomness, tf

    output = probes_by_label(network)["output"]
    n_used = len(images) // batch_size * batch_size
    rate = _learning_rate(learning_rate, schedule, n_epochs * (n_used // batch_size))
    with own_randomness(seed), new_dl_simulator(network, batch_size, dt, seed) as sim:
        sim.compile(
            optimizer=tf.optimizers.RMSprop(rate),
            loss={output: tf.losses.SparseCategoricalCrossentropy(from_logits=True)},
            metrics={output: "accuracy"},
        )
        keeper, kept = _weights_keeper(snapshots, n_used // batch_size, sim.keras_model)
        history = sim.fit(
            {network.input: images[:n_used, np.newaxis]},
            {output: codes[:n_used, np.newaxis, np.newaxis]},
            epochs=n_epochs,
            verbose=verbose,
            callbacks=keeper,
        ).history
        weights = sim.keras_model.get_weights()
    history = {name.removeprefix("output_"): its for name, its in history.items()}
    return weights, history, kept

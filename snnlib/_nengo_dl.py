"""NengoDL on a current TensorFlow: the only module that imports either.

NengoDL 3.6.0 was written for Keras 2, which left TensorFlow in version 2.16 and
lives on as the package ``tf-keras``. NengoDL asks the package ``keras`` for two
names that Keras 3 no longer has. This module lends it those names from ``tf-keras``
while it is being imported, and then gives ``keras`` back as it was.

What stays behind is the environment variable ``TF_USE_LEGACY_KERAS=1``: TensorFlow
reads it again whenever one of its Keras aliases is first used.
"""

import importlib
import logging
import os
import random
import subprocess
import sys
import tempfile
import types
import warnings
from contextlib import contextmanager, nullcontext

import numpy as np

LEGACY_KERAS = "TF_USE_LEGACY_KERAS"
LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def _import_tensorflow():
    """Import TensorFlow so that ``tf.keras`` is Keras 2."""
    os.environ[LEGACY_KERAS] = "1"
    try:
        tf = importlib.import_module("tensorflow")
    except ImportError as error:
        msg = (
            "TensorFlow could not be imported, and training with NengoDL needs it. "
            'Install it with: pip install "snnlib[dl]"'
        )
        raise ImportError(msg) from error
    try:
        importlib.import_module("tf_keras")
    except ImportError as error:
        msg = (
            f"NengoDL needs Keras 2, which TensorFlow {tf.__version__} keeps in a "
            "package of its own. Install it with: "
            f'pip install "tf-keras=={tf.__version__.rpartition(".")[0]}.*"'
        )
        raise ImportError(msg) from error
    if not tf.keras.Model.__module__.startswith("tf_keras"):
        msg = (
            "TensorFlow was imported before snnlib and has already chosen Keras "
            f"{tf.keras.__version__}; NengoDL needs Keras 2. Restart Python and make "
            'this the first line: import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"'
        )
        raise ImportError(msg)
    return tf


def _keras_2_modules():
    """Return the modules NengoDL asks for, under the names it asks by."""
    functional = importlib.import_module("tf_keras.src.engine.functional")
    version_1 = importlib.import_module(
        "tf_keras.src.layers.normalization.batch_normalization_v1"
    )
    version_2 = importlib.import_module(
        "tf_keras.src.layers.normalization.batch_normalization"
    )
    keras, engine, layers = (
        types.ModuleType(name) for name in ("keras", "keras.engine", "keras.layers")
    )
    layers.BatchNormalizationV1 = version_1.BatchNormalization
    layers.BatchNormalizationV2 = version_2.BatchNormalization
    keras.engine, keras.layers, engine.functional = engine, layers, functional
    return {
        "keras": keras,
        "keras.engine": engine,
        "keras.engine.functional": functional,
        "keras.layers": layers,
    }


@contextmanager
def _keras_lent():
    """Let ``import keras`` find Keras 2 inside the block, and nothing of it after."""
    lent = _keras_2_modules()
    kept = {name: sys.modules[name] for name in lent if name in sys.modules}
    sys.modules.update(lent)
    try:
        yield
    finally:
        for name in lent:
            del sys.modules[name]
        sys.modules.update(kept)


@contextmanager
def _gpu_looked_up_here(tf):
    """Answer NengoDL's question for a GPU without a second Python.

    NengoDL starts one that imports TensorFlow just to exit with 0 if there is a GPU
    and 1 if there is none, which doubles the time of the import.
    """
    call = subprocess.call
    subprocess.call = lambda *_, **__: int(not tf.config.list_physical_devices("GPU"))
    try:
        yield
    finally:
        subprocess.call = call


@contextmanager
def _quiet_start():
    """Keep TensorFlow's start-up messages from the screen unless they end in an error.

    TensorFlow's libraries write to file descriptor 2 before any Python setting can
    stop them, so the descriptor itself is led aside.
    """
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as aside, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.dup2(aside.fileno(), 2)
        try:
            yield
        except Exception:
            aside.seek(0)
            os.write(screen, aside.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


def _import_nengo_dl():
    """Return the modules ``nengo_dl`` and ``tensorflow``, ready to use together."""
    asked_level = os.environ.get(LOG_LEVEL)
    os.environ.setdefault(LOG_LEVEL, "3")
    with nullcontext() if asked_level else _quiet_start():
        tf = _import_tensorflow()
        try:
            with _keras_lent(), _gpu_looked_up_here(tf):
                nengo_dl = importlib.import_module("nengo_dl")
        except ModuleNotFoundError as error:
            if error.name != "nengo_dl":
                raise
            msg = 'NengoDL is not installed. Install it with: pip install "snnlib[dl]"'
            raise ImportError(msg) from error
    # NengoDL sets the level to 1 while it is imported.
    os.environ[LOG_LEVEL] = asked_level or "3"
    if not asked_level:
        tf.get_logger().setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", "No GPU support detected", UserWarning)
    return nengo_dl, tf


nengo_dl, tf = _import_nengo_dl()


@contextmanager
def own_randomness(seed=None):
    """Give the caller's global random numbers back as they were before the block.

    NengoDL's simulators seed TensorFlow whenever they are built or traced, and Keras
    shuffles by TensorFlow's global generator. Without this, a ``fit`` would restart the
    random numbers of the program around it.

    Parameters
    ----------
    seed : int or None, default=None
        Seed of Python, NumPy and TensorFlow inside the block; None leaves them running.

    Yields
    ------
    None
    """
    context = importlib.import_module("tensorflow.python.eager.context").context()
    keras = importlib.import_module("tf_keras.src.backend")._SEED_GENERATOR
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    # TensorFlow and Keras have no public way to read their generators.
    kept = [(context, "_seed"), (context, "_rng"), (keras, "generator")]
    kept = [(owner, name, vars(owner).get(name)) for owner, name in kept]
    try:
        if seed is not None:
            tf.keras.utils.set_random_seed(seed)
        yield
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        for owner, name, value in kept:
            setattr(owner, name, value)

"""Write a fitted conv net to one file without pickles, and read it back."""

import json
from numbers import Integral

import numpy as np

from snnlib._version import __version__
from snnlib.architectures import check_weights, read_weights
from snnlib.checks import check_path, check_whole, shown
from snnlib.files import plain, read_arrays, written_whole
from snnlib.networks import check_trainable

_FORMAT = 1


def save_classifier(classifier, path, provenance):
    """Write a fitted `SpikingConvClassifier`; see its ``save``.

    Parameters
    ----------
    classifier : SpikingConvClassifier
        Fitted.
    path : path-like
        Where to write; the folder must exist.
    provenance : dict
        What to remember beside the weights.

    Raises
    ------
    ValueError
        If JSON cannot hold what is to be remembered, or the fit could not predict.
    """
    path = check_path("path", path)
    check_fit(classifier)
    classes = classifier.classes_
    if classes.dtype.hasobject:
        # An object array of strings, as pandas gives, becomes an array of strings.
        classes = np.array(classes.tolist())
    if classes.dtype.hasobject:
        msg = f"classes must be numbers or strings to be saved; got {classes}."
        raise ValueError(msg)
    if classes.tolist() != classifier.classes_.tolist():
        msg = f"classes must not end in a null character to be saved; got {classes}."
        raise ValueError(msg)
    parameters = classifier.get_params()
    if not isinstance(parameters["random_state"], Integral):
        # What it drew is in ``seed_``.
        parameters["random_state"] = None
    about = {
        "format": _FORMAT,
        "snnlib": __version__,
        "parameters": parameters,
        # JSON makes lists of them.
        "tuples": [name for name, its in parameters.items() if isinstance(its, tuple)],
        "image_shape": classifier.image_shape_,
        "feature_names": getattr(classifier, "feature_names_in_", None),
        "object_classes": bool(classifier.classes_.dtype.hasobject),
        "seed": classifier.seed_,
        "trained": getattr(classifier, "trained_", {}),
        "history": classifier.history_,
        "provenance": provenance,
    }
    try:
        text = json.dumps(plain(about))
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"save writes numbers, text, lists and dicts: {error}."
        raise ValueError(msg) from error
    weights = {
        f"weights_{number:02}": value
        for number, value in enumerate(classifier.weights_)
    }
    with written_whole(path, "wb") as file:
        np.savez_compressed(file, about=text, classes=classes, **weights)


def load_classifier(cls, path):
    """Read a classifier that `save_classifier` wrote.

    Parameters
    ----------
    cls : type
        The estimator's class.
    path : path-like
        The file.

    Returns
    -------
    classifier : SpikingConvClassifier
        Fitted.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is not such a classifier, or is damaged.
    """
    path = check_path("path", path)
    try:
        arrays = read_arrays(path)
        about = json.loads(str(arrays["about"]))
        if about.get("format") != _FORMAT:
            msg = f"format must be {_FORMAT}; got {shown(about.get('format'))}."
            raise ValueError(msg)
        parameters = about["parameters"]
        for name in about.get("tuples", ()):
            parameters[name] = tuple(parameters[name])
        classifier = cls(**parameters)
        classifier.classes_ = arrays["classes"]
        if about.get("object_classes"):
            classifier.classes_ = classifier.classes_.astype(object)
        classifier.weights_ = read_weights(path)
        classifier.seed_, classifier.history_ = about["seed"], about["history"]
        classifier.trained_ = about.get("trained", {})
        classifier.image_shape_ = tuple(about["image_shape"])
        classifier.n_features_in_ = int(np.prod(classifier.image_shape_))
        classifier.provenance_ = about["provenance"]
        if about.get("feature_names") is not None:
            names = np.array(about["feature_names"], dtype=object)
            classifier.feature_names_in_ = names
        check_fit(classifier)
        classifier._note_settings()
    except FileNotFoundError:
        raise
    except Exception as error:
        msg = f"{path} does not hold a classifier written by save: {error}"
        raise ValueError(msg) from error
    return classifier


def check_fit(classifier):
    """Refuse a fit, or what a file makes of one, that could not predict."""
    classifier.check_parameters()
    check_whole("seed", classifier.seed_, 0, 2**32 - 1)
    classes = classifier.classes_
    # Neither NaN nor an array with two axes equals it.
    if not np.array_equal(classes, np.unique(classes)):
        msg = f"classes must come in order, each once; got {shown(classes)}."
        raise ValueError(msg)
    weights = classifier.weights_
    check_weights(
        weights, classifier.image_shape_, len(classes), classifier.architecture
    )
    largest = max(float(np.abs(values).max()) for values in weights)
    if largest > np.finfo(classifier._dtype).max:
        msg = f"weights must be finite in single precision; got {largest:g}."
        raise ValueError(msg)
    names = getattr(classifier, "feature_names_in_", None)
    if names is not None and (
        np.shape(names) != (classifier.n_features_in_,)
        or not all(isinstance(name, str) for name in names)
    ):
        msg = (
            f"feature_names must hold a text for each of {classifier.n_features_in_} "
            f"pixels; got {shown(names)}."
        )
        raise ValueError(msg)
    for name in ("history", "provenance", "trained"):
        values = getattr(classifier, f"{name}_", {})
        if not isinstance(values, dict):
            msg = f"{name} must be a dict; got {shown(values)}."
            raise ValueError(msg)
    check_trainable([*getattr(classifier, "trained_", {})])
    owner = type(classifier).__name__
    for lif in classifier._lifs:
        lif.check(classifier.dt, dtype=classifier._dtype, owner=owner)

"""Write a fitted conv net to one file without pickles, and read it back."""

import json
from numbers import Integral

import numpy as np

from snnlib._version import __version__
from snnlib.architectures import check_weights, read_weights
from snnlib.checks import check_path
from snnlib.files import plain, read_arrays, written_whole


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
        If JSON cannot hold what is to be remembered.
    """
    path = check_path("path", path)
    classes = classifier.classes_
    if classes.dtype.hasobject:
        # An object array of strings, as pandas gives, becomes an array of strings.
        classes = np.array(classes.tolist())
    if classes.dtype.hasobject:
        msg = f"classes must be numbers or strings to be saved; got {classes}."
        raise ValueError(msg)
    parameters = classifier.get_params()
    if not isinstance(parameters["random_state"], Integral):
        # What it drew is in ``seed_``.
        parameters["random_state"] = None
    about = {
        "format": 1,
        "snnlib": __version__,
        "parameters": parameters,
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
    except (TypeError, ValueError) as error:
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
        classifier = cls(**about["parameters"]).check_parameters()
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
        check_weights(
            classifier.weights_,
            classifier.image_shape_,
            len(classifier.classes_),
            classifier.architecture,
        )
    except FileNotFoundError:
        raise
    except Exception as error:
        msg = f"{path} does not hold a classifier written by save: {error}"
        raise ValueError(msg) from error
    return classifier

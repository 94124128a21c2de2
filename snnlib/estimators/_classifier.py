"""Classification of a table by one ensemble of spiking neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import ClassifierMixin

from snnlib._docs import fill_in
from snnlib.estimators._base import class_codes
from snnlib.estimators._ensemble import EnsembleEstimator, ensemble_attributes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class SpikingClassifier(ClassifierMixin, EnsembleEstimator):
    """Classify rows with an ensemble of spiking LIF neurons.

    Two classes share one output whose sign decides; more classes have an output each.
    Each row of X is shown to the neurons as a constant input, and the decision is read
    from their filtered, decoded spikes. It does not fit ``synapse`` or ``readout``.

    {after_fit}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    {attributes}

    See Also
    --------
    snnlib.ensemble_network : The declaration behind ``network_``.

    Examples
    --------
    >>> from snnlib import load_birth_weight
    >>> births = load_birth_weight()
    >>> classifier = SpikingClassifier().fit(births.data, births.target)
    >>> classifier.predict_proba(births.data[:3]).shape
    (3, 2)
    """

    classes_: NDArray[Any]

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit encoders, currents and decoders to class labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; they are centred and scaled here.
        y : array-like of shape (n_samples,)
            Class labels.

        Returns
        -------
        self : SpikingClassifier
        """
        self.check_parameters()
        with self._fitted_or_as_before():
            self._fit(X, y)
        return self

    def _fit(self, X, y):
        X, y = self._check_table(X, y, ensure_min_samples=2)
        self.classes_, codes = class_codes(y)
        if len(self.classes_) < 2:
            msg = (
                "y must hold at least 2 classes for a classifier; got 1 class, "
                f"{self.classes_[0]!r}."
            )
            raise ValueError(msg)
        # +1 in the column of a row's class, -1 elsewhere; two classes need one column.
        signs = np.where(codes[:, np.newaxis] == np.arange(len(self.classes_)), 1, -1)
        self._fit_ensemble(X, signs[:, 1:].astype(float) if self._is_binary else signs)
        if self.method == "gradient":
            self._fit_by_gradient(X, codes)

    def _fit_by_gradient(self, X, codes):
        from snnlib._nengo_dl import tf

        loss = (
            tf.losses.BinaryCrossentropy(from_logits=True)
            if self._is_binary
            else tf.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        self._train_by_gradient(X, codes[:, np.newaxis].astype(float), loss)

    @property
    def _is_binary(self):
        return len(self.classes_) == 2

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the decoded output of each row, read from its spikes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes one value, positive for ``classes_[1]``; else one score per
            class.
        """
        return self._read_out(X)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return a probability for each class.

        With ``method="nef"`` it is the least-squares estimate of the class indicator,
        cut off at 0 and 1; with "gradient" the logistic function of the output.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Rows sum to 1.
        """
        from scipy.special import expit, softmax

        scores = self.decision_function(X)
        if self._is_binary:
            positive = (
                expit(scores)
                if self.method_ == "gradient"
                else np.clip((1 + scores) / 2, 0, 1)
            )
            return np.column_stack([1 - positive, positive])
        if self.method_ == "gradient":
            return softmax(scores, axis=1)
        # The floor leaves a row whose scores are all at -1 with equal probabilities.
        positive = np.maximum((1 + scores) / 2, 1e-12)
        return positive / positive.sum(axis=1, keepdims=True)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class the spikes speak for.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        scores = self.decision_function(X)
        if self._is_binary:
            return self.classes_[(scores > 0).astype(int)]
        return self.classes_[scores.argmax(axis=1)]


fill_in(
    SpikingClassifier,
    attributes=ensemble_attributes("n_outputs", "n_outputs * n_neurons"),
)

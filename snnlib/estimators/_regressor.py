"""Regression of a table by one ensemble of spiking neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import RegressorMixin

from snnlib._docs import fill_in
from snnlib.estimators._ensemble import EnsembleEstimator, ensemble_attributes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class SpikingRegressor(RegressorMixin, EnsembleEstimator):
    """Predict a quantity with an ensemble of spiking LIF neurons.

    Each row of X is shown to the neurons as a constant input; the prediction is read
    from their filtered, decoded spikes. It predicts one target, and it does not fit
    ``synapse`` or ``readout``: the decoders are solved for settled firing rates.

    {after_fit}

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    snnlib.ensemble_network : The declaration behind ``network_``.

    References
    ----------
    C. Eliasmith and C. H. Anderson, "Neural engineering", MIT Press, 2003.

    Examples
    --------
    >>> from snnlib import load_iris_setosa
    >>> iris = load_iris_setosa()
    >>> regressor = SpikingRegressor().fit(iris.data, iris.target)
    >>> regressor.predict(iris.data[:3]).shape
    (3,)
    """

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit encoders, currents and decoders to a quantity.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features; they are centred and scaled here.
        y : array-like of shape (n_samples,)
            Targets.

        Returns
        -------
        self : SpikingRegressor
        """
        self.check_parameters()
        with self._fitted_or_as_before():
            X, y = self._check_table(X, y, y_numeric=True, ensure_min_samples=2)
            target = np.asarray(y, dtype=float)[:, np.newaxis]
            self._fit_ensemble(X, target)
            if self.method == "gradient":
                self._fit_by_gradient(X, target)
        return self

    def _fit_by_gradient(self, X, target):
        # Training works in units of the target's own spread.
        spread = target.std() or 1.0
        self.decoders_, self.output_bias_ = (
            self.decoders_ / spread,
            (self.output_bias_ - target.mean()) / spread,
        )
        self._train_by_gradient(X, (target - target.mean()) / spread, "mse")
        self.decoders_ = self.decoders_ * spread
        self.output_bias_ = self.output_bias_ * spread + target.mean()

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict the target of each row from the spikes it causes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Features.

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return self._read_out(X)


fill_in(SpikingRegressor, attributes=ensemble_attributes("1", "n_neurons"))

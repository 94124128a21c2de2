"""What type checkers say of a user's program: mypy reads it, and nothing runs it."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

import snnlib

X = np.linspace(-1, 1, 20)[:, None]

regressor = snnlib.SpikingRegressor(max_rate=150, synapse=None, readout="last").fit(
    X, X[:, 0]
)
assert_type(regressor, snnlib.SpikingRegressor)
assert_type(regressor.predict(X), NDArray[np.float64])
assert_type(regressor.spike_trains(X), NDArray[np.bool_])
snnlib.SpikingRegressor(max_rate="fast")  # type: ignore[arg-type]
snnlib.SpikingRegressor(readout="first")  # type: ignore[arg-type]
snnlib.SpikingRegressor(max_rates=100)  # type: ignore[call-arg]

classifier = snnlib.SpikingClassifier(n_neurons=20, random_state=0).fit(X, X[:, 0] > 0)
assert_type(classifier.predict_proba(X), NDArray[np.float64])

network = snnlib.SpikingConvClassifier.load(snnlib.results_path("mnist_lif.npz"))
assert_type(network, snnlib.SpikingConvClassifier)
assert_type(network.spike_trains(np.zeros((1, 784))), list[NDArray[np.bool_]])
network.save("weights.npz", seed=3)

spikes = snnlib.lif_spikes([1.5, 2.0], n_steps=100)
assert_type(spikes, NDArray[np.bool_])
assert_type(snnlib.lowpass(spikes, 0.1), NDArray[np.float64])
assert_type(snnlib.plot_spikes(spikes.T, labels=["weak", "strong"]), Axes)
snnlib.lif_spikes([1.5], steps=100)  # type: ignore[call-arg]

assert_type(snnlib.mspe([1.0], [1.1]), float)
interval = snnlib.accuracy_interval(95, 100)
assert_type(interval.low, float)
assert_type(snnlib.network_cost(network, np.zeros((1, 784))).n_steps, int)

iris = snnlib.load_iris_setosa()
assert_type(iris, snnlib.Dataset)
assert_type(iris.data, np.ndarray)
assert_type(snnlib.lif_explorer(max_rate=200).html(), str)
assert_type(snnlib.regression_explorer(regressor, X, X[:, 0]), snnlib.Explorer)

plan = snnlib.make_plan(Path("lesson.ipynb"), parameters={"synapse": [0.01, 0.1]})
assert_type(snnlib.run_sweep(plan, "runs", workers=2).failed, dict[str, str])
snnlib.collect_runs("runs").write("table.csv")
assert_type(snnlib.read_metrics("out.ipynb"), dict[str, Any])
assert_type(snnlib.results_path("mnist_cost.csv"), Path)
snnlib.record(["mspe", 0.1])  # type: ignore[arg-type]
print(snnlib.no_such_name)  # type: ignore[attr-defined]

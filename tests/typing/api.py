"""What type checkers say of a user's program: mypy reads it, and nothing runs it."""

from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

import snnlib
from snnlib.architectures import Conv
from snnlib.explorers import View

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
assert_type(classifier.predict(X), NDArray[Any])
assert_type(classifier.gain_, NDArray[np.float64])
assert_type(snnlib.neuron_parameters({"max_rate": 150}), dict[str, Any])
outputs = snnlib.simulate_together([regressor], [X])
assert_type(outputs, list[NDArray[np.float64]])
assert_type(regressor.decide(outputs[0], synapse=None), NDArray[np.float64])
traces = snnlib.simulate(regressor.network_, X, 0.1)
assert_type(traces, dict[str, NDArray[np.float64]])
for scores in snnlib.decide_together([regressor], [X], synapses=[None, 0.1]):
    assert_type(scores, NDArray[np.float64])

network = snnlib.SpikingConvClassifier.load(snnlib.results_path("mnist_lif.npz"))
assert_type(network, snnlib.SpikingConvClassifier)
assert_type(network.spike_trains(np.zeros((1, 784))), list[NDArray[np.bool_]])
assert_type(network.simulate(np.zeros((1, 784))).output, NDArray[np.float32])
assert_type(network.weights_, list[NDArray[Any]])
network.save("weights.npz", seed=3)

spikes = snnlib.lif_spikes([1.5, 2.0], n_steps=100)
assert_type(spikes, NDArray[np.bool_])
assert_type(snnlib.lowpass(spikes, 0.1), NDArray[np.float64])
assert_type(snnlib.plot_curve([1, 2], [0.5, 0.6], reference={"line": 0.4}), Axes)
assert_type(snnlib.plot_matrix(pd.DataFrame([[0.5]]), framed=[[True]]), Axes)
assert_type(snnlib.plot_images([np.zeros((28, 28))], ["0"]), NDArray[np.object_])
assert_type(snnlib.plot_spikes(spikes.T, labels=["weak", "strong"]), Axes)
snnlib.lif_spikes([1.5], steps=100)  # type: ignore[call-arg]

assert_type(snnlib.mspe([1.0], [1.1]), float)
interval = snnlib.accuracy_interval(95, 100)
assert_type(interval.low, float)
cost = snnlib.network_cost(network, np.zeros((1, 784)))
assert_type(cost.n_steps, int)
assert_type(cost.to_frame(), pd.DataFrame)
bill = snnlib.energy_bill(9, n_weights=9, n_neurons=3, access=5e-12, reuse=True)
assert_type(bill, dict[str, float])
assert_type(snnlib.accepted_by_recipe(pd.DataFrame(), "network"), pd.Series)
snnlib.accepted_by_recipe(pd.DataFrame(), "forest")  # type: ignore[arg-type]
trials = snnlib.recipe_trials()
assert_type(snnlib.trial_table(trials), pd.DataFrame)
assert_type(snnlib.score_grids(), dict[str, NDArray[np.float64]])
values = snnlib.decide_on_splits(regressor, [(X, X, X[:, 0], X[:, 0])])
assert_type(values, NDArray[np.float64])
assert_type(cost.footprint, int)
assert_type(cost.layers[0].effective_acs, float)
for layer in snnlib.parse_architecture("12C5-AP2-30"):
    if isinstance(layer, Conv):
        assert_type(layer.kernel_size, int)

iris = snnlib.load_iris_setosa()
assert_type(iris, snnlib.Dataset)
assert_type(iris.data, NDArray[Any])
X_train, X_test, y_train, y_test = snnlib.train_test_iris_setosa(iris)
assert_type(y_test, NDArray[Any])
iris.data = X  # type: ignore[misc]
explorer = snnlib.lif_explorer(
    max_rate=200,
    sliders=["tau_rc"],
    presets={"slow": {"tau_rc": 0.1}},
    guess=({"tau_rc": 0.1}, "rate"),
)
assert_type(explorer.html(), str)
assert_type(explorer.figure(max_rate=100), Figure)
assert_type(explorer.compute(max_rate=100), View)
assert_type(snnlib.regression_explorer(regressor, X, X[:, 0]), snnlib.Explorer)

plan = snnlib.make_plan(Path("lesson.ipynb"), parameters={"synapse": [0.01, 0.1]})
assert_type(plan, snnlib.Plan)
assert_type(plan.runs[0].values, dict[str, Any])
assert_type(snnlib.run_sweep(plan, "runs", workers=2).failed, dict[str, str])
collected = snnlib.collect_runs("runs")
assert_type(collected.rows, list[dict[str, Any]])
collected.write("table.csv")
assert_type(snnlib.read_metrics("out.ipynb"), dict[str, Any])
assert_type(snnlib.results_path("mnist_cost.csv"), Path)
snnlib.record(["mspe", 0.1])  # type: ignore[arg-type]
print(snnlib.no_such_name)  # type: ignore[attr-defined]

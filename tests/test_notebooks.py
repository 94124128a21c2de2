"""Each lesson runs under papermill, anywhere, and with other parameters."""

import copy
import subprocess
import sys
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from snnlib import read_metrics

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# Few splits keep the default run short; the book runs the lessons in full.
QUICK = {
    "01_lif_neuron": {},
    "02_spikes_to_numbers": {},
    "04_linear_regression": {"n_splits": 4},
    "05_logistic_regression": {"n_splits": 4},
    "07_parameter_sweeps": {"n_splits": 4},
    "08_how_sure": {"n_splits": 4},
    "09_interactions": {"n_splits": 4},
}
SLOW = {
    "03_training_with_rates": {
        "n_neurons": 16,
        "n_epochs": 2,
        "long_time": 0.06,
        "max_rates": [100.0, 250.0],
    },
    "06_mnist": {"dataset": "digits28", "n_test": 100},
    "10_cost_of_a_spike": {"dataset": "digits28", "n_test": 100, "n_timed": 4},
}
EXPECTED = {
    "01_lif_neuron": {"n_spikes", "euler_error_percent", "axon_rate"},
    "02_spikes_to_numbers": {"readout_error", "best_synapse_last", "slope_sine"},
    "03_training_with_rates": {"accuracy", "accuracy_rate", "error_power_zero"},
    "04_linear_regression": {"mspe", "mspe_line", "median_ratio", "skill"},
    "05_logistic_regression": {"accuracy", "mean_auc", "mean_accuracy_logistic"},
    "06_mnist": {"accuracy", "accuracy_all_zero", "spikes_per_image", "dataset"},
    "07_parameter_sweeps": {"live_median_mspe", "rate_50_accuracy", "n_runs"},
    "08_how_sure": {"median_mspe", "lucky_share", "rows_for_five_points", "power"},
    "09_interactions": {"share_synapse_1", "held_out_accepted", "your_mse_ratio"},
    "10_cost_of_a_spike": {"acs_per_image", "energy_ratio", "mnist_best_accuracy"},
}
lessons = pytest.mark.parametrize(
    ("lesson", "parameters"),
    [
        *QUICK.items(),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW.items()),
    ],
    ids=[*QUICK, *SLOW],
)


def run(lesson, folder, **parameters):
    """Run a lesson from ``folder`` and return its metrics."""
    out = folder / f"{lesson}.ipynb"
    papermill.execute_notebook(
        NOTEBOOKS / f"{lesson}.ipynb",
        out,
        parameters=parameters,
        cwd=folder,
        progress_bar=False,
    )
    return read_metrics(out)


def warnings_shown(folder, lesson):
    """Return the messages a reader of the executed lesson would see on stderr."""
    notebook = nbformat.read(folder / f"{lesson}.ipynb", as_version=4)
    outputs = [o for c in notebook.cells for o in c.get("outputs", ())]
    return [o.text for o in outputs if o.get("name") == "stderr"]


@lessons
def test_lesson_runs_from_another_folder(lesson, parameters, tmp_path):
    """It records the promised metrics, writes no other file, and shows no warning."""
    metrics = run(lesson, tmp_path, **parameters)
    assert metrics.keys() >= EXPECTED[lesson]
    assert [path.name for path in tmp_path.iterdir()] == [f"{lesson}.ipynb"]
    assert warnings_shown(tmp_path, lesson) == []


@lessons
def test_lesson_runs_with_odd_parameters(lesson, parameters, tmp_path):
    """Several parameters away from their defaults do not stop a lesson."""
    odd = {"max_rate": 150, "tau_rc": 0.07, "synapse": None, "readout": "last"}
    odd |= {"initial_voltage": "uniform", "seed": 3}
    assert run(lesson, tmp_path, **parameters, **odd).keys() >= EXPECTED[lesson]


@lessons
def test_every_cell_runs_twice(lesson, parameters, tmp_path, monkeypatch):
    """Running each cell twice in a row gives the metrics of running it once."""
    once = run(lesson, tmp_path, **parameters)
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    twice = []
    for cell in notebook.cells:
        twice.append(cell)
        # papermill writes its own cell after the parameters; a copy would undo it.
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get(
            "tags", ()
        ):
            twice.append(copy.deepcopy(cell))
            twice[-1].id = f"{cell.id}-again"
    notebook.cells = twice
    monkeypatch.setattr(sys.modules[__name__], "NOTEBOOKS", tmp_path / "twice")
    (tmp_path / "twice").mkdir()
    nbformat.write(notebook, tmp_path / "twice" / f"{lesson}.ipynb")
    assert run(lesson, tmp_path, **parameters) == once


@pytest.mark.parametrize("lesson", [*QUICK, *SLOW])
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_rate": 600}, r"'max_rate'.*500 Hz.*Got 600"),
        ({"tau_rc": -0.02}, r"'tau_rc'.*range \(0\.0, inf\).*Got -0\.02"),
        ({"readout": "first"}, r"'readout'.*'(mean|last)'.*Got 'first'"),
    ],
    ids=["rate too high", "negative time constant", "unknown read-out"],
)
def test_lesson_refuses_a_bad_value_early(lesson, parameters, message, tmp_path):
    """The estimator's message comes in one of the first cells, before any data."""
    with pytest.raises(PapermillExecutionError, match=message) as failure:
        run(lesson, tmp_path, **parameters)
    notebook = nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)
    n_cells = len(notebook.cells)
    # papermill adds two cells: its error banner and the injected parameters.
    assert failure.value.cell_index <= 9 < n_cells / 3


def test_live_panel_has_as_many_splits_as_its_table(tmp_path):
    """Lesson 07 compares with 100 committed splits, and says so at once."""
    with pytest.raises(PapermillExecutionError, match=r"n_splits.*1 to 100.*got 101"):
        run("07_parameter_sweeps", tmp_path, n_splits=101)


def test_readme_command_runs_from_the_root(tmp_path):
    """The papermill line of the README works as it stands, here with fewer splits."""
    values = {"max_rate": 150, "synapse": 0.1, "seed": 3, "n_splits": 4}
    command = [str(part) for pair in values.items() for part in ("-p", *pair)]
    lesson = "notebooks/04_linear_regression.ipynb"
    out = tmp_path / "out.ipynb"
    subprocess.run(
        [sys.executable, "-m", "papermill", lesson, out, *command],
        cwd=NOTEBOOKS.parent,
        check=True,
        capture_output=True,
    )
    assert read_metrics(out)["n_splits"] == 4

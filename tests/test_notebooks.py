"""Each lesson runs under papermill, anywhere, and with other parameters."""

import copy
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import papermill
import pytest
from papermill.exceptions import PapermillExecutionError

from snnlib import read_metrics
from snnlib.kernels import WarmKernels
from snnlib.notebooks import Notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# Few splits keep the default run short; the book runs the lessons in full.
QUICK = {
    "01_lif_neuron": {},
    "01b_exact_step": {},
    "01c_richer_neurons": {},
    "02_spikes_to_numbers": {},
    "02b_many_neurons": {},
    "04_linear_regression": {"n_splits": 2},
    "05_logistic_regression": {"n_splits": 2},
    "07_parameter_sweeps": {"n_splits": 2},
    "08_how_sure": {"n_splits": 2},
    "09_interactions": {"n_splits": 2},
}
SLOW = {
    "03_training_with_rates": {"n_neurons": 16, "n_epochs": 2, "long_time": 0.06},
    "03b_deep_spiking": {
        "n_neurons": 16,
        "n_epochs": 2,
        "long_time": 0.06,
        "n_seeds": 2,
        "max_rates": [100.0, 250.0],
    },
    "06_mnist": {"dataset": "digits28", "n_test": 100},
    "06b_digit_parameters": {"dataset": "digits28", "n_test": 100},
    "10_cost_of_a_spike": {"dataset": "digits28", "n_test": 100},
    "11_five_steps": {"dataset": "digits28", "n_test": 100},
    "12_your_own_data": {"n_splits": 2},
}
SHORT = QUICK | SLOW
EXPECTED = {
    "01_lif_neuron": {"n_spikes", "gain", "bias"},
    "01b_exact_step": {"euler_error_percent", "exact_time_error", "count_error"},
    "01c_richer_neurons": {"axon_rate", "axon_onset"},
    "02_spikes_to_numbers": {"readout_error", "best_synapse_last"},
    "02b_many_neurons": {"error_sine", "error_sine_spiking", "slope_sine"},
    "03_training_with_rates": {"accuracy", "accuracy_rate", "error_power_zero"},
    "03b_deep_spiking": {"accuracy_low_rate", "accuracy_high_rate_fixed"},
    "04_linear_regression": {"mspe", "mspe_line", "median_ratio", "skill"},
    "05_logistic_regression": {"accuracy", "mean_auc", "mean_accuracy_logistic"},
    "06_mnist": {"accuracy", "accuracy_all_zero", "accuracy_all_rates", "dataset"},
    "06b_digit_parameters": {"accuracy", "dataset", "mnist_accuracy_100"},
    "07_parameter_sweeps": {"live_median_mspe", "verdict_3_last", "n_yes_mean"},
    "08_how_sure": {"median_mspe", "lucky_share", "rows_for_five_points", "power"},
    "09_interactions": {"share_synapse_1", "held_out_accepted", "your_fidelity"},
    "10_cost_of_a_spike": {"acs_per_image", "energy_ratio", "mnist_accuracy_rates"},
    "11_five_steps": {"accuracy_before", "mean_steps_when_sure", "mnist_accuracy_8"},
    "12_your_own_data": {"error", "error_inside", "difference", "accuracy_cells"},
}
ODD = {"max_rate": 150, "tau_rc": 0.07, "synapse": None, "readout": "last"}
ODD |= {"initial_voltage": "uniform", "seed": 3}
LIST_FILES = """\
import pathlib
[str(path) for path in pathlib.Path().rglob("*")]"""


def read(lesson):
    """Return a lesson as it was written."""
    return nbformat.read(NOTEBOOKS / f"{lesson}.ipynb", as_version=4)


def doubled(notebook):
    """Return a notebook in which each cell that may run twice in a row does so."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        # papermill writes its own cell after the parameters; a copy would undo it.
        if cell.cell_type == "code" and "parameters" not in cell.metadata.get(
            "tags", ()
        ):
            cells.append(copy.deepcopy(cell))
            cells[-1].id = f"{cell.id}-again"
    return nbformat.from_dict({**notebook, "cells": cells})


def execute(kernels, notebook, parameters, *, figures=False):
    """Run a notebook in an empty folder, and return it executed.

    A cell more at its end says which files are in that folder then.
    """
    last = nbformat.v4.new_code_cell(LIST_FILES)
    listing = nbformat.from_dict({**notebook, "cells": [*notebook.cells, last]})
    outcome = kernels.run(nbformat.writes(listing), parameters, figures=figures)
    assert outcome["error"] is None
    return nbformat.reads(outcome["notebook"], as_version=4)


def metrics(executed, folder):
    """Return what an executed notebook recorded."""
    nbformat.write(executed, folder / "executed.ipynb")
    return read_metrics(folder / "executed.ipynb")


def warnings_shown(executed):
    """Return the messages a reader of the executed lesson would see on stderr."""
    outputs = [o for cell in executed.cells for o in cell.get("outputs", ())]
    return [o.text for o in outputs if o.get("name") == "stderr"]


# The tests of one lesson come in a row, and share what it gave when it ran once.
@pytest.fixture(
    scope="module",
    params=[*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)],
)
def lesson(request):
    """Return a lesson's name."""
    return request.param


@pytest.fixture(scope="module")
def imports():
    """Return what the quick lessons import."""
    notebooks = (Notebook(NOTEBOOKS / f"{name}.ipynb") for name in QUICK)
    return dict.fromkeys(line for notebook in notebooks for line in notebook.imports)


@pytest.fixture(scope="module")
def warm(imports):
    """Return a server of kernels that have done these imports."""
    with closing(WarmKernels(imports)) as kernels:
        yield kernels


@pytest.fixture(scope="module")
def once(lesson, warm):
    """Return a lesson, executed with its figures and odd parameters."""
    return execute(warm, read(lesson), SHORT[lesson] | ODD, figures=True)


def test_lesson_runs_with_odd_parameters_in_an_empty_folder(lesson, once, tmp_path):
    """It records the promised metrics, writes no file, and shows no warning.

    With its own parameters the book runs it.
    """
    assert metrics(once, tmp_path).keys() >= EXPECTED[lesson]
    assert once.cells[-1].outputs[0].data["text/plain"] == "[]"
    assert warnings_shown(once) == []


def test_every_cell_runs_twice(lesson, warm, once, tmp_path):
    """Running each cell twice in a row gives the metrics of running it once."""
    twice = execute(warm, doubled(read(lesson)), SHORT[lesson] | ODD)
    assert metrics(twice, tmp_path) == metrics(once, tmp_path)


def test_imports_of_the_lessons_are_quiet(imports):
    """A reader sees no warning at an import."""
    command = [sys.executable, "-c", "\n".join(imports)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_papermill_runs_a_lesson_from_another_folder(tmp_path):
    """With a kernel of its own too, it writes no other file and shows no warning."""
    name = "09_interactions"
    out = tmp_path / "out.ipynb"
    papermill.execute_notebook(
        *(NOTEBOOKS / f"{name}.ipynb", out, SHORT[name]),
        cwd=tmp_path,
        progress_bar=False,
    )
    assert read_metrics(out).keys() >= EXPECTED[name]
    assert list(tmp_path.iterdir()) == [out]
    assert warnings_shown(nbformat.read(out, as_version=4)) == []


@pytest.mark.parametrize("lesson", SHORT)
def test_lesson_checks_its_parameters_early(lesson):
    """They are checked in one of the first cells, before any data."""
    sources = [cell.source for cell in read(lesson).cells]
    first = next(i for i, code in enumerate(sources) if "check_parameters(" in code)
    assert first <= 7 < len(sources) / 3
    assert not re.search(r"\b(load|fetch)_\w+\(", "\n".join(sources[: first + 1]))


@pytest.mark.parametrize("lesson", SHORT)
@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_rate": 1200}, r"'max_rate'.*(500|1000) Hz.*Got 1200"),
        ({"tau_rc": -0.02}, r"'tau_rc'.*range \(0\.0, inf\).*Got -0\.02"),
        ({"readout": "first"}, r"'readout'.*'(mean|last)'.*Got 'first'"),
    ],
    ids=["rate too high", "negative time constant", "unknown read-out"],
)
def test_lesson_refuses_a_bad_value(lesson, parameters, message):
    """The cell that checks the parameters gives the estimator's message."""
    assert re.search(message, refusal(lesson, parameters))


@pytest.mark.parametrize(
    ("lesson", "parameters", "message"),
    [
        ("01_lif_neuron", {"initial_voltage": "dither"}, "initial_voltage.*'uniform'"),
        (
            "01_lif_neuron",
            {"seed": -1},
            "seed must be a whole number from 0 on; got -1",
        ),
        ("01c_richer_neurons", {"held_down": 5}, "held_down.*below 0; got 5"),
        ("03_training_with_rates", {"sigma": 0}, "sigma.*above 0; got 0"),
        ("03_training_with_rates", {"long_time": 0.03}, r"long_time.*got 0\.03"),
        ("03b_deep_spiking", {"long_time": "a"}, r"long_time.*above 0\.03; got 'a'"),
        ("03b_deep_spiking", {"n_seeds": 0}, "n_seeds.*from 1 on; got 0"),
        ("04_linear_regression", {"n_splits": 0}, "n_splits.*from 1 on; got 0"),
        ("05_logistic_regression", {"tau_ref": 0.004}, r"tau_ref.*below 0\.004; got"),
        ("06_mnist", {"n_test": 0}, "n_test.*from 1 to 1000; got 0"),
        ("06b_digit_parameters", {"dataset": "cifar"}, "dataset.*'mnist'.*got 'cifar'"),
        ("07_parameter_sweeps", {"n_splits": 101}, "n_splits.*1 to 100; got 101"),
        ("08_how_sure", {"n_splits": 1}, "n_splits.*from 2 on; got 1"),
        ("08_how_sure", {"dt": 0.005}, r"dt.*below 0\.004; got 0\.005"),
        ("09_interactions", {"n_splits": 2.5}, r"n_splits.*got 2\.5"),
        ("10_cost_of_a_spike", {"longest_time": 0.02}, r"longest_time.*got 0\.02"),
        ("11_five_steps", {"n_steps": 13}, "n_steps.*from 1 to 12; got 13"),
        ("11_five_steps", {"longest": 2.5}, r"longest.*got 2\.5"),
        ("12_your_own_data", {"n_splits": 1}, "n_splits.*from 2 on; got 1"),
    ],
)
def test_lesson_refuses_what_it_cannot_show(lesson, parameters, message):
    """A value that only this lesson cannot take is refused as early as the others."""
    assert re.search(message, refusal(lesson, parameters))


def refusal(lesson, parameters):
    """Return why a lesson refuses some parameters, by its own cells in this process."""
    notebook = Notebook(NOTEBOOKS / f"{lesson}.ipynb")
    return notebook.refusal(notebook.complete(parameters)) or "nothing is refused"


def test_papermill_stops_where_a_lesson_refuses(tmp_path):
    """Under papermill too, the message comes in one of the first cells."""
    lesson = NOTEBOOKS / "01_lif_neuron.ipynb"
    with pytest.raises(PapermillExecutionError, match=r"'max_rate'.*500 Hz") as failure:
        papermill.execute_notebook(
            lesson, tmp_path / "out.ipynb", {"max_rate": 600}, progress_bar=False
        )
    # papermill adds two cells: its error banner and the injected parameters.
    assert failure.value.cell_index <= 9


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

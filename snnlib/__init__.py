"""Spiking machine learning in Nengo, with neuron parameters as hyper-parameters.

Import public names from here. Each is loaded when it is first used, so that
``import snnlib`` stays cheap.
"""

import importlib
import sys

from snnlib._version import __version__

# JupyterLite puts an empty module there, and Nengo wants constants of it. Without that,
# Pyodide's own is found again.
if sys.platform == "emscripten":
    sys.modules.pop("fcntl", None)

_HOMES = {
    "datasets": (
        "DataCorruptError",
        "DataUnavailableError",
        "Dataset",
        "DatasetError",
        "fetch_digits",
        "fetch_mnist",
        "load_birth_weight",
        "load_digits28",
        "load_iris_setosa",
        "train_test_birth_weight",
        "train_test_iris_setosa",
        "train_test_mnist",
    ),
    "architectures": ("parse_architecture", "read_weights"),
    "checks": ("check_choice", "check_number", "check_whole"),
    "neurons": ("neuron_parameters",),
    "networks": (
        "conv_network",
        "count_model",
        "ensemble_network",
        "rate_model",
        "relu_model",
    ),
    "simulation": (
        "lif_counts",
        "lif_spikes",
        "lowpass",
        "read_out",
        "settled_fraction",
        "simulate",
    ),
    "stopping": ("EarlyStop", "bounds_of_sureness", "stop_when_sure"),
    "estimators": (
        "SpikingClassifier",
        "SpikingConvClassifier",
        "SpikingRegressor",
        "decide_on_splits",
        "decide_together",
        "simulate_together",
    ),
    "metrics": (
        "ENERGY_MODELS",
        "Estimate",
        "accuracy_interval",
        "adjust_p_values",
        "energy_bill",
        "estimate_energy",
        "mean_over_seeds",
        "mean_over_seeds_and_images",
        "mean_over_splits",
        "mspe",
        "network_cost",
        "pack_hits",
        "skill_score",
        "synaptic_operations",
        "unpack_hits",
    ),
    "graphs": ("from_nir", "to_nir"),
    "variation": ("variance_shares",),
    "plots": (
        "COLORS",
        "plot_curve",
        "plot_fit",
        "plot_images",
        "plot_matrix",
        "plot_output",
        "plot_results",
        "plot_shares",
        "plot_spikes",
        "plot_voltage",
    ),
    "explorers": (
        "Explorer",
        "classification_explorer",
        "count_explorer",
        "digit_explorer",
        "energy_explorer",
        "image_explorer",
        "lif_explorer",
        "regression_explorer",
        "results_explorer",
    ),
    "definitions": ("SweepError",),
    "plans": ("Plan", "make_plan", "read_plan"),
    "folders": ("SweepBusyError",),
    "sweep": (
        "SweepSummary",
        "prune_runs",
        "reasons_to_run",
        "restore_runs",
        "run_sweep",
    ),
    "status": ("SweepStatus", "sweep_status"),
    "collected": ("Collected", "collect_runs"),
    "tables": ("markdown_table", "read_results"),
    "committed": ("find_committed", "read_committed"),
    "panels": (
        "new_panels",
        "panel",
        "paper_panel",
        "plot_effects",
        "plot_learning",
        "plot_multiverse",
        "plot_networks",
        "plot_panel",
        "space_by_errors",
    ),
    "verdicts": (
        "NoResultsError",
        "accepted_by_recipe",
        "accuracy_table",
        "answer_after",
        "answer_questions",
        "ask_together",
        "beside_constant",
        "contrast",
        "count_seeds",
        "effect_in_words",
        "gain_table",
        "grid_accuracies",
        "grid_networks",
        "learning_curve",
        "multiverse_answers",
        "parts_of_claims",
        "questions",
        "read_decisions",
        "recipe_numbers",
        "recipe_trials",
        "results_at",
        "score_grids",
        "shares_over_seeds",
        "show_answers",
        "show_contrasts",
        "show_criteria",
        "show_recipe",
        "show_verdicts",
        "trial_table",
        "verdict_table",
    ),
    "recording": ("MetricsError", "read_metrics", "record", "results_path"),
    "_nengo_dl": ("nengo_dl", "tf"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

# NengoDL and TensorFlow are here for who asks for them by name. Whatever goes through
# all names, as ``import *`` and ``help`` do, would wait for them.
__all__ = ["__version__", *sorted(_HOME_OF.keys() - {*_HOMES["_nengo_dl"]})]


def __getattr__(name):
    """Load a public name from the module it lives in."""
    if name not in _HOME_OF:
        msg = f"module 'snnlib' has no attribute {name!r}"
        raise AttributeError(msg)
    home = f"snnlib.{_HOME_OF[name]}"
    try:
        value = getattr(importlib.import_module(home), name)
    except (ImportError, AttributeError) as error:
        if not _imports(sys._getframe(1)):
            # What ``hasattr`` and ``getattr`` with a default know as "not there".
            msg = f"module 'snnlib' has no attribute {name!r} here: {error}"
            raise AttributeError(msg) from error
        if isinstance(error, ImportError):
            raise
        msg = f"{home} cannot be imported: {error}"
        raise ImportError(msg) from error
    globals()[name] = value
    return value


def _imports(frame):
    """Say whether a frame stands at ``from snnlib import ...``."""
    # Python asks ``hasattr`` first. Told "no", it looks for a module of that name, and
    # ends with a bare "cannot import name".
    where = frame.f_globals.get("__name__"), frame.f_code.co_name
    return where == ("importlib._bootstrap", "_handle_fromlist")


def __dir__():
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})

"""The public names for type checkers, which do not see what is loaded lazily."""

from typing import Any

from snnlib.architectures import parse_architecture as parse_architecture
from snnlib.architectures import read_weights as read_weights
from snnlib.collected import Collected as Collected
from snnlib.collected import collect_runs as collect_runs
from snnlib.datasets import DataCorruptError as DataCorruptError
from snnlib.datasets import Dataset as Dataset
from snnlib.datasets import DatasetError as DatasetError
from snnlib.datasets import DataUnavailableError as DataUnavailableError
from snnlib.datasets import fetch_digits as fetch_digits
from snnlib.datasets import fetch_mnist as fetch_mnist
from snnlib.datasets import load_birth_weight as load_birth_weight
from snnlib.datasets import load_digits28 as load_digits28
from snnlib.datasets import load_iris_setosa as load_iris_setosa
from snnlib.datasets import train_test_birth_weight as train_test_birth_weight
from snnlib.datasets import train_test_iris_setosa as train_test_iris_setosa
from snnlib.datasets import train_test_mnist as train_test_mnist
from snnlib.definitions import SweepError as SweepError
from snnlib.estimators import SpikingClassifier as SpikingClassifier
from snnlib.estimators import SpikingConvClassifier as SpikingConvClassifier
from snnlib.estimators import SpikingRegressor as SpikingRegressor
from snnlib.estimators import decide_together as decide_together
from snnlib.estimators import simulate_together as simulate_together
from snnlib.explorers import Explorer as Explorer
from snnlib.explorers import classification_explorer as classification_explorer
from snnlib.explorers import image_explorer as image_explorer
from snnlib.explorers import lif_explorer as lif_explorer
from snnlib.explorers import regression_explorer as regression_explorer
from snnlib.folders import SweepBusyError as SweepBusyError
from snnlib.metrics import accuracy_interval as accuracy_interval
from snnlib.metrics import adjust_p_values as adjust_p_values
from snnlib.metrics import estimate_energy as estimate_energy
from snnlib.metrics import mean_over_seeds as mean_over_seeds
from snnlib.metrics import mean_over_seeds_and_images as mean_over_seeds_and_images
from snnlib.metrics import mean_over_splits as mean_over_splits
from snnlib.metrics import mspe as mspe
from snnlib.metrics import network_cost as network_cost
from snnlib.metrics import pack_hits as pack_hits
from snnlib.metrics import skill_score as skill_score
from snnlib.metrics import synaptic_operations as synaptic_operations
from snnlib.metrics import unpack_hits as unpack_hits
from snnlib.networks import conv_network as conv_network
from snnlib.networks import ensemble_network as ensemble_network
from snnlib.networks import rate_model as rate_model
from snnlib.networks import relu_model as relu_model
from snnlib.plans import Plan as Plan
from snnlib.plans import make_plan as make_plan
from snnlib.plans import read_plan as read_plan
from snnlib.plots import COLORS as COLORS
from snnlib.plots import plot_curve as plot_curve
from snnlib.plots import plot_fit as plot_fit
from snnlib.plots import plot_images as plot_images
from snnlib.plots import plot_output as plot_output
from snnlib.plots import plot_results as plot_results
from snnlib.plots import plot_spikes as plot_spikes
from snnlib.plots import plot_voltage as plot_voltage
from snnlib.recording import MetricsError as MetricsError
from snnlib.recording import read_metrics as read_metrics
from snnlib.recording import record as record
from snnlib.recording import results_path as results_path
from snnlib.simulation import lif_spikes as lif_spikes
from snnlib.simulation import lowpass as lowpass
from snnlib.simulation import read_out as read_out
from snnlib.simulation import settled_fraction as settled_fraction
from snnlib.simulation import simulate as simulate
from snnlib.status import SweepStatus as SweepStatus
from snnlib.status import sweep_status as sweep_status
from snnlib.sweep import SweepSummary as SweepSummary
from snnlib.sweep import prune_runs as prune_runs
from snnlib.sweep import reasons_to_run as reasons_to_run
from snnlib.sweep import restore_runs as restore_runs
from snnlib.sweep import run_sweep as run_sweep
from snnlib.tables import read_results as read_results

__version__: str
nengo_dl: Any
tf: Any

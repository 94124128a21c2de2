"""The parameters of all estimators: their types, their words, their limits."""

from numbers import Integral, Real
from typing import NamedTuple

from sklearn.utils._param_validation import Interval, StrOptions

from snnlib.networks import VOLTAGES
from snnlib.neurons import SETTINGS
from snnlib.simulation import READOUTS


class Setting(NamedTuple):
    """A parameter of estimators: its type and meaning in words, and its limits."""

    kind: str
    text: str
    limits: list


def _choice(*words):
    return "{" + ", ".join(f'"{word}"' for word in words) + "}", [StrOptions({*words})]


_POSITIVE = [Interval(Real, 0, None, closed="neither")]
_NOT_NEGATIVE = [Interval(Real, 0, None, closed="left")]
_AT_LEAST_1 = [Interval(Integral, 1, None, closed="left")]
_VOLTAGES, _READOUTS = _choice(*VOLTAGES), _choice(*READOUTS)

# The parameters that every estimator has. The neuron's own are declared with `Lif`.
COMMON = {
    **{
        name: Setting(
            "float",
            declared.metadata["text"],
            [
                Interval(
                    Real,
                    *(declared.metadata[end] for end in ("low", "high")),
                    closed=declared.metadata["closed"],
                )
            ],
        )
        for name, declared in SETTINGS.items()
    },
    "synapse": Setting(
        "float or None",
        "Low-pass time constant in seconds on the neurons' output; larger smooths more "
        "and responds later. None passes spikes on as they are.",
        [*_NOT_NEGATIVE, None],
    ),
    "initial_voltage": Setting(
        _VOLTAGES[0],
        "Membrane voltage at the start of each presentation: 0 (Nengo up to 3.0), "
        "drawn from [0, 1) once for each neuron (Nengo since 3.1), or spread evenly "
        "over [0, 1) among neighbours, without chance.",
        _VOLTAGES[1],
    ),
    "presentation_time": Setting(
        "float", "How long each input is shown, in seconds.", _POSITIVE
    ),
    "dt": Setting("float", "Length of a simulation step in seconds.", _POSITIVE),
    "readout": Setting(
        _READOUTS[0],
        "Whether the filtered output is averaged over the second half of the "
        "presentation, taken at its last step, or averaged over all steps.",
        _READOUTS[1],
    ),
    "n_epochs": Setting("int", "Passes over the training data.", _AT_LEAST_1),
    "learning_rate": Setting("float", "Step size of the training.", _POSITIVE),
    "batch_size": Setting("int", "Inputs in a training step.", _AT_LEAST_1),
    "random_state": Setting(
        "int, RandomState instance or None",
        "Seed of whatever is drawn.",
        ["random_state"],
    ),
}

ENSEMBLE = COMMON | {
    "n_neurons": Setting(
        "int",
        "LIF neurons for each output: one output for a quantity or two classes, else "
        "one a class.",
        [Interval(Integral, 1, None, closed="left")],
    ),
    "method": Setting(
        '{"nef", "gradient"}',
        '"nef" solves for the decoders by regularised least squares on firing rates. '
        '"gradient" starts there and trains encoders, biases and decoders on firing '
        "rates with NengoDL, so that ``max_rate`` and ``intercept`` are where it "
        "starts from rather than what it ends with. Rows at the top of X fill up "
        "its last batch.",
        [StrOptions({"nef", "gradient"})],
    ),
    "max_rate": COMMON["max_rate"]._replace(
        text="Firing rate in Hz at the largest training input; larger means more "
        "spikes and a finer output. Must be below ``1 / tau_ref``, and not above "
        "``1 / dt``."
    ),
    "intercept": COMMON["intercept"]._replace(
        text="Scaled input at which a neuron begins to fire. Training inputs lie "
        "between -1 and 1: below -1 the neuron fires for all of them, and its response "
        "is nearly a line. With several neurons it is the first one's; the others' are "
        "drawn above, over 95 % of the way to 1."
    ),
    "amplitude": COMMON["amplitude"]._replace(
        text="Area of one spike. The decoders that ``fit`` solves for make up for it."
    ),
    "encoders": Setting(
        '{"target", "random"}',
        "Direction each neuron listens to: the one along which the target changes "
        'most (least squares), or one drawn at random. One neuron needs "target"; a '
        'relation that is not monotonic in one direction needs "random" and many '
        "neurons.",
        [StrOptions({"target", "random"})],
    ),
    "reg": Setting(
        "float",
        "Regularisation of the decoders, as a share of the largest firing rate; larger "
        "pulls the output towards the mean of the targets.",
        [Interval(Real, 0, None, closed="left")],
    ),
    "n_epochs": COMMON["n_epochs"]._replace(
        text='Passes over the training rows, for ``method="gradient"``.'
    ),
    "learning_rate": COMMON["learning_rate"]._replace(
        text='Step size of Adam, for ``method="gradient"``.'
    ),
    "batch_size": COMMON["batch_size"]._replace(
        text='Rows in a training step, for ``method="gradient"``.'
    ),
    "random_state": COMMON["random_state"]._replace(
        text="Seed of whatever is drawn: encoders, intercepts, initial voltages."
    ),
}

CONV = COMMON | {
    "architecture": Setting(
        "str",
        "Layers before the linear read-out; see `snnlib.parse_architecture`.",
        [str],
    ),
    "max_rate": COMMON["max_rate"]._replace(
        text="Firing rate at an input of 1, in Hz. Larger puts more spikes into a "
        "presentation and, at a fixed amplitude, makes each layer's signal larger."
    ),
    "amplitude": COMMON["amplitude"]._replace(
        text="Area of one output spike; a layer passes on ``amplitude`` times its rate."
    ),
    "synapse": COMMON["synapse"]._replace(
        text="Low-pass time constant of the output in seconds; larger smooths more. It "
        "may be longer than the presentation: scores come out smaller, all by the same "
        "factor. None passes the read-out through as it is."
    ),
    "layer_synapse": Setting(
        "float or None",
        "Low-pass time constant in seconds of what each layer of neurons passes on; "
        "larger smooths more and responds later. None passes spikes on as they are, as "
        "in the paper's network. Training leaves it out.",
        [Interval(Real, 0, None, closed="neither"), None],
    ),
    "presentation_time": COMMON["presentation_time"]._replace(
        text="How long an image is shown, in seconds; longer costs more and errs less."
    ),
    "n_epochs": COMMON["n_epochs"]._replace(text="Passes over the training images."),
    "learning_rate": COMMON["learning_rate"]._replace(
        text="Step size of RMSprop, or of Adam for spike counts."
    ),
    "schedule": Setting(
        '{"constant", "cosine"}',
        "Whether the step size stays as it is, or falls to 0 along a cosine.",
        [StrOptions({"constant", "cosine"})],
    ),
    "batch_size": COMMON["batch_size"]._replace(
        text="Images in a training step, and images simulated together."
    ),
    "trainer": Setting(
        '{"keras", "nengo_dl", "counts"}',
        "What trains the network. Firing rates in a plain Keras model, or in NengoDL "
        "itself: both give the same loss, and Keras is faster. Or the numbers of "
        "spikes that come in ``n_train_steps``, in Keras, for a network that is to "
        "answer in few steps.",
        [StrOptions({"keras", "nengo_dl", "counts"})],
    ),
    "n_train_steps": Setting(
        "int, pair of int or None",
        "Steps in which spikes are counted in training by counts. A pair is a range, "
        "ends included, from which each batch draws; None is what a presentation has.",
        [Interval(Integral, 1, None, closed="left"), tuple, list, None],
    ),
    "trainable": Setting(
        "sequence of str or None",
        'Settings of the neurons that training by counts finds too: ``"tau_rc"``, '
        '``"max_rate"`` or both, a number for each layer of neurons. They begin at the '
        "parameters of these names. None trains weights alone.",
        [tuple, list, None],
    ),
    "augmentation": Setting(
        "dict or None",
        "How far training moves each image at random, each time it is seen: "
        '``"shift"`` in pixels, ``"rotation"`` in degrees, ``"zoom"`` as a share of '
        "its size, each to both sides. None shows images as they are.",
        [dict, None],
    ),
    "warm_start": Setting(
        "bool",
        "Whether ``fit`` goes on from the weights that are there, of an earlier `fit` "
        "or a file, and from their ``seed_``; it then draws no weights.",
        ["boolean"],
    ),
    "engine": Setting(
        '{"auto", "event", "nengo_dl"}',
        "What simulates the spikes: Numba, adding up one spike at a time, or NengoDL, "
        "multiplying whole matrices. Both give the same spikes but for rounding at the "
        'threshold. "auto" is "event" where Numba is installed.',
        [StrOptions({"auto", "event", "nengo_dl"})],
    ),
    "random_state": COMMON["random_state"]._replace(
        text="Seed of weights, order of images, and initial voltages."
    ),
    "verbose": Setting(
        "int",
        "1 shows a progress bar with loss and accuracy while training, 2 a line per "
        "epoch, 0 nothing.",
        [Interval(Integral, 0, 2, closed="both")],
    ),
}

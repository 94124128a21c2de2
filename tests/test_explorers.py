"""Explorers show what Nengo and the estimators compute, with a kernel and without."""

import copy
import functools
import json
import math
import random
import re

import nengo
import numpy as np
import pytest
from sklearn.base import clone

from snnlib import (
    SpikingClassifier,
    SpikingConvClassifier,
    SpikingRegressor,
    accuracy_interval,
    classification_explorer,
    image_explorer,
    lif_explorer,
    load_birth_weight,
    load_digits28,
    load_iris_setosa,
    mspe,
    regression_explorer,
)
from snnlib.explorers._page import describe
from snnlib.neurons import Lif

IRIS, BIRTHS = load_iris_setosa(), load_birth_weight()


def make(kind, **parameters):
    """Return an explorer as the lessons make it."""
    if kind == "lif":
        return lif_explorer(**parameters)
    if kind == "regression":
        regressor = SpikingRegressor(random_state=0, **parameters)
        return regression_explorer(regressor, IRIS.data, IRIS.target)
    classifier = SpikingClassifier(random_state=0, **parameters)
    names = ["normal", "low"]
    return classification_explorer(
        classifier, BIRTHS.data, BIRTHS.target, class_names=names
    )


# For tests that only ask: an explorer holds no state.
EXPLORERS = functools.cache(make)

each_kind = pytest.mark.parametrize("kind", ["lif", "regression", "classification"])


def test_lif_explorer_counts_what_the_formula_promises():
    """Level, counted spikes and mean output agree with r(J), to a spike."""
    readouts = lif_explorer(max_rate=100, intercept=0, synapse=0.02).compute(input=1.0)
    gain = readouts.readouts["gain"]
    # Published: gain 2.0332 and bias 1 for 100 Hz, intercept 0 and tau_rc 0.02 s.
    assert gain == pytest.approx(2.0332, abs=5e-5)
    current = gain + 1
    rate = 1 / (0.002 + 0.02 * np.log1p(1 / (current - 1)))
    assert readouts.readouts["rate"] == pytest.approx(rate, rel=1e-12)
    assert abs(readouts.readouts["spikes"] - rate) <= 1
    assert readouts.readouts["mean"] == pytest.approx(rate, rel=0.01)


def test_lif_explorer_ends_of_the_curve_do_not_move_with_tau_rc():
    """The answer it folds away is true: tau_rc leaves both ends where they are."""
    curves = [
        lif_explorer(tau_rc=tau_rc).compute().series["curve.formula"]
        for tau_rc in (0.02, 0.22)
    ]
    at = {round(x, 2): i for i, x in enumerate(curves[0][0])}
    for end in (-1.0, 1.0):
        assert curves[0][1][at[end]] == pytest.approx(curves[1][1][at[end]], abs=1e-9)
    middle = [curve[1][at[0.0]] for curve in curves]
    assert abs(middle[0] - middle[1]) > 5
    higher = lif_explorer(max_rate=200).compute().series["curve.formula"][1]
    assert higher[at[1.0]] == pytest.approx(200)


def test_regression_explorer_shows_the_estimator():
    """MSPE and predictions are those of the estimator fitted with the same values."""
    explorer = make("regression")
    changes = {"max_rate": 150.0, "tau_rc": 0.07, "presentation_time": 0.5}
    how = {"synapse": 0.02, "readout": "last"}
    view = explorer.compute(**changes, **how, sample=7)
    order = np.argsort(IRIS.data[:, 0], kind="stable")
    X, y = IRIS.data[order], IRIS.target[order]
    regressor = SpikingRegressor(random_state=0, **changes, **how).fit(X, y)
    predictions = regressor.predict(X)
    assert view.readouts["mspe"] == pytest.approx(mspe(y, predictions), rel=1e-12)
    assert view.readouts["prediction"] == pytest.approx(predictions[7], rel=1e-12)
    output = regressor.output(X[[7]])[0, :, 0]
    np.testing.assert_allclose(view.series["output.filtered"][1], output, rtol=1e-12)
    assert view.readouts["spikes"] == regressor.spike_trains(X[[7]]).sum()


def test_classification_explorer_shows_the_estimator():
    """Accuracy and counts are those of the estimator fitted with the same values."""
    changes = {"max_rate": 150.0, "tau_rc": 0.07, "synapse": 0.02, "readout": "last"}
    view = make("classification").compute(**changes)
    classifier = SpikingClassifier(random_state=0, **changes)
    classifier.fit(BIRTHS.data, BIRTHS.target)
    accuracy = classifier.score(BIRTHS.data, BIRTHS.target)
    assert view.readouts["accuracy"] == pytest.approx(100 * accuracy)
    called = classifier.predict(BIRTHS.data)
    assert view.readouts["true_positive"] == (called * BIRTHS.target).sum()
    n_right = view.readouts["true_positive"] + view.readouts["true_negative"]
    assert accuracy == accuracy_interval(n_right, len(called)).accuracy
    assert len(view.series["decisions.right"][0]) == n_right


def test_classification_explorer_threshold_decides():
    """Above every decision, all rows are called negative."""
    view = make("classification").compute(threshold=1e9)
    assert view.readouts["true_positive"] == view.readouts["false_positive"] == 0
    assert view.readouts["accuracy"] == pytest.approx(view.readouts["majority"])


@pytest.fixture(scope="module")
def network():
    """A small trained conv net with the digits it is shown."""
    digits = load_digits28()
    classifier = SpikingConvClassifier(
        "4C3S2-AP2", max_rate=200, n_epochs=1, random_state=0, verbose=0
    )
    classifier.fit(digits.data[:200], digits.target[:200])
    return classifier, digits.data[:20], digits.target[:20]


def test_image_explorer_shows_the_classifier(network):
    """Accuracy and prediction are the classifier's, also with changed neurons."""
    classifier, images, labels = network
    explorer = image_explorer(*network)
    for changes in ({}, {"max_rate": 100.0, "synapse": None, "readout": "mean"}):
        view = explorer.compute(**changes, sample=3)
        changed = clone(classifier).set_params(**changes)
        vars(changed).update(
            {k: v for k, v in vars(classifier).items() if k.endswith("_")}
        )
        called = changed.predict(images)
        assert view.readouts["accuracy"] == 100 * (called == labels).mean()
        assert view.readouts["prediction"] == called[3]


def test_image_explorer_is_a_picture_in_the_book(network, monkeypatch):
    """Where there is no kernel it shows no slider, for none would move."""
    bundle = shown(image_explorer(*network), "html", monkeypatch)
    assert bundle.keys() == {"image/png", "text/plain"}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: lif_explorer(tau=1), TypeError, r"no slider 'tau'.*'tau_rc'"),
        (lambda: lif_explorer().compute(reg=1), TypeError, "no slider 'reg'"),
        (lambda: lif_explorer(max_rate=600), ValueError, "'max_rate'.*500 Hz.*Got 600"),
        (
            lambda: lif_explorer(tau_ref=0, max_rate=1001),
            ValueError,
            "'max_rate'.*at most 1 / dt = 1000 Hz.*Got 1001",
        ),
        (
            lambda: lif_explorer(max_rate=10, tau_rc=0.002),
            ValueError,
            "'max_rate'.*tau_rc=0.002 s.*fire at 0 Hz.*Got 10",
        ),
        (lambda: lif_explorer(tau_rc=-1), ValueError, r"'tau_rc'.*\(0\.0, inf\).*-1"),
        (lambda: lif_explorer(intercept=1), ValueError, r"'intercept'.*1\.0\).*Got 1"),
        (lambda: lif_explorer(amplitude=0), ValueError, "'amplitude'.*Got 0"),
        (lambda: lif_explorer(synapse=1e-9), ValueError, "'synapse'.*dt / 1000"),
        (lambda: lif_explorer(max_rate=10**400), ValueError, "'max_rate'.*1329 bits"),
        (lambda: lif_explorer(input=None), ValueError, "input must be a finite number"),
        (
            lambda: lif_explorer(input=1e308).compute(),
            ValueError,
            r"input and amplitude .* at most 1e300; got 1e\+308 and 1",
        ),
    ],
)
def test_lif_explorer_refuses(call, error, message):
    """What no neuron can be set to is refused in words that name it."""
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("shown", "error", "message"),
    [
        ({"sliders": ["tau"]}, TypeError, r"no slider 'tau'.*'tau_rc'"),
        ({"sliders": "tau_rc"}, ValueError, "sliders must be one or more .*'tau_rc'"),
        ({"sliders": []}, ValueError, r"sliders must be one or more names.*got \[\]"),
        ({"sliders": 3}, ValueError, "sliders must be one or more names.*got 3"),
        ({"sliders": [["tau_rc"]]}, TypeError, r"no slider \['tau_rc'\]; choose from"),
        ({"sliders": iter([])}, ValueError, "sliders must be one or more names.*got"),
        ({"presets": ["a"]}, ValueError, r"presets must be a mapping.*got \['a'\]"),
        ({"presets": {1: {}}}, ValueError, "presets must be text; got 1"),
        ({"presets": {"a": 1}}, ValueError, r"presets\['a'\] must map sliders.*got 1"),
        ({"presets": {"a": {"tau": 1}}}, TypeError, "no slider 'tau'"),
        ({"presets": {"a": {"tau_rc": "b"}}}, ValueError, "'a'.*set tau_rc .*got 'b'"),
        ({"presets": {"a": {"tau_rc": math.nan}}}, ValueError, "tau_rc .*got nan"),
        ({"presets": {"a": {"tau_rc": None}}}, ValueError, "tau_rc .*got None"),
        ({"presets": {"a": {"tau_rc": -1}}}, ValueError, "tau_rc .*got -1"),
        ({"presets": {"a": {"input": 10**400}}}, ValueError, "input .*got 1000"),
        ({"presets": {"a": {"synapse": True}}}, ValueError, "synapse .*got True"),
        ({"guess": {"tau_rc": 1}}, ValueError, "guess must be values of sliders"),
        ({"guess": ({}, np.ones(2))}, ValueError, "guess must be values of sliders"),
        ({"guess": ({"tau_rc": 1}, "tau")}, ValueError, r"one of \['gain'.*'tau'"),
        ({"guess": (3, "rate")}, ValueError, "guess must map sliders to values; got 3"),
        ({"guess": ({"tau_rc": True}, "rate")}, ValueError, "guess must set .*True"),
        ({"question": "[there](tau=1)"}, TypeError, "no slider 'tau'"),
        ({"answer": "[there](tau_rc=0.1&tau=1)"}, TypeError, "no slider 'tau'"),
        ({"question": "[x](synapse=abc)"}, ValueError, "question must set syn.*'abc'"),
        ({"question": "[x](synapse=)"}, ValueError, "question must set syn.*got ''"),
        ({"answer": "[x](tau_rc=none)"}, ValueError, "answer must set tau_rc.*'none'"),
        ({"answer": "[x](tau_rc=5)"}, ValueError, "answer must set tau_rc .*got '5'"),
    ],
)
def test_explorer_refuses_what_it_cannot_show(shown, error, message):
    """Sliders, presets and guess name what there is, and values of the right kind."""
    with pytest.raises(error, match=message):
        lif_explorer(**shown)


def test_explorer_folds_what_the_question_is_not_about():
    """Sliders and guess are the explorer's own beside its own question alone."""
    own, asked = lif_explorer(), lif_explorer(question="Which?")
    assert own.sliders == ["max_rate", "tau_rc"]
    assert own.guess.readout == "rate"
    assert asked.sliders == [control.name for control in asked.controls]
    assert asked.guess is None
    few = lif_explorer(
        question="Which?",
        sliders=("synapse",),
        presets={"no synapse": {"synapse": None}, "slow": {"synapse": np.float32(1)}},
        guess=({"max_rate": 600}, "rate"),
    )
    assert few.sliders == ["synapse"]
    assert [preset.values for preset in few.presets] == [
        {"synapse": None},
        {"synapse": 1.0},
    ]
    assert few.guess.values == {"max_rate": 600}


@pytest.mark.parametrize("state", ["synapse=none", "synapse=0.33&input=1", "input=-1"])
def test_explorer_takes_links_to_what_sliders_can_be(state):
    """Stops, what lies between them, and no synapse."""
    assert lif_explorer(answer=f"[there]({state})").answer == f"[there]({state})"


@each_kind
def test_limits_hold_the_start(kind):
    """What is drawn at the start lies within the axes, and fills a part of them."""
    explorer = EXPLORERS(kind)
    view = explorer.compute()
    for panel in explorer.panels:
        for axis, limits in enumerate((panel.x_limits, panel.y_limits)):
            points = [
                np.asarray(view.series[f"{panel.name}.{series.name}"][axis])
                for series in panel.series
            ]
            drawn = np.concatenate(points)
            assert limits[0] <= drawn.min() <= drawn.max() <= limits[1]
            assert np.ptp(drawn) > 0.15 * (limits[1] - limits[0])


@pytest.mark.parametrize("amplitude", [1.0, 0.01])
def test_levels_are_in_hertz_where_a_spike_counts_one(amplitude):
    """Amplitude times rate is a rate only then; other read-outs keep their units."""
    text = repr(lif_explorer(amplitude=amplitude))
    assert "rate by formula: 82.7 Hz" in text
    for label in ("target level", "mean of second half", "last step", "ripple"):
        assert bool(re.search(rf"{label}.*: [\d.]+ Hz", text)) == (amplitude == 1)


FLOWERS = {"regressor": SpikingRegressor(), "X": IRIS.data, "y": IRIS.target}
BABIES = {"classifier": SpikingClassifier(), "X": BIRTHS.data, "y": BIRTHS.target}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"regressor": SpikingClassifier()}, "must be a SpikingRegressor; got Spik"),
        ({"regressor": SpikingRegressor}, "must be a SpikingRegressor; got <class"),
        ({"regressor": None}, "regressor must be a SpikingRegressor; got None"),
        ({"regressor": SpikingRegressor(tau_rc=0)}, "'tau_rc' parameter of SpikingR"),
        (
            {"regressor": SpikingRegressor(method="gradient")},
            "regressor.method must be \"nef\".*'gradient'",
        ),
        ({"X": BIRTHS.data, "y": BIRTHS.target}, "X must hold one feature.*got 7"),
        ({"X": IRIS.data[:, 0]}, "X must be an array with 2 axes"),
        ({"X": IRIS.data[:1], "y": IRIS.target[:1]}, "X must hold at least 2 rows"),
        ({"X": np.ones_like(IRIS.data)}, "X must hold a feature that varies"),
        ({"X": np.full_like(IRIS.data, np.nan)}, "X must be finite; got 50 of 50"),
        ({"X": IRIS.data * 1e200}, "X must hold values whose squares"),
        ({"X": None}, "X must be an array"),
        ({"y": IRIS.target[:3]}, r"y must hold one value for each of the 50 .*\(3,\)"),
        ({"y": IRIS.target * 1e-200}, "y must hold values whose squares"),
        ({"y": np.full(50, np.inf)}, "y must be finite"),
        ({"y": [[1.0], [1.0, 2.0]]}, r"y must hold one value for each.*\(0,\)"),
        ({"X": np.ma.masked_greater(IRIS.data, 3.4)}, "X must be without missing"),
        ({"y": np.ma.masked_greater(IRIS.target, 0.3)}, "y must be without missing"),
        ({"y": ["tall"] * 50}, "y must be an array of real numbers"),
        ({"y": np.arange(50)}, "y must hold no zero.*got 0"),
        ({"y": np.zeros(50)}, "y must hold no zero.*got 0"),
        ({"y": np.append(1e-145, np.full(49, 1e10))}, "y must hold no.*got 1e-145"),
        ({"question": 3}, "question must be text or None; got 3"),
        ({"answer": ["a"]}, "answer must be text or None; got"),
        ({"x_label": None}, "x_label must be text; got None"),
        ({"y_label": b"cm"}, "y_label must be text; got b'cm'"),
    ],
)
def test_regression_explorer_refuses(changes, message):
    """What cannot be fitted or written is refused in words that name it."""
    with pytest.raises(ValueError, match=message):
        regression_explorer(**FLOWERS | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classifier": SpikingRegressor()}, "must be a SpikingClassifier; got Spik"),
        ({"classifier": SpikingConvClassifier()}, "must be a SpikingClassifier; got"),
        ({"y": np.arange(189) % 6}, "y must hold 2 classes; got 6"),
        ({"X": np.ma.masked_equal(BIRTHS.data, 1)}, "X must be without missing values"),
        ({"y": np.ma.masked_equal(BIRTHS.target, 1)}, "y must be without missing"),
        ({"y": [[1], [1, 2]]}, r"y must hold one value for each.*\(0,\)"),
        ({"y": np.ones(189)}, "y must hold 2 classes; got 1"),
        ({"y": np.arange(189) % 2 + 0.5}, r"y must hold 2 classes; got 2 \(contin"),
        ({"y": np.where(BIRTHS.target, 1, np.nan)}, "y must be finite"),
        ({"y": np.where(BIRTHS.target, "low", None)}, "y must hold .*NoneType and str"),
        ({"class_names": "ab"}, "class_names must be 2 texts or None; got 'ab'"),
        ({"class_names": ["a", 1]}, r"class_names must be 2 .* got \['a', 1\]"),
        ({"class_names": ["a"]}, r"class_names must be 2 .* got \['a'\]"),
        ({"class_names": {"a", "b"}}, "class_names must be 2 texts"),
        ({"class_names": 2}, "class_names must be 2 texts or None; got 2"),
        ({"question": b"?"}, "question must be text or None"),
    ],
)
def test_classification_explorer_refuses(changes, message):
    """What are no two classes, or no names for them, is refused by name."""
    with pytest.raises(ValueError, match=message):
        classification_explorer(**BABIES | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classifier": lambda _: None}, "must be a SpikingConvClassifier; got None"),
        ({"classifier": lambda _: SpikingClassifier()}, "must be a SpikingConvClass"),
        ({"classifier": clone}, "classifier must be fitted"),
        (
            {"images": lambda images: images[:2], "labels": lambda labels: labels[:1]},
            "one label for each image.*got 1 for 2",
        ),
        (
            {"images": lambda images: images[:0], "labels": lambda labels: labels[:0]},
            "at least one; got 0 for 0",
        ),
        ({"images": lambda _: None}, "one label for each image.*got 20 for 0"),
        ({"images": lambda images: images * 255}, r"images must .* pixels in \[0, 1\]"),
        ({"images": lambda images: images[:, :9]}, "images must .* 784 pixels .* 9"),
        ({"labels": lambda labels: labels[:, np.newaxis]}, r"got shape \(20, 1\) for"),
        (
            {"labels": lambda labels: np.ma.masked_equal(labels, labels[0])},
            "labels must be without missing values",
        ),
        ({"labels": lambda _: [[1], [1, 2]]}, r"one label .*got 0 for 20"),
        ({"labels": lambda labels: [{} for _ in labels]}, "labels must be .*got {}"),
        ({"labels": lambda labels: labels + 10}, r"labels must be classes .* got 1\d"),
        ({"labels": lambda labels: labels.astype(str)}, "labels must be classes .* '"),
    ],
)
def test_image_explorer_refuses(changes, message, network):
    """What the classifier could not show is refused by name."""
    given = dict(zip(("classifier", "images", "labels"), network, strict=True))
    given |= {name: change(given[name]) for name, change in changes.items()}
    with pytest.raises(ValueError, match=message):
        image_explorer(**given)


@each_kind
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("max_rate", ["a", None, math.nan, math.inf, -1, 0, 600, [100], 10**400]),
        ("tau_rc", ["a", None, math.nan, 0, 1e-5]),
        ("synapse", ["a", math.nan, -1, 1e-9]),
        ("presentation_time", ["a", None, math.nan, 0, 1e-5, 1e12]),
        ("readout", ["median", None, 3]),
        ("sample", [-1, 10**6, 1.0, "a", None, True]),
        ("threshold", ["a", None, math.nan, math.inf]),
        ("input", ["a", None, math.nan, math.inf, True]),
        ("intercept", ["a", None, math.nan, 1]),
        ("amplitude", ["a", None, math.nan, 0]),
        ("tau_ref", ["a", None, math.nan, -1, 1]),
    ],
)
def test_compute_refuses_by_name(kind, name, values):
    """A slider that cannot stand there is named, in one sentence."""
    explorer = EXPLORERS(kind)
    for value in values:
        if name not in explorer.start:
            with pytest.raises(TypeError, match=f"no slider '{name}'; choose from"):
                explorer.compute(**{name: value})
            continue
        with pytest.raises(ValueError, match=name) as refused:
            explorer.compute(**{name: value})
        assert str(refused.value).count(". ") <= 1
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("number", [np.int64, np.float32, np.float64, int, float])
def test_numbers_of_any_kind_are_taken(number):
    """NumPy's numbers start sliders and move them as Python's do."""
    here = lif_explorer(max_rate=number(200), input=number(1))
    there = lif_explorer(max_rate=200.0).compute(input=1.0)
    for view in (here.compute(), lif_explorer(max_rate=200).compute(input=number(1))):
        assert view.readouts == there.readouts
    assert '"max_rate", "values": [10.0' in describe(here)
    regressor = SpikingRegressor(max_rate=number(200), presentation_time=number(1))
    fitted = regression_explorer(regressor, IRIS.data, IRIS.target)
    assert fitted.start["max_rate"] == 200
    assert fitted.compute(sample=np.int8(3)).readouts["spikes"] > 0
    assert describe(fitted)


@pytest.mark.parametrize(
    "y",
    [np.full(50, 2.0), np.full(50, -1e-100), 1e16 + 2 * (np.arange(50) % 2)],
    ids=["constant", "constant and small", "constant but for a rounding"],
)
def test_regression_explorer_draws_constant_targets(y):
    """Its axes have a length, and matplotlib has nothing to warn of."""
    explorer = regression_explorer(SpikingRegressor(), IRIS.data, y)
    low, high = explorer.panels[0].y_limits
    assert low <= y.min() <= y.max() <= high
    assert low < high
    low, high = explorer.figure().axes[0].get_ylim()
    assert low < high
    assert explorer.compute().readouts["mspe"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("factory", "estimator"),
    [
        (regression_explorer, SpikingRegressor),
        (classification_explorer, SpikingClassifier),
    ],
)
@pytest.mark.parametrize(
    "settings",
    [{}, {"n_neurons": 3, "encoders": "random", "initial_voltage": "uniform"}],
    ids=["one neuron", "drawn neurons"],
)
def test_explorer_draws_from_no_generator_of_the_user(factory, estimator, settings):
    """A RandomState stays where it was, and gives what its seed gives."""
    mine, of_all = np.random.RandomState(3), np.random.mtrand._rand
    before = str(mine.get_state()), str(of_all.get_state())
    data = FLOWERS if estimator is SpikingRegressor else BABIES
    views = []
    for random_state in (mine, 3, None):
        given = estimator(random_state=random_state, **settings)
        view = factory(given, data["X"], data["y"]).compute()
        views.append(view.readouts)
    assert (str(mine.get_state()), str(of_all.get_state())) == before
    assert views[0] == views[1]


def test_image_explorer_names_classes_that_are_words(network):
    """A read-out may be a word, as classes are."""
    classifier, images, labels = copy.copy(network[0]), *network[1:]
    words = np.array(list("abcdefghij"))
    classifier.classes_ = words
    shown_as = repr(image_explorer(classifier, images, words[labels]))
    assert f"its label: {words[labels[0]]}" in shown_as


@each_kind
def test_faces_draw_from_no_generator_of_the_user(kind):
    """Making, computing and drawing leave the global generators where they were."""
    generators = np.random.get_state, random.getstate
    before = [repr(state()) for state in generators]
    explorer = make(kind)
    explorer.compute(max_rate=110.0)
    explorer.figure()
    explorer.html()
    assert [repr(state()) for state in generators] == before


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_slider_shows_what_fit_warns_of(kind):
    """A stop that no spike comes at is drawn, as the page draws it, with no warning."""
    settings = {"max_rate": 20.0, "presentation_time": 0.03, "synapse": 0.005}
    assert EXPLORERS(kind).compute(**settings).readouts["spikes"] == 0
    with pytest.warns(UserWarning, match="no spike comes"):
        make(kind, **settings)


def test_explorer_leaves_the_estimator_alone():
    """It neither fits nor changes what it was given."""
    regressor = SpikingRegressor(synapse=0.02)
    before = regressor.get_params()
    regression_explorer(regressor, IRIS.data, IRIS.target).compute(max_rate=50.0)
    assert regressor.get_params() == before
    assert not hasattr(regressor, "decoders_")


def shown(explorer, face, monkeypatch):
    """Return what the explorer displays with a face."""
    import IPython.display

    displayed = []
    monkeypatch.setenv("SNNLIB_EXPLORERS", face)
    monkeypatch.setattr(
        IPython.display, "display", lambda value, **_: displayed.append(value)
    )
    explorer._ipython_display_()
    (bundle,) = displayed
    return bundle


@each_kind
def test_html_asks_nothing_of_anybody(kind, monkeypatch):
    """The page's face names no address, and comes with a picture and a text."""
    bundle = shown(make(kind), "html", monkeypatch)
    assert bundle.keys() == {"text/html", "image/png", "text/plain"}
    html = bundle["text/html"]
    addresses = set(re.findall(r"https?://[^\"'\s]+", html))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert set(re.findall(r'src="(\w+:)', html)) == {"data:"}
    assert "<noscript><img alt=" in html


def test_html_takes_text_as_text():
    """Markup in names and questions does not become markup of the page."""
    hostile = "</script><b>&"
    explorer = regression_explorer(
        SpikingRegressor(), IRIS.data, IRIS.target, x_label=hostile, question=hostile
    )
    html = explorer.html()
    assert hostile not in html
    assert html.count("</script>") == 1


def parts(box):
    """Return sliders and buttons by what stands on them, and the picture's place."""
    found = {}
    for part in getattr(box, "children", ()):
        description = getattr(part, "description", "")
        found |= parts(part) | ({description: part} if description else {})
        if "<img" in str(getattr(part, "value", "")):
            found["stage"] = part
    return found


@each_kind
def test_widget_moves(kind, monkeypatch):
    """With a kernel, a moved slider changes picture and numbers; reset undoes it."""
    explorer = make(kind)
    widget = parts(shown(explorer, "widgets", monkeypatch))
    assert {control.name for control in explorer.controls} < widget.keys()
    stage = widget["stage"]
    before = stage.value
    widget["max_rate"].value = 200.0
    after = stage.value
    assert picture(before) != picture(after)
    assert before != after
    widget["Reset"].click()
    assert stage.value == before


def test_widget_jumps_to_presets_and_keeps_a_ghost(monkeypatch):
    """A preset is the state that it names; what is pinned is drawn below others."""
    explorer = make("lif")
    widget = parts(shown(explorer, "widgets", monkeypatch))
    start = picture(widget["stage"].value)
    widget["slow membrane"].click()
    assert widget["tau_rc"].value == 0.25
    over_start = picture(widget["stage"].value)
    widget["Pin this state"].click()
    assert picture(widget["stage"].value) != over_start
    assert picture(widget["stage"].value) == explorer._png(
        explorer.compute(tau_rc=0.25)
    )
    widget["Reset"].click()
    assert picture(widget["stage"].value) != start


def test_widget_says_why_nothing_is_drawn(monkeypatch):
    """An impossible setting leaves the picture, dimmed, below the estimators' words."""
    widget = parts(shown(make("lif"), "widgets", monkeypatch))
    before = widget["stage"].value
    widget["max_rate"].value = 600.0
    after = widget["stage"].value
    assert "must be below 1 / tau_ref = 500 Hz" in after
    assert picture(after) == picture(before)
    assert "opacity" in after
    assert "opacity" not in before


def test_text_is_all_that_a_sweep_keeps(monkeypatch):
    """Runs without figures show neither a slider nor a picture, but the numbers."""
    bundle = shown(make("lif"), "text", monkeypatch)
    assert bundle.keys() == {"text/plain"}
    assert bundle["text/plain"] == repr(make("lif"))


def test_unknown_face_is_refused(monkeypatch):
    """A misspelt variable does not silently choose a face."""
    with pytest.raises(ValueError, match=r"SNNLIB_EXPLORERS must be one of.*'htm'"):
        shown(make("lif"), "htm", monkeypatch)


def picture(html):
    """Return the picture in a piece of HTML."""
    return re.search(r'base64,([^"]+)', html)[1]


def random_values(kind, rng):
    """Return possible values, between the stops of the sliders and beyond."""
    tau_ref = rng.choice([0.0, 0.001, 0.002, 0.005])
    values = {
        "max_rate": rng.uniform(10, 0.95 / max(tau_ref, 0.002)),
        "tau_rc": rng.uniform(0.005, 0.25),
        "synapse": rng.choice([None, *rng.uniform(0.001, 1, size=4)]),
    }
    if kind == "lif":
        return values | {
            "tau_ref": tau_ref,
            "intercept": rng.uniform(-2, 0.9),
            "amplitude": rng.uniform(0.001, 2),
            "input": rng.uniform(-1, 1.5),
        }
    values |= {
        "presentation_time": rng.integers(30, 2000) / 1000,
        "readout": str(rng.choice(["mean", "last"])),
        "sample": int(rng.integers(0, 50)),
    }
    return values | ({"threshold": rng.uniform(-1, 1)} if kind != "regression" else {})


# A typed array would travel as something else than a list.
VIEW_OF = """([id, values]) => {
    const view = document.getElementById(id).snnlib.view(values);
    for (const part of Object.values(view.series || {})) {
        part.x = Array.from(part.x);
        part.y = Array.from(part.y);
    }
    return JSON.stringify(view);
}"""


def view_of(page, identity, values):
    """Return what an explorer computes in a page; as a string it travels fast."""
    return json.loads(page.evaluate(VIEW_OF, [identity, values]))


def plain(values):
    """Return values as JSON knows them."""
    return {k: v.item() if hasattr(v, "item") else v for k, v in values.items()}


@pytest.fixture
def embedded(browser):
    """Return a function that puts an explorer into an empty page."""
    context = browser.new_context(offline=True)
    page = context.new_page()

    def embed(explorer):
        page.set_content(explorer.html())
        return page, page.locator(".snnlib-explorer").get_attribute("id")

    yield embed
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("kind", "n_sets"), [("lif", 60), ("regression", 20), ("classification", 20)]
)
def test_javascript_computes_what_python_computes(kind, n_sets, embedded):
    """Random settings (seed 0): equal spikes, and all else within 1e-9 of its scale."""
    explorer = make(kind)
    page, identity = embedded(explorer)
    rng = np.random.default_rng(0)
    for _ in range(n_sets):
        values = plain(random_values(kind, rng))
        here = explorer.compute(**values)
        there = view_of(page, identity, explorer.start | values)
        assert there["readouts"]["spikes"] == here.readouts["spikes"], values
        for name, number in here.readouts.items():
            assert there["readouts"][name] == pytest.approx(number, rel=1e-9, abs=1e-9)
        assert there["series"].keys() == here.series.keys()
        for name, (x, y) in here.series.items():
            for ours, theirs in ((x, "x"), (y, "y")):
                ours = np.asarray(ours, dtype=float)
                theirs = np.array(there["series"][name][theirs], dtype=float)
                assert ours.shape == theirs.shape, (name, values)
                scale = max(1.0, np.abs(ours).max(initial=0))
                np.testing.assert_allclose(
                    theirs, ours, rtol=0, atol=1e-9 * scale, err_msg=f"{name} {values}"
                )


def random_neurons(n, min_voltage, rng):
    """Return neurons by their ``dt``, each a neuron type, a current and a start."""
    cases = {dt: [] for dt in (0.0005, 0.001, 0.002)}
    for _ in range(n):
        # Inhibited for half the steps, where the floor may lie below the start.
        current, start = rng.uniform(0.5, 30), rng.uniform(0, 1)
        current = current if min_voltage == 0 else rng.choice([-1, 1]) * current
        neuron_type = nengo.LIF(
            tau_rc=rng.uniform(0.005, 0.25),
            tau_ref=rng.uniform(0, 0.01),
            min_voltage=min_voltage,
            initial_state={"voltage": nengo.dists.Choice([start])},
        )
        cases[rng.choice([*cases])].append((neuron_type, current, start))
    return cases


def simulated(neurons, dt):
    """Let Nengo run neurons for 1,000 steps; return their spikes and voltages."""
    with nengo.Network() as network:
        probes = []
        for neuron_type, current, _ in neurons:
            # Nengo warns of a bias under which no input makes the neuron fire.
            ensemble = nengo.Ensemble(
                1, 1, gain=[1], bias=[1], encoders=[[1]], neuron_type=neuron_type
            )
            rest = nengo.Node(current - 1)
            nengo.Connection(rest, ensemble.neurons, synapse=None)
            spikes = nengo.Probe(ensemble.neurons)
            probes.append((spikes, nengo.Probe(ensemble.neurons, "voltage")))
    with nengo.Simulator(network, dt=dt, progress_bar=False) as simulator:
        simulator.run_steps(1000)
    return [[simulator.data[probe][:, 0] for probe in pair] for pair in probes]


@pytest.mark.browser
@pytest.mark.parametrize("min_voltage", [0, -1])
def test_javascript_neuron_spikes_as_nengo(min_voltage, browser):
    """60 random neurons (seed 1): every spike of 1,000 steps, the voltage to 1e-9."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_content(lif_explorer().html())
    cases = random_neurons(60, min_voltage, np.random.default_rng(1))
    for dt, neurons in cases.items():
        assert neurons
        for (neuron_type, current, start), (spikes, voltage) in zip(
            neurons, simulated(neurons, dt), strict=True
        ):
            neuron = {
                name: getattr(neuron_type, name) for name in ("tau_rc", "tau_ref")
            }
            # Without one, the floor is at 0.
            neuron |= {"min_voltage": min_voltage} if min_voltage else {}
            there = page.evaluate(
                """([current, dt, neuron, start]) => {
                    const run = snnlib.lif.simulate(
                        current, 1000, dt, neuron, start, true
                    );
                    return JSON.stringify([run.spikes, Array.from(run.voltage)]);
                }""",
                [float(current - 1 + 1), dt, neuron, start],
            )
            there = json.loads(there)
            assert there[0] == np.flatnonzero(spikes).tolist()
            np.testing.assert_allclose(there[1], voltage, rtol=0, atol=1e-9)
    context.close()


@pytest.mark.browser
def test_javascript_decodes_many_neurons(embedded):
    """Least squares over 20 neurons, uniform voltages: as the estimator solves it."""
    regressor = SpikingRegressor(20, initial_voltage="uniform", random_state=1)
    explorer = regression_explorer(regressor, IRIS.data, IRIS.target)
    page, identity = embedded(explorer)
    there = view_of(page, identity, explorer.start)
    here = explorer.compute()
    assert there["readouts"]["mspe"] == pytest.approx(here.readouts["mspe"], rel=1e-9)
    assert there["readouts"]["spikes"] == here.readouts["spikes"]


@pytest.mark.browser
@each_kind
def test_page_face_without_scripts_shows_the_picture(kind, browser):
    """Where scripts are off, the picture stands in for the panels."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.set_content(make(kind).html())
    image = page.locator(".snnlib-explorer img")
    assert image.is_visible()
    assert len(image.get_attribute("alt")) > 50
    context.close()


@pytest.mark.browser
@each_kind
def test_page_face_refuses_in_the_words_of_python(kind, embedded):
    """An impossible rate shows the estimator's message over the panels."""
    explorer = make(kind)
    page, identity = embedded(explorer)
    unfold(page)
    page.locator(f"#{identity}-max_rate").press("End")
    message = page.locator(".snnlib-refusal")
    assert message.is_visible()
    with pytest.raises(ValueError, match="must be below") as refused:
        explorer.compute(max_rate=600.0)
    assert message.text_content() == str(refused.value)
    page.get_by_role("button", name="Reset").click()
    assert not message.is_visible()


@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dt": 0.005},
        {"dt": 0.1, "max_rate": 9, "presentation_time": 2},
        {"tau_ref": 0, "dt": 0.003},
        {"tau_rc": 0.001, "max_rate": 300, "intercept": -1},
        {"tau_rc": 1e-5, "max_rate": 499.999, "intercept": 0.9999999},
        {"tau_ref": 0.0033333333, "tau_rc": 0.0027},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_page_face_refuses_what_python_refuses(settings, embedded):
    """At every stop of every slider, word for word; the other stops are drawn."""
    regressor = SpikingRegressor(**settings)
    explorer = regression_explorer(regressor, IRIS.data, IRIS.target)
    page, identity = embedded(explorer)
    stops = [
        explorer.start | {control.name: value}
        for control in explorer.controls
        for value in (control.values if control.name != "sample" else [])
    ]
    there = page.evaluate(
        """([id, all]) => {
            const explorer = document.getElementById(id).snnlib;
            return all.map((values) => explorer.view(values).refusal);
        }""",
        [identity, stops],
    )
    here = []
    for values in stops:
        own = {k: float(v) for k, v in settings.items() if k not in values}
        named = {k: v for k, v in values.items() if k != "sample"} | own
        try:
            SpikingRegressor(**named).check_parameters()
            here.append(None)
        except ValueError as error:
            here.append(str(error))
    assert there == here
    assert len(stops) - here.count(None) >= 10


@pytest.mark.browser
def test_page_face_rounds_steps_as_python(embedded):
    """12.5 steps are 12, for Python rounds halves to the even number."""
    regressor = SpikingRegressor(dt=0.004, tau_ref=0.004)
    explorer = regression_explorer(regressor, IRIS.data, IRIS.target)
    page, identity = embedded(explorer)
    for presentation_time in (0.03, 0.05, 0.0305, 0.054, 0.058):
        values = explorer.start | {"presentation_time": presentation_time}
        there = view_of(page, identity, values)
        here = explorer.compute(presentation_time=presentation_time)
        x, _ = here.series["output.filtered"]
        assert len(there["series"]["output.filtered"]["x"]) == len(x)
        assert there["readouts"]["mspe"] == pytest.approx(here.readouts["mspe"])


@pytest.mark.browser
@pytest.mark.parametrize(
    "y", [np.full(50, 2.0), 1e16 + 2 * (np.arange(50) % 2)], ids=["constant", "nearly"]
)
def test_page_face_draws_constant_targets(y, embedded):
    """No axis has a length of 0, and none is too fine to be counted along."""
    explorer = regression_explorer(SpikingRegressor(), IRIS.data, y)
    page, identity = embedded(explorer)
    for drawing in page.locator(f"#{identity} svg").all():
        assert "NaN" not in drawing.inner_html()
        assert 1 < drawing.locator(".y-tick").count() < 20


@pytest.mark.browser
def test_page_face_has_all_settings_of_the_neuron(embedded):
    """What the estimator's neuron is set to is what the page simulates."""
    regressor = SpikingRegressor(
        3, min_voltage=-1, amplitude=0.5, tau_ref=0.003, random_state=0
    )
    explorer = regression_explorer(regressor, IRIS.data, IRIS.target)
    page, identity = embedded(explorer)
    there = view_of(page, identity, explorer.start)
    here = explorer.compute()
    assert there["readouts"] == pytest.approx(here.readouts, rel=1e-9)
    neuron = explorer._data()["neuron"]
    assert neuron == Lif(**{name: getattr(regressor, name) for name in neuron}).settings


def explorer_like(page, identity):
    """Return the Python explorer that starts where one of the page's does."""
    kind = identity.split("-")[2]
    start = page.evaluate("id => document.getElementById(id).snnlib.values()", identity)
    free = ("sample", "threshold") if kind != "lif" else ()
    return make(kind, **{k: v for k, v in start.items() if k not in free})


def state(page, identity):
    """Return values, drawing and numbers of an explorer in the page."""
    return page.evaluate(
        """id => {
            const root = document.getElementById(id);
            const numbers = {};
            for (const dd of root.querySelectorAll("[data-readout]")) {
                numbers[dd.dataset.readout] = Number(dd.dataset.value);
            }
            const panels = [...root.querySelectorAll("svg")];
            const drawn = panels.map((svg) => svg.innerHTML).join();
            return {values: root.snnlib.values(), drawn: drawn, numbers: numbers};
        }""",
        identity,
    )


def readouts_near(explorer, values):
    """Yield Python's read-outs at the values, and a rounding error to either side.

    Processors round log1p in their own ways. Where a spike falls on the edge of a step,
    that moves it by a whole step, in Python or in the page.
    """
    for nudge in (0.0, 1e-12, -1e-12, 1e-9, -1e-9):
        near = {**values, "max_rate": values["max_rate"] * (1 + nudge)}
        yield explorer.compute(**near).readouts


@pytest.mark.browser
@pytest.mark.parametrize(
    "lesson",
    [
        "01_lif_neuron",
        "02_spikes_to_numbers",
        "03b_deep_spiking",
        "04_linear_regression",
        "05_logistic_regression",
    ],
)
def test_sliders_of_the_lesson_move(lesson, browser, book):
    """From a file and offline, every slider moves figure or numbers, as in Python."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((book / "notebooks" / f"{lesson}.html").as_uri())
    identities = page.eval_on_selector_all(
        ".snnlib-explorer", "all => all.map(e => e.id)"
    )
    assert identities
    for identity in identities:
        explorer = explorer_like(page, identity)
        unfold(page)
        for move in (move_by_key, move_by_mouse):
            for slider in page.locator(f"#{identity} input[type=range]").all():
                before = state(page, identity)
                move(slider)
                after = state(page, identity)
                name = slider.get_attribute("id").split("-")[-1]
                assert after["values"][name] != before["values"][name]
                assert after["drawn"] != before["drawn"], name
                assert any(
                    {name: after["numbers"][name] for name in here}
                    == pytest.approx(here, rel=1e-6, abs=1e-9)
                    for here in readouts_near(explorer, after["values"])
                ), after
            page.locator(f"#{identity}").get_by_role("button", name="Reset").click()
            assert state(page, identity)["values"] == explorer.start
    context.close()


def unfold(page):
    """Open all that is folded away in a page, sliders among it."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


def move_by_key(slider):
    """Move a slider by one stop."""
    slider.press("ArrowLeft")


def move_by_mouse(slider):
    """Move a slider to near its left end, or away from there."""
    share = slider.evaluate("e => e.value / e.max")
    box = slider.bounding_box()
    x = (0.05 if share > 0.12 else 0.4) * box["width"]
    slider.click(position={"x": x, "y": box["height"] / 2})


# What a frame of 16 ms has room for: some 3,000,000 logarithms, as a neuron takes them.
A_FRAME = """() => {
    const began = performance.now();
    let sum = 0;
    for (let i = 2; i < 3000000; i++) sum += Math.log1p(-1 / i);
    return performance.now() - began + 0 * sum;
}"""


@pytest.mark.browser
@pytest.mark.timing
@each_kind
def test_page_face_redraws_within_a_frame(kind, embedded):
    """The median of 30 redraws, each against what the machine does in a frame."""
    page, identity = embedded(make(kind))
    unfold(page)
    slider = page.locator(f"#{identity}-tau_rc")
    shares = []
    for key in ["ArrowRight"] * 5 + ["ArrowLeft"] * 10 + ["ArrowRight"] * 15:
        frame = page.evaluate(A_FRAME)
        slider.press(key)
        redraw = page.locator(f"#{identity}").get_attribute("data-redraw-ms")
        shares.append(float(redraw) / frame)
    assert np.median(shares) < 1


@pytest.mark.browser
@each_kind
def test_page_face_is_usable_without_sight(kind, embedded):
    """Sliders have labels and values in words, and changes are announced."""
    page, identity = embedded(make(kind))
    unfold(page)
    sliders = page.locator(f"#{identity} [type=range], #{identity} select").all()
    assert sliders
    for slider in sliders:
        name = slider.get_attribute("id").split("-")[-1]
        assert page.get_by_label(name, exact=True).count() == 1
    slider = page.locator(f"#{identity}-max_rate")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "110 Hz"
    page.wait_for_function(
        "id => document.querySelector(`#${id} .snnlib-spoken`).textContent",
        arg=identity,
    )
    for drawing in page.locator(f"#{identity} svg").all():
        assert drawing.get_attribute("role") == "img"
        assert len(drawing.get_attribute("aria-label")) > 40

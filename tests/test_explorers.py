"""Explorers show what Nengo and the estimators compute, with a kernel and without."""

import re

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
        (lambda: lif_explorer(tau_rc=-1), ValueError, r"'tau_rc'.*\(0\.0, inf\).*-1"),
        (lambda: lif_explorer(input=None), ValueError, "input must be a finite number"),
        (
            lambda: regression_explorer(SpikingRegressor(), BIRTHS.data, BIRTHS.target),
            ValueError,
            "X must hold one feature.*got 7",
        ),
        (
            lambda: regression_explorer(
                SpikingRegressor(method="gradient"), IRIS.data, IRIS.target
            ),
            ValueError,
            "regressor.method must be \"nef\".*'gradient'",
        ),
        (
            lambda: classification_explorer(
                SpikingClassifier(), IRIS.data, np.round(IRIS.target * 10)
            ),
            ValueError,
            "y must hold 2 classes.*got 6",
        ),
        (
            lambda: image_explorer(SpikingConvClassifier(), np.zeros((2, 4)), [1]),
            ValueError,
            "one label for each image.*got 1 for 2",
        ),
    ],
)
def test_explorers_refuse(call, error, message):
    """What cannot be shown is refused in words that name it."""
    with pytest.raises(error, match=message):
        call()


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


@each_kind
def test_widget_moves(kind, monkeypatch):
    """With a kernel, a moved slider changes picture and numbers; reset undoes it."""
    box = shown(make(kind), "widgets", monkeypatch)
    controls, stage = box.children[1].children, box.children[2]
    sliders = {control.description: control for control in controls}
    before = stage.value
    sliders["max_rate"].value = 200.0
    after = stage.value
    assert picture(before) != picture(after)
    assert before != after
    sliders["Reset"].click()
    assert stage.value == before


def test_widget_says_why_nothing_is_drawn(monkeypatch):
    """An impossible setting shows the estimators' words in place of the picture."""
    box = shown(make("lif"), "widgets", monkeypatch)
    sliders = {control.description: control for control in box.children[1].children}
    sliders["max_rate"].value = 600.0
    assert "must be below 1 / tau_ref = 500 Hz" in box.children[2].value
    assert "<img" not in box.children[2].value


def test_unknown_face_is_refused(monkeypatch):
    """A misspelt variable does not silently choose a face."""
    with pytest.raises(ValueError, match=r"SNNLIB_EXPLORERS must be one of.*'htm'"):
        shown(make("lif"), "htm", monkeypatch)


def picture(html):
    """Return the picture in a piece of HTML."""
    return re.search(r'base64,([^"]+)', html)[1]

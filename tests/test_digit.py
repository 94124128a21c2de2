"""The explorer of a drawn digit: what the page shows is what the network does."""

import base64
import copy
import json
import math
import re

import explorers
import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from scipy.ndimage import center_of_mass
from test_explorers import A_FRAME

import snnlib.explorers._digit as module
from snnlib import (
    DataUnavailableError,
    SpikingConvClassifier,
    digit_explorer,
    load_digits28,
    lowpass,
    network_cost,
    results_path,
)
from snnlib.explorers._network import decode_weights, encode_network

PHONE = {"width": 390, "height": 844}


def trained():
    """Return the committed network."""
    return SpikingConvClassifier.load(results_path("mnist_lif.npz"))


@pytest.fixture(scope="module")
def digits():
    """Return scikit-learn's digits, of MNIST's size, and their labels."""

    def unavailable(**_):
        msg = "not here"
        raise DataUnavailableError(msg)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fetch_mnist", unavailable)
        return module._test_digits()


@pytest.fixture(scope="module")
def explorer(digits):
    """Return the explorer of the committed network."""
    return digit_explorer(trained(), *digits)


@pytest.fixture(scope="module")
def small():
    """Return a small trained network and another one for the same images."""
    data = load_digits28()
    networks = [
        SpikingConvClassifier(
            "4C3S2-AP2", max_rate=200, n_epochs=1, random_state=seed, verbose=0
        ).fit(data.data[:200], data.target[:200])
        for seed in (0, 1)
    ]
    return *networks, data.data[:20], data.target[:20]


def test_digits_at_hand_are_such_as_mnist_has(digits):
    """Without MNIST, they have its size and margin, and the network knows most."""
    images, labels = digits
    assert images.shape == (20, 28, 28)
    assert not images[:, [0, 1, 2, 3, -4, -3, -2, -1]].any()
    assert module._box(images) == 20
    assert sorted(labels) == sorted([*range(10)] * 2)
    assert trained().score(images, labels) > 0.6


def test_compute_decides_as_the_classifier(explorer, digits):
    """Decision, spikes and the step of the decision follow from the classifier."""
    images, _ = digits
    network = trained()
    network.weights_ = decode_weights(encode_network(network))
    shown = np.rint(255 * images).astype(np.float32) / 255
    for changes in ({}, {"initial_voltage": "dither", "synapse": None}):
        changed = copy.copy(network).set_params(**changes)
        run = changed.simulate(shown[:4])
        for sample in range(4):
            found = explorer.compute(sample=sample, **changes).readouts
            assert found["decision"] == changed.predict(shown[[sample]])[0]
            assert found["spikes"] == run.spike_counts[sample].sum()
            after = [
                changed.decide(run.output[[sample], : n + 1]).argmax()
                for n in range(30)
            ]
            settled = found["settled"]
            assert {*after[settled - 1 :]} == {found["decision"]}
            assert settled == 1 or after[settled - 2] != found["decision"]


def test_compute_says_when_nothing_arrives(explorer):
    """Outputs that no spike has reached decide nothing, though one is the largest."""
    view = explorer.compute(max_rate=50.0, presentation_time=0.02)
    assert view.readouts["decision"] == view.readouts["settled"] == "none"
    assert view.readouts["additions"] < 10_000
    assert "decision: none" in explorer._text(view)


def test_slow_neurons_decide_later(explorer):
    """What the explorer asks about, and what the lesson says of it, is so."""
    views = [
        [explorer.compute(sample=sample, **changes) for sample in range(20)]
        for changes in ({}, {"max_rate": 50.0})
    ]
    paper, slow = ([view.readouts for view in each] for each in views)
    for before, after in zip(paper, slow, strict=True):
        # Half the rate is less than half the spikes.
        assert after["spikes"] < before["spikes"] / 2
        last = np.inf if after["settled"] == "none" else after["settled"]
        assert last > before["settled"]
    short = {"max_rate": 50.0, "presentation_time": 0.025}
    heard = [
        explorer.compute(sample=sample, **short).series["spikes.last"][1].sum()
        for sample in range(20)
    ]
    assert np.median(heard) < 5
    # 1 / max_rate moves no spike of the first layer, and so brings none earlier.
    larger = explorer.compute(max_rate=50.0, amplitude=0.02).series["spikes.before"][1]
    first = explorer.compute(max_rate=50.0).series["spikes.before"][1]
    np.testing.assert_array_equal(larger[:, 0], first[:, 0])


def test_counters_count_as_neurobench(explorer, digits):
    """Additions and multiplications are those of ``network_cost``, zeros and all."""
    network = trained()
    assert all(weight.all() for weight in network.weights_)
    image = np.rint(255 * digits[0][:1]).astype(np.float32) / 255
    cost = network_cost(network, image, fold_pools=True)
    found = explorer.compute().readouts
    # The page's weights are rounded, which moves a few spikes.
    assert found["additions"] == pytest.approx(cost.effective_acs, rel=0.02)
    assert found["multiplications"] == cost.layers[0].effective_macs / 30
    dense = network_cost(network, image).dense / 30
    assert found["dense"] == dense == 18_216_320


def test_page_takes_less_than_300_kilobytes(explorer):
    """Weights, digits, scripts and the picture for who has no scripts."""
    assert len(explorer.html().encode()) < 300_000


def test_html_asks_nothing_of_anybody(explorer, monkeypatch):
    """No address is named, and markup in a text stays text."""
    html = explorer.html()
    assert set(re.findall(r"https?://[^\"'\s]+", html)) == set()
    assert set(re.findall(r'src="(\w+:)', html)) == {"data:"}
    hostile = "</script><b>&"
    networks = {hostile: {"max_rate": 50.0}}
    html = digit_explorer(question=hostile, answer=hostile, presets=networks).html()
    assert hostile not in html
    assert html.count("</script>") == 3
    import IPython.display

    displayed = []
    monkeypatch.setattr(
        IPython.display, "display", lambda value, **_: displayed.append(value)
    )
    for face in ("html", "widgets", "text"):
        monkeypatch.setenv("SNNLIB_EXPLORERS", face)
        explorer._ipython_display_()
    of_book, of_kernel, of_sweep = displayed
    assert "image/png" in of_book
    # With a kernel too, the page is what can be drawn on.
    assert "snnlib-digit" in of_kernel["text/html"]
    assert of_sweep.keys() == {"text/plain"}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"classifier": 3}, ValueError, r"classifier must be a Spiking.*got 3"),
        (
            {"classifier": SpikingConvClassifier()},
            ValueError,
            r"classifier must be fitted, by fit or load; got one that is not",
        ),
        ({"labels": [1]}, ValueError, r"labels must hold one label.*got 1 for 20"),
        ({"labels": None}, ValueError, r"labels must hold one label.*got shape \(\)"),
        ({"images": None}, ValueError, r"labels must hold one label.*got 20 for 0"),
        ({"labels": [11] * 20}, ValueError, r"labels must be classes of.*got 11"),
        ({"sliders": ["rate"]}, TypeError, r"no slider 'rate'; choose from"),
        ({"presets": {"a": {"rate": 1}}}, TypeError, r"no slider 'rate'; choose"),
        ({"sliders": 5}, ValueError, r"sliders must be one or more names.*got 5"),
        ({"sliders": "synapse"}, ValueError, r"sliders must be one .*got 'synapse'"),
        ({"sliders": [["tau_rc"]]}, TypeError, r"no slider \['tau_rc'\]; choose"),
        ({"presets": [1]}, ValueError, r"presets must be a mapping.*got \[1\]"),
        ({"presets": {3: {}}}, ValueError, r"presets must be text; got 3"),
        ({"classifier": np.ones(2)}, ValueError, r"classifier must be a Spik.*array"),
        (
            {"labels": np.ma.masked_array([1] * 20, [True] * 20)},
            ValueError,
            r"labels must be without missing values",
        ),
        ({"presets": {"a": 3}}, ValueError, r"presets\['a'\] must be a Spik.*got 3"),
        (
            {"presets": {"a": {"max_rate": -1}}},
            ValueError,
            r"'max_rate' parameter .*Got -1",
        ),
        (
            {"presets": {"a": SpikingConvClassifier()}},
            ValueError,
            r"presets\['a'\] must be fitted, by fit or load; got one that is not",
        ),
        ({"question": 3}, ValueError, r"question must be text or None; got 3"),
    ],
    ids=str,
)
def test_digit_explorer_refuses(changes, error, message, small):
    """By name, with what was got, before anything is simulated."""
    classifier, _, images, labels = small
    given = {"classifier": classifier, "images": images, "labels": labels, **changes}
    with pytest.raises(error, match=message):
        digit_explorer(**given)


def test_digit_explorer_refuses_other_images(small):
    """A digit is square and of one colour, as many as a page has room for."""
    classifier, other, images, labels = small
    wide = copy.copy(classifier)
    wide.image_shape_ = (14, 56, 1)
    with pytest.raises(ValueError, match=r"square images of one channel.*14, 56, 1"):
        digit_explorer(wide, np.reshape(images, (-1, 14, 56)), labels)
    with pytest.raises(ValueError, match=r"images must be at most 50; got 60"):
        digit_explorer(classifier, np.tile(images, (3, 1)), np.tile(labels, 3))
    strange = copy.copy(other)
    strange.classes_ = other.classes_ + 1
    with pytest.raises(ValueError, match=r"presets\['b'\] must be for the images and"):
        digit_explorer(classifier, images, labels, presets={"b": strange})


def arc(x, y, width, height, start, end):
    """Return points of an ellipse around x and y, between two angles in degrees."""
    angles = [math.radians(start + (end - start) * i / 24) for i in range(25)]
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


# Ten digits as strokes, on a pad that is 1 wide and 1 high.
STROKES = {
    0: [arc(0.5, 0.5, 0.2, 0.3, -90, 270)],
    1: [[(0.55, 0.2), (0.48, 0.8)]],
    2: [[*arc(0.5, 0.35, 0.18, 0.16, 180, 390), (0.3, 0.8), (0.72, 0.78)]],
    3: [
        arc(0.48, 0.34, 0.17, 0.15, -150, 90) + arc(0.48, 0.65, 0.2, 0.16, -90, 140),
    ],
    4: [[(0.35, 0.2), (0.3, 0.52), (0.7, 0.5)], [(0.62, 0.25), (0.6, 0.8)]],
    5: [
        [(0.66, 0.2), (0.4, 0.2), (0.37, 0.45), *arc(0.48, 0.6, 0.18, 0.18, -110, 130)]
    ],
    6: [[(0.6, 0.18), (0.42, 0.4), *arc(0.5, 0.65, 0.16, 0.16, 180, 540)]],
    7: [[(0.3, 0.25), (0.7, 0.22), (0.62, 0.4), (0.45, 0.82)]],
    8: [arc(0.5, 0.34, 0.14, 0.14, 90, -270) + arc(0.5, 0.65, 0.17, 0.17, -90, 270)],
    9: [[*arc(0.5, 0.36, 0.15, 0.15, 0, -360), (0.64, 0.55), (0.58, 0.82)]],
}
HTML = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
    "<body><main><h1>A page</h1>{}</main></body></html>"
)


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that opens an explorer's page from a file, with no network."""
    contexts = []

    def visit_(content, **options):
        (tmp_path / "page.html").write_text(HTML.format(content), encoding="utf-8")
        options = {"reduced_motion": "reduce", "viewport": None, **options}
        options["viewport"] = options["viewport"] or {"width": 1000, "height": 1100}
        contexts.append(browser.new_context(offline=True, **options))
        # Two cores may have much else to do.
        contexts[-1].set_default_timeout(120_000)
        page = contexts[-1].new_page()
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda it: page.problems.append(it.text))
        page.goto((tmp_path / "page.html").as_uri())
        return page

    yield visit_
    for context in contexts:
        context.close()


def wait_for_run(page):
    """Wait until what is shown has been computed to its end and drawn."""
    page.wait_for_selector("[data-run-ms]")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")


def draw(page, strokes, scale=1.0, move=(0.0, 0.0)):
    """Draw strokes with the mouse."""
    box = page.locator(".snnlib-pad").bounding_box()
    for stroke in strokes:
        points = [
            (
                box["x"] + box["width"] * (move[0] + scale * x),
                box["y"] + box["height"] * (move[1] + scale * y),
            )
            for x, y in stroke
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point)
        page.mouse.up()
    wait_for_run(page)


def read(page):
    """Return the numbers that an explorer shows, by name."""
    wait_for_run(page)
    found = page.eval_on_selector_all(
        "[data-readout]",
        "all => all.map(e => [e.dataset.readout, e.dataset.value])",
    )
    return {name: value if value == "none" else float(value) for name, value in found}


def image_of(page):
    """Return the image that the network sees."""
    script = "Array.from(document.querySelector('.snnlib-digit').snnlib.image())"
    return np.reshape(page.evaluate(script), (28, 28))


def press(page, name):
    """Press a button."""
    page.get_by_role("button", name=name, exact=True).click()


@pytest.mark.browser
def test_drawn_digits_are_read(explorer, visit):
    """Each of ten, drawn with the mouse: spikes in each layer, and the right decision.

    Small or large, the network sees it as large as MNIST's digits, its centre of mass
    in the middle.
    """
    page = visit(explorer.html())
    for digit, strokes in STROKES.items():
        for scale, move in ((1.0, (0.0, 0.0)), (0.4, (0.5, 0.1))):
            press(page, "Clear")
            draw(page, strokes, scale, move)
            found = read(page)
            assert found["decision"] == digit
            assert 1 < found["settled"] <= 30
            assert found["spikes"] > 1000
            assert 0 < found["multiplications"] < found["additions"] < found["dense"]
            image = image_of(page)
            assert center_of_mass(image) == pytest.approx((14, 14), abs=0.25)
            rows, columns = (np.flatnonzero((image > 0.1).any(axis=a)) for a in (1, 0))
            assert max(np.ptp(rows), np.ptp(columns)) + 1 in {20, 21}
    maps = page.locator(".snnlib-maps > div").all_inner_texts()
    assert len(maps) == 4
    for text in maps[1:]:
        assert int(re.search(r"([\d,]+).spikes", text)[1].replace(",", "")) > 0
    leads = page.locator(".snnlib-race .leads").inner_text()
    assert int(leads) == 9
    assert page.problems == []


@pytest.mark.browser
def test_slow_neurons_bring_little_and_late(explorer, visit):
    """The same digit at 50 Hz: fewer spikes, a late decision, and none in 20 steps."""
    page = visit(explorer.html())
    draw(page, STROKES[3])
    paper = read(page)
    press(page, "50 Hz")
    slow = read(page)
    assert slow["spikes"] < paper["spikes"] / 4
    assert slow["settled"] == "none" or slow["settled"] > paper["settled"] + 5
    press(page, "1 / max_rate")
    assert read(page)["settled"] == "none" or read(page)["settled"] > paper["settled"]
    steps = page.get_by_label("presentation_time")
    while steps.get_attribute("aria-valuetext") != "20 steps":
        steps.press("ArrowLeft")
    nothing = read(page)
    assert nothing["decision"] == nothing["settled"] == "none"
    assert page.locator(".snnlib-verdict").get_by_text("No spike arrives").count() == 1
    press(page, "Reset")
    assert read(page) == paper


@pytest.mark.browser
def test_page_shows_what_python_computes(explorer, visit):
    """Test digits and settings: decision, its step, spikes and counters."""
    page = visit(explorer.html())
    states = {
        "the paper": {},
        "50 Hz": {"max_rate": 50.0},
        "1 / max_rate": {"max_rate": 50.0, "amplitude": 0.02},
    }
    for sample in (0, 3, 11):
        page.get_by_role("radio").nth(sample).check(force=True)
        for name, values in states.items():
            press(page, name)
            there, here = read(page), explorer.compute(sample=sample, **values).readouts
            assert there["decision"] == here["decision"]
            assert there["settled"] == here["settled"]
            for number in ("spikes", "additions"):
                assert there[number] == pytest.approx(here[number], rel=2e-4)
            for number in ("multiplications", "dense"):
                assert there[number] == here[number]
    page.get_by_label("initial_voltage").select_option("uniform")
    values = {"max_rate": 50.0, "amplitude": 0.02, "initial_voltage": "uniform"}
    here = explorer.compute(sample=11, **values).readouts
    assert read(page)["spikes"] == pytest.approx(here["spikes"], rel=2e-4)
    pressed = page.locator("[aria-pressed=true]")
    assert pressed.count() == 0


@pytest.mark.browser
def test_keyboard_is_enough(explorer, visit):
    """Tab, arrows, Space and Enter take digits, presets, sliders and steps."""
    page = visit(explorer.html())
    wait_for_run(page)
    page.get_by_role("radio").nth(0).focus()
    page.keyboard.press("ArrowRight")
    wait_for_run(page)
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == (
        "test digit 2, a 1"
    )
    assert read(page)["decision"] == 1
    said = page.locator(".snnlib-spoken").inner_text()
    assert re.fullmatch(r"It says 1, settled at step \d+ of 30; [\d,]+ spikes\.", said)
    # From the digits, Tab leads over the steps to the buttons.
    names = []
    for _ in range(9):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.innerText.split('\\n')[0]"))
    assert names[1:3] == ["Play", "Step"]
    assert names[4:8] == ["the paper", "50 Hz", "1 / max_rate", "Reset"]
    page.get_by_role("button", name="50 Hz").press("Enter")
    assert read(page)["settled"] == "none" or read(page)["settled"] > 20
    slider = page.get_by_label("max_rate")
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "60 Hz"
    wait_for_run(page)
    time = page.get_by_label("step", exact=True)
    assert time.get_attribute("aria-valuetext").startswith("step 30 of 30: ")
    time.press("Home")
    page.wait_for_function("document.querySelector('.snnlib-time input').value === '1'")
    page.get_by_role("button", name="Step").press("Space")
    page.wait_for_function("document.querySelector('.snnlib-time input').value === '2'")
    for control in page.locator(".snnlib-digit").locator("input, select, button").all():
        name = control.evaluate(
            "e => e.ariaLabel || e.labels?.[0]?.innerText || e.innerText"
        )
        assert name.strip()


@pytest.mark.browser
def test_motion_is_for_those_who_want_it(explorer, visit):
    """A run plays from its first step; with less motion it stands at its last."""
    page = visit(explorer.html())
    wait_for_run(page)
    time = page.get_by_label("step", exact=True)
    assert time.input_value() == "30"
    assert page.get_by_role("button", name="Play", exact=True).count() == 1
    moving = visit(explorer.html(), reduced_motion="no-preference")
    moving.get_by_role("button", name="Pause").wait_for()
    time = moving.get_by_label("step", exact=True)
    seen = []
    for _ in range(3):
        seen.append(int(time.input_value()))
        moving.wait_for_function(
            "n => document.querySelector('.snnlib-time input').value > n", arg=seen[-1]
        )
    assert seen == sorted(seen)
    assert seen[0] < 30
    press(moving, "Pause")
    stopped = time.input_value()
    moving.wait_for_timeout(300)
    assert time.input_value() == stopped
    moving.get_by_label("speed").select_option("fast")
    press(moving, "Play")
    moving.wait_for_function(
        "document.querySelector('.snnlib-time input').value === '30'"
    )
    moving.get_by_role("button", name="Play", exact=True).wait_for()


@pytest.mark.browser
def test_maps_show_the_spikes(explorer, visit):
    """A neuron that spikes in the step that is shown is drawn in full, others pale."""
    page = visit(explorer.html())
    wait_for_run(page)
    for step in (15, 30):
        time = page.get_by_label("step", exact=True)
        time.fill(str(step))
        page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
        bright, spikes = page.evaluate(
            """(step) => {
                const canvases = [...document.querySelectorAll("canvas.snnlib-map")];
                const record = document.querySelector(".snnlib-digit").snnlib.record();
                const bright = canvases.map(function (canvas) {
                    const { width, height } = canvas;
                    const context = canvas.getContext("2d");
                    const { data } = context.getImageData(0, 0, width, height);
                    let n = 0;
                    for (let i = 3; i < data.length; i += 4) n += data[i] === 255;
                    return n;
                });
                return [bright, Array.from(record.counts[step - 1])];
            }""",
            step,
        )
        assert bright == spikes
        assert sum(spikes) > 0
        labels = page.locator("canvas.snnlib-map").evaluate_all(
            "all => all.map((canvas) => canvas.ariaLabel)"
        )
        assert labels[0] == (
            f"Spikes of layer 1 in step {step}: {spikes[0]:,} of 21,632 neurons"
        )


@pytest.mark.browser
@pytest.mark.parametrize("pointer", ["touch", "pen"])
def test_finger_and_pen_draw(pointer, explorer, visit):
    """What is no mouse draws too, and the page does not scroll under it."""
    page = visit(explorer.html(), viewport=PHONE, has_touch=True)
    pad = page.locator(".snnlib-pad")
    pad.scroll_into_view_if_needed()
    wait_for_run(page)
    box = pad.bounding_box()
    scrolled = page.evaluate("scrollY")
    session = page.context.new_cdp_session(page)
    points = [
        {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        for x, y in STROKES[7][0]
    ]
    if pointer == "touch":
        kinds = ["touchStart"] + ["touchMove"] * (len(points) - 1)
        for kind, point in zip(kinds, points, strict=True):
            arguments = {"type": kind, "touchPoints": [point]}
            session.send("Input.dispatchTouchEvent", arguments)
        end = {"type": "touchEnd", "touchPoints": []}
        session.send("Input.dispatchTouchEvent", end)
    else:
        kinds = ["mousePressed"] + ["mouseMoved"] * (len(points) - 1)
        event = {"button": "left", "clickCount": 1, "pointerType": "pen"}
        for kind, point in zip(
            [*kinds, "mouseReleased"], [*points, points[-1]], strict=True
        ):
            arguments = {"type": kind, "buttons": 1, **event, **point}
            session.send("Input.dispatchMouseEvent", arguments)
    page.wait_for_function("!document.querySelector('.snnlib-picks input:checked')")
    assert read(page)["decision"] == 7
    assert page.evaluate("scrollY") == scrolled


@pytest.mark.browser
def test_pad_can_be_cleared_and_takes_a_dot(explorer, visit):
    """Nothing runs without ink; a dot is ink, and stays a dot."""
    page = visit(explorer.html())
    wait_for_run(page)
    press(page, "Clear")
    page.get_by_text("Draw a digit.", exact=True).wait_for()
    assert page.locator(".snnlib-picks input:checked").count() == 0
    assert page.get_by_role("button", name="Play").is_disabled()
    draw(page, [[(0.2, 0.8)]])
    image = image_of(page)
    assert 0 < (image > 0.1).sum() < 20
    assert center_of_mass(image) == pytest.approx((14, 14), abs=0.25)


@pytest.mark.browser
def test_preset_brings_its_own_network(small, visit):
    """Its weights and its settings, those without a slider too."""
    classifier, other, images, labels = small
    other = copy.copy(other).set_params(readout="mean", presentation_time=0.017)
    presets = {"mine": {}, "other": other}
    page = visit(digit_explorer(classifier, images, labels, presets=presets).html())
    for name, network in (("other", other), ("mine", classifier)):
        press(page, name)
        expected = digit_explorer(network, images, labels).compute().readouts
        found = read(page)
        assert found["spikes"] == pytest.approx(expected["spikes"], rel=2e-3)
        assert found["decision"] == expected["decision"]
        assert page.locator("[aria-pressed=true]").all_inner_texts() == [name]
        steps = page.get_by_label("presentation_time").get_attribute("aria-valuetext")
        assert steps == f"{round(network.presentation_time / 0.001)} steps"
    assert page.problems == []


@pytest.mark.browser
def test_address_holds_the_settings(small, visit):
    """A link in the text sets sliders and network; what is moved joins the address."""
    network, other, images, labels = small
    explorer = digit_explorer(network, images, labels, presets={"other": other})
    body = explorer.html()
    identity = re.search(r'id="(snnlib-explorer-[\w-]+)"', body)[1]
    link = f'<a id="prose" href="#{identity}?max_rate=50&amp;synapse=none">50 Hz</a>'
    page = visit(body + link)
    values = "document.querySelector('.snnlib-digit').snnlib.values()"
    start = page.evaluate(values)
    page.locator("#prose").click()
    assert page.evaluate(values) == start | {"max_rate": 50, "synapse": None}
    press(page, "other")
    page.wait_for_function("location.hash.includes('network=1')")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_function("document.querySelector('[aria-pressed=true]')")
    assert page.get_by_role("button", name="other").get_attribute("aria-pressed")
    press(page, "Reset")
    page.wait_for_function("location.hash.endsWith('?')")
    assert page.evaluate(values) == start
    page.goto(f"{page.url}max_rate=fast")
    assert page.evaluate(values) == start
    assert page.problems == []


@pytest.mark.browser
def test_page_refuses_in_the_words_of_python(small, visit):
    """What no neuron can meet is said, and what was shown stays, paled."""
    classifier, _, images, labels = small
    slow = copy.copy(classifier).set_params(tau_ref=0.004)
    explorer = digit_explorer(slow, images, labels)
    page = visit(explorer.html())
    wait_for_run(page)
    height = page.locator(".snnlib-digit").bounding_box()["height"]
    page.get_by_label("max_rate").press("End")
    with pytest.raises(ValueError, match="max_rate") as refusal:
        explorer.compute(max_rate=300.0)
    said = page.locator(".snnlib-refusal")
    assert said.inner_text() == str(refusal.value)
    assert page.locator(".snnlib-maps").is_visible()
    assert page.locator(".snnlib-digit").bounding_box()["height"] >= height
    page.get_by_label("max_rate").press("Home")
    wait_for_run(page)
    assert not said.is_visible()


@pytest.mark.browser
def test_only_chosen_sliders_are_shown(small, visit):
    """The others keep what presets set."""
    classifier, _, images, labels = small
    page = visit(digit_explorer(classifier, images, labels, sliders=["synapse"]).html())
    assert page.locator(".snnlib-control").count() == 1
    press(page, "50 Hz")
    values = page.evaluate("document.querySelector('.snnlib-digit').snnlib.values()")
    assert values["max_rate"] == 50


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_explorer_is_accessible(scheme, viewport, explorer, visit):
    """axe-core finds nothing, nothing is pushed off a phone, and colours follow."""
    page = visit(explorer.html(), viewport=viewport)
    style = (
        "html[data-theme=dark] {background: #14181e; --pst-color-background: #14181e;"
        "--pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af;}"
        "html[data-theme=dark] h1 {color: #ced6dd}"
    )
    page.add_style_tag(content=style)
    page.evaluate("s => {document.documentElement.dataset.theme = s;}", scheme)
    wait_for_run(page)
    for fold in page.locator("details").all():
        fold.evaluate("d => {d.open = true;}")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run()")
    assert [
        (rule["id"], rule["nodes"][0]["html"]) for rule in found["violations"]
    ] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink = page.locator(".snnlib-pad").evaluate(
        """(canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, 448, 448);
            let brightest = 0;
            for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] > 200) brightest = Math.max(brightest, data[i]);
            }
            return brightest;
        }"""
    )
    assert (ink > 128) == (scheme == "dark")


@pytest.mark.browser
def test_phone_shows_slider_and_effect_together(explorer, visit):
    """While a slider is under the thumb, the outputs stay on the screen.

    So they do in a cell of the book, which scrolls what is too wide.
    """
    style = "<style>.output {overflow: auto}</style>"
    output = f'<div class="output text_html">{explorer.html()}</div>'
    cell = f'{style}<div class="cell_output">{output}</div>'
    page = visit(cell, viewport=PHONE)
    wait_for_run(page)
    slider = page.get_by_label("presentation_time")
    slider.scroll_into_view_if_needed()
    slider.press("ArrowLeft")
    wait_for_run(page)
    for part in (slider, page.locator(".snnlib-race")):
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= PHONE["height"]


class _Pages:
    """As much of Sphinx's page context as the extension asks for."""

    def __init__(self, folder):
        self.outdir = folder

    @staticmethod
    def lead(path, _):
        return path


@pytest.mark.browser
def test_book_keeps_weights_beside_the_page(explorer, visit, tmp_path):
    """They are in a file, which is asked for when a reader comes near."""
    html = explorer.html()
    context = {
        "body": f'<div style="height: 4000px"></div>{html}',
        "pathto": _Pages.lead,
    }
    explorers.lift_weights(_Pages(tmp_path), "page", "", context, None)
    assert len(context["body"]) < len(html) - 150_000
    (file,) = (tmp_path / "_static" / "networks").iterdir()
    page = visit(context["body"])
    asked = []
    page.on("request", lambda it: asked.append(it.url))
    page.wait_for_timeout(200)
    assert page.evaluate("Object.keys(snnlib.networks)") == []
    page.locator(".snnlib-digit").scroll_into_view_if_needed()
    assert read(page)["spikes"] > 1000
    assert [url for url in asked if not url.startswith("blob:")] == [file.as_uri()]
    file.unlink()
    page.reload()
    page.locator(".snnlib-digit").scroll_into_view_if_needed()
    page.get_by_text("The network cannot run here. The weights of").wait_for()


@pytest.mark.browser
def test_page_without_scripts_shows_a_picture(explorer, visit):
    """Question, picture and answer are there without the network."""
    page = visit(explorer.html(), java_script_enabled=False)
    assert page.locator("noscript img").count() == 1
    assert page.get_by_text("Guess first").is_visible()


def test_picture_is_small_and_whole(explorer):
    """Sixteen colours do for lines; it is the figure that Python draws."""
    from PIL import Image

    picture = re.search(r"image/png;base64,([^\"]+)", explorer.html())[1]
    assert len(picture) < 30_000
    import io

    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    assert image.size == (814, 330)


# Milliseconds between two frames at most, while a run of 100 steps goes on.
LONGEST_GAP = """async () => {
    const root = document.querySelector(".snnlib-digit");
    let longest = 0;
    let last = performance.now();
    while (!root.hasAttribute("data-run-ms")) {
        await new Promise(requestAnimationFrame);
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
    }
    return longest;
}"""


@pytest.mark.browser
@pytest.mark.timing
def test_page_does_not_freeze(explorer, visit):
    """While 100 steps at 300 Hz are simulated, frame follows frame."""
    page = visit(explorer.html())
    wait_for_run(page)
    page.get_by_label("presentation_time").press("End")
    page.get_by_label("max_rate").press("End")
    gap = page.evaluate(LONGEST_GAP)
    assert gap / page.evaluate(A_FRAME) < 8


@pytest.mark.browser
@pytest.mark.timing
@pytest.mark.parametrize(("n_steps", "milliseconds"), [(30, 150), (8, 60)])
def test_decision_comes_before_the_reader_waits(n_steps, milliseconds, explorer, visit):
    """From the end of a stroke to all that comes of it, against a frame's worth."""
    changes = {"state": {"presentation_time": n_steps / 1000}}
    network, images, labels = trained(), explorer.images, explorer.labels
    page = visit(digit_explorer(network, images, labels, presets=changes).html())
    press(page, "state")
    shares = []
    for digit in (*STROKES, *STROKES):
        press(page, "Clear")
        frame = page.evaluate(A_FRAME)
        draw(page, STROKES[digit])
        run = page.locator(".snnlib-digit").get_attribute("data-run-ms")
        shares.append(float(run) / frame)
    assert 16 * np.median(shares) < milliseconds


def test_scale_of_the_race_is_that_of_the_start(explorer):
    """A bar is full at the largest output of the digits that came with the page."""
    description = json.loads(explorer._description())
    output = explorer.estimator.simulate(explorer.images).output
    largest = np.abs(lowpass(output, 0.1, dt=0.001, axis=1)).max()
    assert description["networks"][0]["scale"] == pytest.approx(largest)

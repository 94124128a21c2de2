"""The explorer of energy has estimate_energy's numbers, in Python and in the page."""

import importlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_explorer_page import PHONE, show  # noqa: F401
from test_explorers import unfold, view_of

from snnlib import energy_explorer, estimate_energy, results_path
from snnlib.explorers._energy import PRICES
from snnlib.metrics import ENERGY_MODELS

EXPLORER = energy_explorer()
TABLE = pd.read_csv(results_path("mnist_cost.csv"))
BEHIND = ["conv2", "conv3", "dense"]
# Of 3 x 3 convolutions on 28, 26 and 12 places a side, and 5 x 5 x 128 to 10.
FIRST = 26**2 * 9 * 32
OTHERS = 24**2 * 288 * 64 + 10**2 * 576 * 128 + 3200 * 10
NEURONS = 26**2 * 32 + 24**2 * 64 + 10**2 * 128


def energies(row):
    """Return the joules of a row of the table by every model."""
    is_twin, n_steps = row["network"] == "relu", row["n_steps"]
    behind, updates = row[BEHIND].sum(), NEURONS * n_steps
    macs, acs = (row["conv1"] + behind, 0) if is_twin else (row["conv1"], behind)
    sparse = estimate_energy(macs, acs, updates, model="all")
    dense = estimate_energy(FIRST + OTHERS * n_steps, 0, updates, model="all")
    return sparse | {name: dense[name] for name in ("cpu", "gpu")}


def states():
    """Return the sliders of every row that spikes, and the row."""
    rows = TABLE[TABLE["network"].isin(["spiking", "few steps"])]
    for _, row in rows.iterrows():
        is_few = row["network"] == "few steps"
        network = "few steps" if is_few else row["initial_voltage"]
        yield (
            {name: row[name] for name in ("max_rate", "n_steps")}
            | {"network": network},
            row,
        )


TWIN = energies(TABLE[TABLE["network"] == "relu"].iloc[0])


def check_view(series, readouts, row):
    """Compare a view, of Python or of the page, with the table and estimate_energy."""
    found = energies(row)
    bars = dict(zip(["yours", *found], series["models.spiking"], strict=True))
    of_twin = dict(zip(["yours", *TWIN], series["models.twin"], strict=True))
    for name in ENERGY_MODELS:
        assert bars[name] == pytest.approx(1e6 * found[name], rel=1e-12)
        assert of_twin[name] == pytest.approx(1e6 * TWIN[name], rel=1e-12)
    shares = [found[name] / TWIN[name] for name in ENERGY_MODELS]
    assert readouts["cheaper"] == sum(share < 1 for share in shares)
    assert readouts["least"] == pytest.approx(min(shares), rel=1e-12)
    assert readouts["most"] == pytest.approx(max(shares), rel=1e-12)
    assert readouts["accuracy"] == pytest.approx(100 * row["accuracy"], rel=1e-12)
    assert readouts["spikes"] == pytest.approx(row.filter(like="spikes_").sum())


def test_every_state_is_estimated_as_estimate_energy_does():
    """All rows of the table by all models, operations without skipping by hand."""
    n_states = 0
    for state, row in states():
        view = EXPLORER.compute(**state)
        x = {name: points[0] for name, points in view.series.items()}
        check_view(x, view.readouts, row)
        n_states += 1
    assert n_states > 150


@pytest.mark.parametrize(
    ("access", "model"), [(0.0, "arithmetic"), (5.0, "cache"), (640.0, "dram")]
)
def test_typed_prices_are_a_model(access, model):
    """Horowitz's prices typed in are the model that is made of them."""
    here = EXPLORER.compute(access=access)
    there = EXPLORER.compute(model=model)
    for name in ("energy", "twin", "share", "break_even", "break_even_spikes"):
        assert here.readouts[name] == pytest.approx(there.readouts[name], rel=1e-12)


@pytest.mark.parametrize("end", [0, -1])
def test_every_bar_is_seen(end):
    """By the least of all prices and by the highest, and no number reads as none."""
    panel = next(it for it in EXPLORER.panels if it.name == "models")
    prices = {name: stops[end] for name, stops in PRICES.items()}
    for state, _ in states():
        view = EXPLORER.compute(**state, **prices)
        low, high = panel.x_limits
        for name in ("models.spiking", "models.twin"):
            x, _ = view.series[name]
            assert low < min(x) <= max(x) < high
        for readout in EXPLORER.readouts:
            if readout.name in ("energy", "twin", "share"):
                assert float(readout.show(view).split()[0]) > 0


def test_its_sentence_says_on_how_many_images_was_counted(monkeypatch):
    """As many as the script takes, of as many as the table has."""
    monkeypatch.syspath_prepend(Path(__file__).parent.parent / "scripts")
    n_counted = importlib.import_module("measure_cost").N_COUNTED
    assert f"counted on the first {n_counted} of them" in EXPLORER.sentence
    (n_images,) = TABLE["n_images"].unique()
    assert f"of all {n_images:,} test images" in EXPLORER.sentence


def test_break_even_is_the_last_setting_within_the_price():
    """One step more in the table costs more than the twin; this one does not."""
    for model in ("arithmetic", "cache", "loihi", "gpu"):
        most = EXPLORER.compute(model=model).readouts["break_even"]
        steps, shares = EXPLORER.compute(model=model).series["steps.model"]
        assert most == max(
            [n for n, share in zip(steps, shares, strict=True) if share <= 1], default=0
        )
    assert EXPLORER.compute(model="gpu", network="uniform").readouts["break_even"] == 1


def test_its_answer_is_true():
    """Six models agree at 15 steps and five at 20, whose accuracy lies far apart."""
    cheaper = {n: EXPLORER.compute(n_steps=n).readouts for n in (15, 20, 30)}
    assert [cheaper[n]["cheaper"] for n in (15, 20, 30)] == [6, 5, 2]
    assert cheaper[30]["accuracy"] - cheaper[15]["accuracy"] > 5
    share = {m: EXPLORER.compute(n_steps=20, model=m).readouts["share"] for m in TWIN}
    assert {m for m in share if share[m] >= 1} == {"loihi", "cpu", "gpu"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "few steps"}, r"max_rate.*one of 250 at.*Got 100"),
        ({"n_steps": 11}, r"n_steps.*one of 1, 2,.* at network=zero.*Got 11"),
        ({"addition": 0.0}, r"addition.*0\.01.*got 0"),
        ({"model": "abacus"}, r"model.*loihi.*abacus"),
        ({"presets": {"a": {"addition": 1e9}}}, r"must set addition to .*got 1000000"),
        ({"question": "[x](n_steps=11)"}, r"question must set n_steps to .*got '11'"),
    ],
)
def test_what_the_table_has_not_is_refused(changes, message):
    """The message names the slider, what it can be there, and what it got."""
    with pytest.raises(ValueError, match=message):
        energy_explorer(**changes)


@pytest.mark.browser
def test_page_computes_every_state(show):  # noqa: F811
    """All rows of the table, and each price: the numbers are estimate_energy's."""
    page = show(EXPLORER)
    for state, row in states():
        there = view_of(page, page.identity, EXPLORER.start | state)
        series = {name: points["x"] for name, points in there["series"].items()}
        check_view(series, there["readouts"], row)
    for changes in (
        {"access": 7.0, "multiplication": 0.0},
        {"model": "loihi", "addition": 0.03},
        {"network": "few steps", "max_rate": 250.0, "n_steps": 5, "access": 50.0},
    ):
        here = EXPLORER.compute(**changes)
        there = view_of(page, page.identity, EXPLORER.start | changes)
        for name, number in here.readouts.items():
            assert there["readouts"][name] == pytest.approx(number, rel=1e-12), name
        for name, points in here.series.items():
            for axis, values in zip("xy", points, strict=True):
                shown = np.array(there["series"][name][axis], dtype=float)
                np.testing.assert_allclose(shown, values, rtol=1e-12, err_msg=name)


@pytest.mark.browser
def test_page_keeps_states_and_is_used_by_keyboard(show):  # noqa: F811
    """A typed price is in the address; a setting not in the table says what is."""
    page = show(EXPLORER, viewport=PHONE, theme="dark")
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.typed("access", "7.5")
    page.control("n_steps").press("ArrowLeft")
    page.wait_for_function("() => location.hash.includes('n_steps=25')")
    page.open(page.page.url)
    assert page.values() == EXPLORER.start | {"access": 7.5, "n_steps": 25}
    bar = page.locator(".snnlib-axes").first
    bar.press("Home")
    least = min(EXPLORER.compute(access=7.5, n_steps=25).series["models.spiking"][0])
    note = page.locator(".snnlib-point").first.inner_text()
    assert note.splitlines() == [
        f"microjoules: {float(f'{least:.4g}'):g}",
        "arithmetic, spiking network",
    ]
    page.control("network").select_option(label="lesson 11")
    reason = page.locator(".snnlib-refusal").inner_text()
    assert reason.startswith("max_rate must be one of 250 at network=few steps")
    page.locator("a", has_text="lesson 11, 5 steps").click()
    assert not page.locator(".snnlib-refusal").is_visible()
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("() => axe.run('.snnlib-explorer', {preload: false})")
    serious = [
        (v["id"], [node["html"] for node in v["nodes"]])
        for v in found["violations"]
        if v["impact"] in {"serious", "critical"}
    ]
    assert json.dumps(serious) == "[]"

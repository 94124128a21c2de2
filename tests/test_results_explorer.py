"""The explorer of the results: what it shows is what the tables hold."""

import csv
import io
import itertools
import json
import re

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_explorer_page import DESKTOP, PHONE, Shown
from test_explorers import unfold, view_of

from snnlib import contrast, panel, parts_of_claims, read_committed, results_explorer
from snnlib.explorers import _nine, _results
from snnlib.explorers._page import describe
from snnlib.verdicts import (
    NoResultsError,
    Question,
    Setting,
    effect_in_words,
    parts_at,
    read_decisions,
    runs_by_setting,
    verdict_at,
)

PAGE = """<!doctype html><html lang=en data-theme={theme}><meta charset=utf-8>
<title>A page</title><meta name=viewport content="width=device-width">
<body style="margin: 8px"><main><h1>A page</h1><div style="max-width: 46rem">{explorer}
</div></main></body></html>"""


WAY = {"readout": "last", "initial_voltage": "zero"}


@pytest.fixture(scope="module")
def explorer():
    """Return the explorer of the committed tables."""
    return results_explorer()


def some_settings(n, seed=0):
    """Return settings of all controls, drawn at random."""
    rng = np.random.default_rng(seed)
    stops = _nine.stops()
    return [
        {name: its[rng.integers(len(its))] for name, its in stops.items()}
        for _ in range(n)
    ]


def scores_by_split(experiment, **fixed):
    """Return the scores of experiment 1 or 2 as their table has them."""
    name, column = {
        1: ("grid_linear_regression", "mspe_by_split"),
        2: ("grid_logistic_regression", "accuracy_by_split"),
    }[experiment]
    return read_committed(name, **fixed)[column].iloc[0]


# The tables.


def test_lines_are_those_of_the_panels(explorer):
    """At the paper's setting, for every read-out and start: what `panel` returns."""
    for number, name, readout, start in itertools.product(
        (1, 2), _nine.BASE, ("last", "mean"), ("zero", "uniform")
    ):
        how = {"readout": readout, "initial_voltage": start}
        expected = panel(number, name, **how)
        place = _results._place(number, name).name
        series = explorer.compute(**how).series
        x, y = series[f"{place}.scores"]
        assert x == expected["value"].tolist()
        np.testing.assert_allclose(y, expected["score"], rtol=1e-12)
        ended = expected[expected["value"] != _nine.BASE[name]]
        x, ends = series[f"{place}.intervals"]
        assert x == np.repeat(ended["value"], 2).tolist()
        np.testing.assert_allclose(ends, np.ravel(ended[["low", "high"]]), rtol=1e-9)


def test_networks_are_those_of_their_table(explorer):
    """Means over the seeds of the table; by one, or by the paper, its first network."""
    way = {"synapse": 0.1, "readout": "mean", "initial_voltage": "uniform"}
    table = read_committed("learning_mnist", passes=10, **way)
    how = {"readout": "mean", "initial_voltage": "uniform"}
    by_rate = table.sort_values("seed").groupby("max_rate")
    for splits, expected in (
        ("many", by_rate["accuracy"].mean()),
        ("one", by_rate["accuracy"].first()),
        ("paper", by_rate["accuracy_200"].first()),
    ):
        view = explorer.compute(splits=splits, **how)
        assert view.series["g.scores"][0] == expected.index.tolist()
        assert view.series["g.scores"][1] == pytest.approx(expected.tolist())
        about = view.notes["g"].lines[-1][2]
        assert (
            f"{200 if splits == 'paper' else table['n_test'].iloc[0]:,} images" in about
        )
        assert f"{table['n_epochs'].iloc[0]} passes" in about


@pytest.mark.parametrize("experiment", [1, 2])
def test_one_split_is_of_the_same_table(experiment, explorer):
    """The first of the many splits; and by the paper's protocol, its own table's."""
    how = {"readout": "mean", "tau_rc": 0.07, "initial_voltage": "uniform"}
    place = _results._place(experiment, "synapse").name
    x, y = explorer.compute(splits="one", **how).series[f"{place}.scores"]
    scale = 1 if experiment == 1 else 100
    expected = [
        scale * scores_by_split(experiment, synapse=s, max_rate=100.0, **how)[0]
        for s in x
    ]
    assert len(x) == 4
    assert y == pytest.approx(expected)
    name, measure, _ = _nine._SINGLE[experiment]
    table = read_committed(name, axis="synapse").sort_values("synapse")
    view = explorer.compute(splits="paper")
    assert view.series[f"{place}.scores"][1] == pytest.approx(scale * table[measure])
    assert view.notes[place].lines[0][1] == "? open: one split"


@pytest.mark.parametrize("experiment", [1, 2])
def test_answers_are_those_of_the_verdicts(experiment):
    """At random settings (seed 0): the contrast of the tables, by the rule."""
    margin = read_decisions()["experiments"][str(experiment)]["margin"]
    for values in some_settings(8):
        values |= {"amplitude": "fixed"}
        setting = Setting(**{n: v for n, v in values.items() if n != "splits"})
        found = {it.part.split()[0]: it for it in parts_at(experiment, setting)[:3]}
        for name, answer in found.items():
            how = ("readout", "initial_voltage", *(n for n in found if n != name))
            estimate = contrast(experiment, name, **{n: values[n] for n in how})
            denied = "does not" in answer.part
            asked = Question(0, "", "", estimate, margin, contrary=denied)
            assert answer.answer == asked.answer()
            unit = "MSPE" if experiment == 1 else "points"
            assert answer.words == effect_in_words(estimate, unit)


@pytest.mark.parametrize("readout", ["last", "mean"])
def test_paper_is_judged_as_everywhere(readout):
    """At the paper's setting, parts and verdicts are those of the verdicts' table."""
    try:
        known = parts_of_claims(readout)
    except NoResultsError:
        # There are no networks of which each image's hit is known.
        known = {}
    for claim, answers in known.items():
        parts = parts_at(claim, Setting(readout=readout))
        decisive = parts[-2:] if claim == 4 else parts
        assert sorted(it.answer for it in decisive) == sorted(answers.values())
    one = [it for it in parts_at(1, Setting(readout=readout)) if "synapse" in it.part]
    assert one[0].words == effect_in_words(
        contrast(1, "synapse", readout=readout), "MSPE"
    )


def test_rates_are_poor_by_their_seeds():
    """Of networks without hits: the mean over seeds, with Student's t."""
    way = {"initial_voltage": "uniform", "readout": "last"}
    found = {it.part: it for it in parts_at(3, Setting(passes=1, **way))}
    brief = ("grid_mnist", "repeats_mnist")
    table = read_committed(*brief, synapse=0.1, max_rate=100, tau_rc=0.02, **way)
    right = table.drop_duplicates("seed")["accuracy"]
    assert len(right) == 3
    half = 4.302652729911275 * right.std() / np.sqrt(3)
    ends = [right.mean(), right.mean() - half, min(100, right.mean() + half)]
    words = found["poor at 100 Hz"].words
    assert [float(n) for n in re.findall(r"\d+\.\d", words)] == pytest.approx(
        ends, abs=0.051
    )
    poor = read_decisions()["claims"]["3"]["poor"]
    expected = "yes" if ends[2] < poor else "no" if ends[1] > poor else "open"
    assert found["poor at 100 Hz"].answer == expected


@pytest.mark.parametrize("splits", ["many", "one"])
def test_line_is_of_the_same_images(splits, explorer):
    """After one pass some settings have 10,000 test images; a line mixes none.

    The 2,000 first images are harder, so a line through both would show an effect that
    is none.
    """
    for values in ({}, *some_settings(40, seed=3)):
        view = explorer.compute(**(values | {"splits": splits}))
        for name in "ghi":
            *_, about = view.notes[name].lines
            n_images = about[2].split(", ")[-1]
            assert "-" not in n_images
            if view.series[f"{name}.scores"][0]:
                assert n_images in {"2,000 images", "10,000 images"}
    passes = explorer.compute(passes=1.0, splits=splits)
    table = read_committed(
        *("grid_mnist", "repeats_mnist"), tau_rc=0.02, max_rate=100.0, **WAY
    ).drop_duplicates(["synapse", "seed"])
    assert {*table["n_test"]} == {2000}
    by_synapse = table.sort_values("seed").groupby("synapse")["accuracy"]
    expected = by_synapse.mean() if splits == "many" else by_synapse.first()
    assert passes.series["i.scores"][1] == pytest.approx(expected.tolist())


def test_single_seed_is_open(explorer):
    """Off the axes the brief networks have one seed, where no better are committed."""
    passes = _nine.stops()["passes"][0]
    setting = Setting(tau_rc=0.07, passes=passes)
    runs = runs_by_setting(3).get(setting._replace(max_rate=50.0))
    if runs is None or len(runs) > 1:
        pytest.skip("there are more seeds")
    view = explorer.compute(tau_rc=0.07, passes=passes)
    *_, line, about = view.notes["g"].lines
    assert line == ["open", "? open: one seed", "max_rate matters", ""]
    assert "1-3 networks" in about[2]


def test_claim_is_open_that_was_not_run():
    """What was not run opens a claim; all of it not run leaves none to judge."""
    rule = Setting(amplitude="1/max_rate", readout="mean")
    assert {it.answer for it in parts_at(1, rule)} == {"none"}
    assert verdict_at(1, parts_at(1, rule)) == "none"
    at_base = parts_at(1, Setting(amplitude="1/max_rate"))
    assert [it.answer for it in at_base][1:] == ["none", "none"]
    assert verdict_at(1, at_base) in {"open", "in part", "not reproduced"}


def test_missing_setting_is_named(explorer):
    """The panel says which controls lead to runs, and they do."""
    view = explorer.compute(amplitude="1/max_rate", readout="mean")
    note = view.notes["a"]
    assert note.missing.startswith("Not run: the nearest runs of experiment 1 have ")
    assert view.series["a.scores"] == ([], [])
    assert note.lines[0] == ["open", "\u2013 not run", "max_rate does not matter", ""]
    assert view.readouts["synapse_1"] == "not run"
    nearest = re.split(" have |, or ", note.missing.rstrip("."))[1:]
    assert "readout last" in nearest
    assert "amplitude fixed" in nearest
    assert not explorer.compute(amplitude="1/max_rate").notes["a"].missing


def test_answer_tells_what_turns(explorer):
    """The folded answer names each claim whose verdict the mean changes."""
    last, mean = (explorer.compute(readout=it).readouts for it in ("last", "mean"))
    turned = [n for n in "1234" if last[f"claim_{n}"] != mean[f"claim_{n}"]]
    assert turned
    assert re.findall(r"claim (\d) goes", explorer.answer) == turned


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"tau": 1}, TypeError, "no slider 'tau'"),
        ({"synapse": 0.2}, ValueError, r"synapse must be one of \[0.001.*got 0.2"),
        ({"splits": "few"}, ValueError, "splits must be one of .*'many'.*got 'few'"),
        ({"passes": True}, ValueError, "passes must be one of .*got True"),
    ],
)
def test_results_explorer_refuses(values, error, message, explorer):
    """Only what the tables can have been run at is a setting."""
    with pytest.raises(error, match=message):
        results_explorer(**values)
    with pytest.raises(error, match=message):
        explorer.compute(**values)
    if "tau" not in values and True not in values.values():
        with pytest.raises(error, match="must set"):
            results_explorer(presets={"there": values})


@pytest.mark.slow
def test_widget_moves_and_says_why(explorer):
    """With a kernel: a control changes picture and verdicts, or says where runs are."""
    widget = explorer.widget()
    controls = {}

    def gather(box):
        for part in getattr(box, "children", ()):
            controls[getattr(part, "description", "")] = part
            if "<img" in str(getattr(part, "value", "")):
                controls["stage"] = part
            gather(part)

    gather(widget)
    before = controls["stage"].value
    assert "in part" in before
    assert "not reproduced" in before
    assert "holds in part" not in before
    controls["readout"].value = "mean"
    after = controls["stage"].value
    assert "does not hold, synapse matters" in after
    assert before.split("<p>")[0] != after.split("<p>")[0]
    controls["Reset"].click()
    assert controls["stage"].value == before


# The page.


@pytest.fixture(scope="module")
def body(explorer):
    """Return the explorer as HTML."""
    return explorer.html()


@pytest.mark.slow
def test_every_number_is_within_its_rounding(explorer):
    """Decoded by a second route, each panel has the tables' lines to half a step."""
    data = explorer._data()
    for packed, place in zip(data["panels"], _nine.PLACES, strict=True):
        decode = {
            name: np.frombuffer(_results.base64.b64decode(packed[name]), "<u2")
            for name in ("index", "scores", "ends")
        }
        stops = data["stops"][place.parameter]
        n_runs = 0
        for row, (values, line) in zip(
            decode["index"], _nine.combinations(place).items(), strict=True
        ):
            if line is None:
                reason = packed["reasons"][row - data["missing"]]
                assert reason == _nine.why_empty(place, values)
                continue
            n_runs += 1
            at = row * len(stops) + np.array([stops.index(v) for v in line.values])
            near(place, decode["scores"][at], line.scores)
            ends = np.ravel(line.ends)
            there = ~np.isnan(ends)
            if there.any():
                found = decode["ends"].reshape(-1, 2)[at].ravel()
                assert (found[~there] == data["empty"]).all()
                near(place, found[there], ends[there])
            setting = _nine.setting_of(place, values)
            for part, answer in zip(
                packed["parts"],
                _nine.parts_of(place, setting, values[-1]),
                strict=True,
            ):
                assert part["part"] == answer.part
                assert part["words"][row] == answer.words
                code = ord(part["answers"][row]) - ord("a")
                assert [*data["words"]][code] == answer.answer
        assert n_runs


def near(place, steps, numbers):
    """Compare numbers with the steps that they were rounded to."""
    if place.experiment == 1:
        steps_of = 4000 * (np.log10(numbers) + 4)
        assert np.abs(10 ** (steps / 4000 - 4) / numbers - 1).max() < 3e-4
    else:
        steps_of = 500 * np.asarray(numbers)
    assert np.abs(steps - steps_of).max() <= 0.5 + 1e-6


def test_data_are_small(explorer, body):
    """All settings together are less than 200 KB, and ask nothing of anybody."""
    assert len(describe(explorer)) < 200_000
    assert {*re.findall(r"https?://[^\"'\s]+", body)} == {"http://www.w3.org/2000/svg"}
    assert "<noscript><img alt=" in body
    json.loads(describe(explorer))


@pytest.fixture
def show(browser, tmp_path, body):
    """Return a function that opens the explorer from a file, with no network."""
    contexts = []

    def open_(*, theme="light", **options):
        options = {"viewport": DESKTOP, "offline": True} | options
        contexts.append(browser.new_context(accept_downloads=True, **options))
        contexts[-1].set_default_timeout(120_000)
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(theme=theme, explorer=body), encoding="utf-8")
        identity = re.search(r'id="(snnlib-explorer-[\w-]+)"', body)[1]
        return Shown(contexts[-1].new_page(), path, identity)

    yield open_
    for context in contexts:
        context.close()


@pytest.mark.browser
def test_page_shows_what_python_computes(show, explorer):
    """At the start and at 30 random settings (seed 1): lines, reasons and verdicts."""
    page = show()
    for values in [explorer.start, *some_settings(30, seed=1)]:
        here = explorer.compute(**values)
        there = view_of(page.page, page.identity, values)
        assert there["series"].keys() == here.series.keys()
        for name, (x, y) in here.series.items():
            assert there["series"][name]["x"] == x
            for ours, theirs in zip(y, there["series"][name]["y"], strict=True):
                is_mspe = name[0] in "abc"
                rounding = {"rel": 3e-4} if is_mspe else {"abs": 1.01e-3}
                assert theirs == pytest.approx(ours, **rounding), name
        for name, note in here.notes.items():
            assert there["notes"][name] == {
                "lines": note.lines,
                "missing": note.missing,
            }
        for name, value in here.readouts.items():
            rounding = {} if isinstance(value, str) else {"rel": 1e-3, "abs": 3e-3}
            expected = (
                value if isinstance(value, str) else pytest.approx(value, **rounding)
            )
            assert there["readouts"][name] == expected, name


@pytest.mark.browser
def test_control_moves_panels_and_a_verdict(show, explorer):
    """The mean turns claim 1, redraws panel (c), and the address holds the state."""
    page = show()
    claim = page.locator("[data-readout=claim_1]")
    before = claim.inner_text(), page.lines("c", ".line.role-spiking")
    assert before[0] == explorer.compute().readouts["claim_1"]
    page.control("readout").select_option(label="mean")
    after = claim.inner_text(), page.lines("c", ".line.role-spiking")
    assert after[0] == explorer.compute(readout="mean").readouts["claim_1"]
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert before[1][0] in page.lines("c", ".role-ghost")
    note = page.locator(".snnlib-panel", has=page.locator("[data-panel=c]"))
    assert "\u2718 does not hold synapse matters" in " ".join(note.inner_text().split())
    page.wait_for_function("location.hash.endsWith('?readout=mean')")
    page.open(page.page.url + "&splits=paper")
    assert page.values() == explorer.start | {"readout": "mean", "splits": "paper"}
    page.button("Reset").click()
    assert page.values() == explorer.start
    page.button("Pin this state").click()
    page.get_by_role("link", name="1 / max_rate").click()
    assert {*page.locator(".snnlib-ghost").all_inner_texts()} == {"pinned"}
    page.open(f"{page.url}#{page.identity}?tau_rc=0.05")
    assert (
        "tau_rc must be one of 0.02, 0.07"
        in page.locator(".snnlib-refusal").inner_text()
    )


@pytest.mark.browser
def test_missing_panel_keeps_its_place(show, explorer):
    """It is dimmed, says why, and is as high as before."""
    page = show()
    panels = page.locator(".snnlib-axes")
    before = [box.bounding_box()["height"] for box in panels.all()]
    page.control("amplitude").select_option(label="1 / max_rate")
    after = [box.bounding_box()["height"] for box in panels.all()]
    assert after == before
    notes = explorer.compute(amplitude="1/max_rate").notes
    missing = [note.missing for note in notes.values() if note.missing]
    shown = page.locator(".snnlib-missing:visible").all_inner_texts()
    assert shown == missing
    assert 0 < len(missing) < 9
    dim = "e => Number(getComputedStyle(e.querySelector('svg')).opacity)"
    dimmed = [axes.evaluate(dim) < 0.5 for axes in panels.all()]
    assert dimmed == [bool(note.missing) for note in notes.values()]


@pytest.mark.browser
def test_points_are_read_by_key(show, explorer):
    """Arrow keys read score and interval; a panel without runs has none to read."""
    page = show()
    axes = page.locator(".snnlib-axes").nth(2)
    axes.focus()
    axes.press("Home")
    text = axes.locator(".snnlib-point").inner_text()
    series = explorer.compute().series
    score, ends = series["c.scores"][1][0], series["c.intervals"][1][:2]
    found = [float(number) for number in re.findall(r"\d+\.?\d*", text)]
    # Of "synapse (s)", "95 % interval" and "score".
    assert found[0] == 0.001
    assert found[2:] == pytest.approx([*ends, score], rel=1e-3)
    page.get_by_role("link", name="1 / max_rate").click()
    axes.focus()
    axes.press("Home")
    assert not axes.locator(".snnlib-point").is_visible()


@pytest.mark.browser
def test_series_are_downloaded(show, explorer):
    """The CSV has the setting and every score; the PNG shows three rows of three."""
    page = show()
    with page.expect_download() as download:
        page.button("CSV").click()
    text = download.value.path().read_text()
    assert "# splits = many" in text
    rows = [*csv.DictReader(io.StringIO(text[text.index("panel,") :]))]
    its = [r for r in rows if r["series"] == "score" and r["panel"][1] == "h"]
    scores = [float(row["y"]) for row in its]
    assert scores == pytest.approx(explorer.compute().series["h.scores"][1], abs=2e-3)
    with page.expect_download() as download:
        page.button("PNG").click()
    header = download.value.path().read_bytes()[16:24]
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:])
    assert 0.6 < width / height < 1.8


@pytest.mark.browser
def test_phone_shows_panel_by_panel(show):
    """Nothing is wider than the screen, one panel stands below another."""
    page = show(viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    lefts = {box.bounding_box()["x"] for box in page.locator(".snnlib-panel").all()}
    assert len(lefts) == 1
    last = page.locator(".snnlib-panel").last
    last.evaluate("e => e.scrollIntoView({block: 'end'})")
    slider = page.control("readout").bounding_box()
    assert 0 <= slider["y"] < last.bounding_box()["y"]
    page.page.evaluate(AXE_SCRIPT)
    assert serious(page) == []


def serious(page):
    """Return what axe-core finds serious in the explorer."""
    found = page.evaluate("() => axe.run('.snnlib-explorer', {preload: false})")
    return [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ]


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorer_is_accessible(theme, show):
    """With panels missing and all unfolded, axe-core finds nothing serious."""
    page = show(theme=theme)
    style = "html[data-theme=dark] { --pst-color-background: #14181e;"
    style += " --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af; }"
    page.add_style_tag(content=style + " a { color: inherit; }")
    unfold(page)
    page.get_by_role("link", name="1 / max_rate").click()
    page.locator(".snnlib-guess [value=fall]").check()
    page.evaluate(AXE_SCRIPT)
    assert serious(page) == []
    spoken = page.locator(".snnlib-spoken")
    page.wait_for_function("document.querySelector('.snnlib-spoken').textContent")
    assert re.match("claim 1: .*; claim 2: .*; claim 3: ", spoken.inner_text())


@pytest.mark.browser
def test_page_without_scripts_shows_the_picture(browser, body):
    """The nine panels are there as a picture, with words for it."""
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.set_content(body)
    image = page.locator(".snnlib-explorer img")
    assert image.is_visible()
    assert image.get_attribute("alt").count("Panel (") == 9
    context.close()

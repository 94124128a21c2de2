"""The page's face of an explorer: axes that hold, states, points, a phone, a guess."""

import csv
import io
import re

import numpy as np
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from test_explorers import EXPLORERS, each_kind, picture, unfold

from snnlib import SpikingRegressor, lif_explorer, load_iris_setosa, regression_explorer
from snnlib.explorers._page import html

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PAGE = """<!doctype html><html lang=en data-theme={theme}><title>A page</title>
<meta name=viewport content="width=device-width"><body style="margin: 8px"><main>
<h1>A page</h1><p style="max-width: 46rem"><a id=prose href="#{identity}?{state}">
see it</a></p><div style="max-width: 46rem">{explorer}</div><div style="height: 1500px">
</div></main></body></html>"""
pytestmark = pytest.mark.browser


class Shown:
    """An explorer in a page of its own, in a file, with no network."""

    def __init__(self, page, path, identity):
        self.page, self.identity = page, identity
        self.open(path.as_uri())

    def open(self, address):
        """Load the page, at the address of a state perhaps."""
        self.page.goto("about:blank")
        self.page.goto(address)

    @property
    def url(self):
        """The address of the page without a state."""
        return self.page.url.split("#")[0]

    def __getattr__(self, name):
        """Return what the page has of that name, such as ``locator``."""
        return getattr(self.page, name)

    def control(self, name):
        """Return the slider or list of that name."""
        return self.page.locator(f"#{self.identity}-{name}")

    def typed(self, name, text):
        """Type a value beside a slider."""
        field = self.page.locator(f"#{self.identity}-{name}-typed")
        field.fill(text)
        field.press("Enter")

    def values(self):
        """Return what the sliders are set to."""
        return self.page.evaluate(
            "id => document.getElementById(id).snnlib.values()", self.identity
        )

    def limits(self):
        """Return the ends of the axes of each panel."""
        return self.page.eval_on_selector_all(
            ".snnlib-axes svg", "all => all.map(svg => svg.dataset.limits)"
        )

    def lines(self, panel, selector):
        """Return the paths of a panel, as they are drawn."""
        return self.page.eval_on_selector_all(
            f"[data-panel={panel}] path{selector}",
            "all => all.map(path => path.getAttribute('d'))",
        )

    def button(self, name):
        """Return a button by what stands on it."""
        return self.page.get_by_role("button", name=name)


@pytest.fixture
def show(browser, tmp_path):
    """Return a function that opens a page with an explorer in it."""
    contexts = []

    def open_(explorer, *, theme="light", state="tau_rc=0.1", **options):
        options = {"viewport": DESKTOP, "offline": True} | options
        contexts.append(browser.new_context(accept_downloads=True, **options))
        body = html(explorer, picture="")
        identity = re.search(r'id="(snnlib-explorer-[\w-]+)"', body)[1]
        path = tmp_path / "page.html"
        text = PAGE.format(theme=theme, identity=identity, state=state, explorer=body)
        path.write_text(text, encoding="utf-8")
        return Shown(contexts[-1].new_page(), path, identity)

    yield open_
    for context in contexts:
        context.close()


# Sets each slider to each of its stops, and gathers what `look` sees there.
AT_ALL_STOPS = """([id, look]) => {
    const see = new Function("return " + look);
    const seen = [];
    for (const slider of document.querySelectorAll(`#${id} [type=range]`)) {
        const start = slider.value;
        for (const at of [...Array(Number(slider.max) + 1).keys(), start]) {
            slider.value = at;
            slider.dispatchEvent(new Event("input"));
            seen.push(see());
        }
    }
    return seen;
}"""


@each_kind
def test_axes_hold_still(kind, show):
    """No stop of a slider moves an end of an axis; fitted to the view, axes move."""
    page = show(EXPLORERS(kind))
    look = "[...document.querySelectorAll('svg')].map(s => s.dataset.limits).join(';')"
    seen = page.evaluate(AT_ALL_STOPS, [page.identity, look])
    assert len(seen) > 50
    assert len({*seen}) == 1
    page.button("Fit axes").click()
    fitted = page.evaluate(AT_ALL_STOPS, [page.identity, look])
    assert len({*fitted}) > 10


def top_of(path):
    """Return how high a line reaches, in pixels from the bottom of its panel."""
    heights = [float(y) for y in re.findall(r" (-?[\d.]+)", path)]
    return max(heights) - min(heights)


def test_twice_the_rate_stands_twice_as_high(show):
    """From 100 to 200 Hz the curve moves on the screen, and leaves a ghost."""
    page = show(lif_explorer())
    (before,) = page.lines("curve", ".role-target")
    assert not page.lines("curve", ".role-ghost")
    page.typed("max_rate", "200")
    (after,) = page.lines("curve", ".role-target")
    assert top_of(after) == pytest.approx(2 * top_of(before), rel=0.05)
    assert before in page.lines("curve", ".role-ghost")


@each_kind
def test_pinned_state_is_compared_with(kind, show):
    """What is pinned becomes the ghost, by its name; unpinned, the start is again."""
    page = show(EXPLORERS(kind))
    unfold(page)
    page.typed("tau_rc", "0.1")
    panel = {"lif": "curve", "regression": "fit"}.get(kind, "output")
    line = ".line:not(.role-ghost, .role-baseline)"
    (pinned,) = page.lines(panel, line)
    was = page.locator(".snnlib-readouts small")
    assert any(text.startswith("was") for text in was.all_inner_texts())
    page.button("Pin this state").click()
    assert {*was.all_inner_texts()} == {""}
    page.typed("tau_rc", "0.2")
    assert pinned in page.lines(panel, ".role-ghost")
    legend = page.locator(".snnlib-ghost").all_inner_texts()
    assert {*legend} == {"pinned"}
    page.button("Pin this state").click()
    assert pinned not in page.lines(panel, ".role-ghost")
    assert {*page.locator(".snnlib-ghost").all_inner_texts()} == {"start"}


def test_axis_says_what_goes_beyond_it(show):
    """A line that leaves a held axis is cut, and its highest value is written there."""
    page = show(lif_explorer())
    unfold(page)
    assert page.locator(".beyond").count() == 0
    page.typed("synapse", "0.001")
    view = lif_explorer().compute(synapse=0.001)
    highest = view.series["output.filtered"][1].max()
    (word,) = page.locator("[data-panel=output] .beyond").all_text_contents()
    assert float(word.split()[-1]) == pytest.approx(highest, rel=0.01)
    page.button("Fit axes").click()
    assert page.locator(".beyond").count() == 0


def test_points_beyond_an_axis_stand_at_its_end(show):
    """Decisions far out are counted among those seen, on the edge of the panel."""
    page = show(EXPLORERS("classification"), state="readout=last&synapse=0.001")
    page.locator("#prose").click()
    inside = """() => [...document.querySelectorAll("[data-panel=decisions] .points")]
        .every(path => {
            const {x, width} = path.getBBox();
            const {width: all} = path.ownerSVGElement.viewBox.baseVal;
            return x >= 0 && x + width <= all;
        })"""
    assert page.evaluate(inside)
    assert page.locator("[data-panel=decisions] .beyond").count()


@each_kind
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_refused_setting_moves_nothing(kind, viewport, show):
    """What was shown stays in its place, dimmed, below the reason."""
    page = show(EXPLORERS(kind), viewport=viewport)
    unfold(page)
    before = page.locator(".snnlib-explorer").bounding_box()
    panels = [p.bounding_box() for p in page.locator(".snnlib-panel").all()]
    page.control("max_rate").press("End")
    reason = page.locator(".snnlib-refusal")
    assert "must be below 1 / tau_ref" in reason.inner_text()
    dim = "e => Number(getComputedStyle(e).opacity)"
    assert page.eval_on_selector(".snnlib-panels", dim) < 0.5
    assert page.locator(".snnlib-explorer").bounding_box() == before
    assert [p.bounding_box() for p in page.locator(".snnlib-panel").all()] == panels
    page.control("max_rate").press("Home")
    assert page.eval_on_selector(".snnlib-panels", dim) == 1
    assert not reason.is_visible()
    assert page.locator(".snnlib-explorer").bounding_box() == before


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "max_rate",
            "9000",
            'max_rate must be a number from 10 to 600 Hz. Got "9000".',
        ),
        ("tau_rc", "slow", 'tau_rc must be a number from 0.005 to 0.25 s. Got "slow".'),
        ("input", "", 'input must be a number from -1 to 1.5. Got "".'),
        (
            "synapse",
            "-1",
            'synapse must be a number from 0.001 to 1 s, or "none". Got "-1".',
        ),
    ],
)
def test_typed_value_is_refused_by_name(name, text, message, show):
    """What is no value of a slider stays as typed; the reason says what would be."""
    page = show(lif_explorer())
    unfold(page)
    page.typed(name, text)
    assert page.locator(".snnlib-refusal").inner_text() == message
    field = page.locator(f"#{page.identity}-{name}-typed")
    assert field.input_value() == text
    assert field.get_attribute("aria-invalid") is not None
    page.control(name).press("ArrowLeft")
    assert not page.locator(".snnlib-refusal").is_visible()


def test_typed_value_need_not_be_a_stop(show):
    """Between two stops the neuron is the one that Python computes."""
    page = show(lif_explorer())
    unfold(page)
    page.typed("max_rate", "137.5")
    page.typed("synapse", "none")
    assert page.values() == lif_explorer().start | {"max_rate": 137.5, "synapse": None}
    spikes = page.locator("[data-readout=spikes]").inner_text()
    here = lif_explorer(max_rate=137.5, synapse=None).compute()
    assert int(spikes) == here.readouts["spikes"]
    assert page.control("max_rate").get_attribute("aria-valuetext") == "137.5 Hz"
    page.control("max_rate").press("ArrowRight")
    assert page.values()["max_rate"] == 150


# Of what an explorer's own question is about, and of a lesson's.
PHONES = {
    "lif": lambda: EXPLORERS("lif"),
    "regression": lambda: EXPLORERS("regression"),
    "classification": lambda: EXPLORERS("classification"),
    "one slider": lambda: lif_explorer(question="Which?", sliders=["synapse"]),
}


@pytest.mark.parametrize("kind", PHONES)
def test_phone_shows_slider_and_effect_together(kind, show):
    """Wherever the reader is, sliders of the question and their effect are in view."""
    explorer = PHONES[kind]()
    page = show(explorer, viewport=PHONE, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    sliders = page.locator(".snnlib-control").all()
    in_sight = [slider for slider in sliders if slider.is_visible()]
    assert len(in_sight) == len(explorer.sliders) < len(sliders)
    effects = page.locator(".snnlib-panel, .snnlib-readouts").all()
    for effect in effects:
        effect.evaluate("e => e.scrollIntoView({block: 'end'})")
        inside = effect.bounding_box()
        for slider in in_sight:
            box = slider.bounding_box()
            assert 0 <= box["y"] <= box["y"] + box["height"] <= inside["y"]
        assert inside["y"] + inside["height"] <= PHONE["height"] + 1


@each_kind
def test_folded_slider_is_opened_where_it_moved(kind, show):
    """What a state sets is in sight, also where the question was not about it."""
    explorer = EXPLORERS(kind)
    folded = [c.name for c in explorer.controls if c.name not in explorer.sliders]
    page = show(explorer, state="tau_rc=0.1")
    assert not page.control(folded[0]).is_visible()
    changes = {"lif": "synapse=0.5"}.get(kind, "sample=3")
    page.open(f"{page.url}#{page.identity}?{changes}")
    assert page.control(folded[0]).is_visible()


@each_kind
def test_address_holds_the_state(kind, show):
    """It follows the sliders, and a page opened at it shows what it says."""
    page = show(EXPLORERS(kind))
    unfold(page)
    page.typed("max_rate", "150")
    page.typed("synapse", "none")
    page.wait_for_function("location.hash.includes('none')")
    address = page.page.url
    assert address.endswith(f"#{page.identity}?max_rate=150&synapse=none")
    assert page.locator(".snnlib-link").get_attribute("href") in address
    values = page.values()
    assert values["max_rate"] == 150
    assert values["synapse"] is None
    page.open(address)
    assert page.values() == values
    page.button("Reset").click()
    assert page.values() == EXPLORERS(kind).start


def test_text_links_to_a_state(show):
    """A link beside an explorer sets it and brings it into view; so does its answer."""
    explorer = lif_explorer(
        question="Which?", answer="See it [at 0.5 s](synapse=0.5&input=1)."
    )
    page = show(explorer, state="synapse=0.1&tau_rc=0.1&max_rate=90")
    page.evaluate("scrollTo(0, 1200)")
    page.locator("#prose").evaluate("link => link.click()")
    assert page.values() == explorer.start | {"tau_rc": 0.1, "max_rate": 90}
    assert page.locator(".snnlib-explorer").bounding_box()["y"] >= 0
    unfold(page)
    page.get_by_role("link", name="at 0.5 s").click()
    assert page.values() == explorer.start | {"synapse": 0.5, "input": 1}


def test_address_of_no_state_is_refused(show):
    """A state that no slider can be in is named, and what was shown stays."""
    page = show(lif_explorer())
    page.open(f"{page.url}#{page.identity}?max_rate=fast")
    assert 'Got "fast"' in page.locator(".snnlib-refusal").inner_text()
    assert page.locator("[data-panel=curve] .role-target").count() == 1
    page.button("Reset").click()
    assert not page.locator(".snnlib-refusal").is_visible()


@each_kind
def test_presets_are_states(kind, show):
    """Each sets what it names, and all else to its start."""
    explorer = EXPLORERS(kind)
    page = show(explorer)
    assert explorer.presets
    for preset in explorer.presets:
        page.get_by_role("link", name=preset.name, exact=True).click()
        assert page.values() == explorer.start | preset.values
        assert not page.locator(".snnlib-refusal").is_visible()


@each_kind
def test_point_is_read_by_key_and_by_pointer(kind, show):
    """Arrow keys and the pointer read out numbers of the series, those Python has."""
    explorer = EXPLORERS(kind)
    page = show(explorer)
    axes = page.locator(".snnlib-axes").last
    axes.focus()
    axes.press("End")
    note = axes.locator(".snnlib-point")
    panel = explorer.panels[-1]
    x, y = explorer.compute().series[f"{panel.name}.filtered"]
    at, value = re.findall(r": (-?[\d.]+)", note.inner_text())[:2]
    assert float(at) == pytest.approx(x[-1], rel=1e-3)
    assert float(value) == pytest.approx(y[-1], rel=1e-3)
    assert page.locator(".snnlib-spoken").inner_text().startswith("time (s): ")
    axes.press("ArrowLeft")
    assert float(re.search(r": ([\d.]+)", note.inner_text())[1]) < float(at)
    axes.press("Escape")
    assert not note.is_visible()
    for holder in page.locator(".snnlib-axes").all():
        box = holder.bounding_box()
        holder.hover(position={"x": box["width"] / 2, "y": box["height"] / 2})
        assert re.search(r": -?[\d.]+", holder.locator(".snnlib-point").inner_text())
    page.mouse.move(0, 0)
    assert not page.locator(".snnlib-point:visible").count()


def downloaded(page, name):
    """Return the bytes of what a button downloads."""
    with page.expect_download() as download:
        page.button(name).click()
    return download.value.path().read_bytes()


@each_kind
def test_series_are_downloaded(kind, show):
    """The CSV holds the values of the sliders, and every point that Python computes."""
    explorer = EXPLORERS(kind)
    page = show(explorer, state="max_rate=150")
    page.locator("#prose").click()
    text = downloaded(page, "CSV").decode()
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert "# max_rate = 150 Hz" in comments
    assert len(comments) == len(explorer.controls)
    rows = list(csv.DictReader(io.StringIO(text[text.index("panel,") :])))
    view = explorer.compute(max_rate=150.0)
    for panel in explorer.panels:
        for series in panel.series:
            named = (panel.title, series.label)
            found = [r for r in rows if (r["panel"], r["series"]) == named]
            points = view.series[f"{panel.name}.{series.name}"]
            for axis, ours in zip("xy", points, strict=True):
                theirs = [float(row[axis]) for row in found if row[axis]]
                np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_are_downloaded(theme, show, tmp_path):
    """The PNG has the panels' own colours, on the paper of the theme."""
    from matplotlib.image import imread

    page = show(EXPLORERS("lif"), theme=theme)
    page.typed("max_rate", "200")
    path = tmp_path / "panels.png"
    path.write_bytes(downloaded(page, "PNG"))
    image = imread(path)
    height, width = image.shape[:2]
    assert width > 2 * height
    colours = np.unique((image[::2, ::2, :3] * 255).round().reshape(-1, 3), axis=0)
    for role in ("spiking", "target", "ghost"):
        wanted = page.eval_on_selector(
            ".snnlib-explorer", f"e => getComputedStyle(e).getPropertyValue('--{role}')"
        )
        rgb = [int(wanted.strip()[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(colours - rgb).max(axis=1) < 3).any(), role


@each_kind
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_panels_are_labelled(kind, viewport, show):
    """Every series has an entry in the legend; an axis has at most seven ticks."""
    explorer = EXPLORERS(kind)
    page = show(explorer, viewport=viewport)
    for panel, legend in zip(
        explorer.panels, page.locator(".snnlib-legend").all(), strict=True
    ):
        labels = [series.label for series in panel.series]
        assert legend.locator("li").all_inner_texts() == [*labels, "start"]
    look = """[...document.querySelectorAll("svg")].flatMap(svg =>
        [".x-tick", ".y-tick"].map(of => svg.querySelectorAll(of).length))"""
    for fitted in (False, True):
        if fitted:
            page.button("Fit axes").click()
        counts = np.array(page.evaluate(AT_ALL_STOPS, [page.identity, look]))
        assert counts.max() <= 7
        assert counts.min() >= 2


@pytest.mark.parametrize(
    ("amplitude", "shown"), [(1.0, r"[\d.]+ Hz"), (0.01, r"[\d.]+")]
)
def test_level_is_a_rate_only_where_a_spike_counts_one(amplitude, shown, show):
    """With another amplitude a level is none in Hz, nor are the numbers beside it."""
    explorer = lif_explorer(amplitude=amplitude)
    page = show(explorer)
    view = explorer.compute()
    for name in ("target", "mean", "last", "ripple"):
        text = page.locator(f"[data-readout={name}]").inner_text()
        assert re.fullmatch(shown, text)
        (readout,) = (r for r in explorer.readouts if r.name == name)
        assert text == readout.show(view)
    assert page.locator("[data-readout=rate]").inner_text().endswith("Hz")
    assert "Hz" not in page.locator("[data-panel=output] .y-label").text_content()


@each_kind
def test_explorer_fits_a_screen(kind, show):
    """At 1280 x 900 all but the folded is seen at once, below a bar of 48 pixels."""
    page = show(EXPLORERS(kind))
    assert page.locator(".snnlib-explorer").bounding_box()["height"] <= 900 - 48


GUESSES = {
    "rate, falls": (({"tau_rc": 0.25}, "rate"), "fall", "fell"),
    "rate, stays": (({"synapse": 0.5}, "rate"), "stay", "hardly moved"),
    "rate, rises": (({"max_rate": 200.0}, "rate"), "rise", "rose"),
}


@pytest.mark.parametrize("case", GUESSES)
@pytest.mark.parametrize("expected", ["fall", "stay", "rise"])
def test_guess_is_compared_with_what_happens(case, expected, show):
    """The reader says what he expects, sets the slider, and reads what it did."""
    guess, way, did = GUESSES[case]
    explorer = lif_explorer(guess=guess)
    page = show(explorer)
    choice = page.locator(f".snnlib-guess [value={expected}]")
    assert not choice.is_visible()
    page.get_by_text("Guess first").click()
    verdict = page.locator(".snnlib-outcome")
    see = page.get_by_text("Show me")
    assert not see.is_visible()
    choice.check()
    assert see.is_visible()
    assert did not in verdict.inner_text()
    unfold(page)
    before = page.locator(".snnlib-panels").bounding_box()
    ((name, value),) = guess[0].items()
    page.typed(name, str(value))
    # Sliders stay under the hand that moves them.
    assert page.locator(".snnlib-panels").bounding_box() == before
    text = verdict.inner_text()
    rates = [explorer.compute(**v).readouts["rate"] for v in ({}, guess[0])]
    for rate in rates:
        assert f"{rate:.1f} Hz" in text
    assert did in text
    assert ("As you expected" in text) == (expected == way)


@each_kind
def test_guess_is_shown_by_a_button(kind, show):
    """Who does not move there is taken there; who asks nothing sees no guess."""
    explorer = EXPLORERS(kind)
    page = show(explorer)
    page.get_by_text("Guess first").press("Enter")
    page.locator(".snnlib-guess [value=rise]").press(" ")
    page.get_by_role("link", name="Show me").press("Enter")
    assert page.values() == explorer.start | explorer.guess.values
    assert re.search("fell|rose|hardly", page.locator(".snnlib-outcome").inner_text())
    page = show(lif_explorer(question="Which?"))
    assert not page.locator(".snnlib-guess").count()


@each_kind
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_explorer_is_accessible(kind, theme, show):
    """With all unfolded, a point read and axes left, axe-core finds nothing serious."""
    page = show(EXPLORERS(kind), theme=theme)
    style = "html[data-theme=dark] { --pst-color-background: #14181e;"
    style += " --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af; }"
    page.add_style_tag(content=style + " a { color: inherit; }")
    unfold(page)
    page.locator(f"#{page.identity} .snnlib-guess [value=fall]").check()
    page.typed("synapse", "0.001")
    axes = page.locator(".snnlib-axes").last
    axes.focus()
    axes.press("End")
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("() => axe.run('.snnlib-explorer', {preload: false})")
    assert [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in {"serious", "critical"}
    ] == []
    assert "color-contrast" in {rule["id"] for rule in found["passes"]}


def test_all_is_reached_by_keyboard(show):
    """Tab leads through sliders, presets, panels and buttons, each with a ring."""
    page = show(lif_explorer())
    unfold(page)
    page.locator("#prose").focus()
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        part = page.evaluate("""() => {
            const e = document.activeElement, style = getComputedStyle(e);
            const name = e.id.split("-").slice(4).join("-") || e.textContent;
            return e.closest(".snnlib-explorer") &&
                [e.className || name, style.outlineStyle];
        }""")
        if part is None:
            break
        seen.append(part)
    names = [name for name, _ in seen]
    for wanted in ("max_rate", "synapse", "snnlib-axes", "Reset", "PNG", "CSV"):
        assert wanted in names
    assert names.count("snnlib-axes") == 3
    assert {ring for _, ring in seen} == {"solid"}


def test_nothing_moves_by_itself(show):
    """There is no animation and no transition, with or without reduced motion."""
    page = show(lif_explorer(), reduced_motion="no-preference")
    page.get_by_role("link", name="slow membrane").click()
    assert page.evaluate("document.getAnimations().length") == 0


def test_page_brings_no_scripts_of_other_explorers():
    """Of the views, a page has its own explorer's alone."""
    text = html(EXPLORERS("lif"), "")
    assert "snnlib.views.lif =" in text
    assert "snnlib.views.regression =" not in text
    iris = load_iris_setosa()
    regression = regression_explorer(SpikingRegressor(), iris.data, iris.target)
    assert "snnlib.views.regression =" in regression.html()
    assert picture(regression.html())

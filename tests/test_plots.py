"""Plots against the data they draw."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import nengo
import numpy as np
import pandas as pd
import pytest

from snnlib import (
    COLORS,
    plot_curve,
    plot_fit,
    plot_images,
    plot_matrix,
    plot_output,
    plot_results,
    plot_shares,
    plot_spikes,
    plot_voltage,
    variance_shares,
)


@pytest.fixture(autouse=True)
def _no_window():
    """Draw into memory, and leave no figure behind."""
    mpl.use("agg")
    yield
    plt.close("all")


def drawn(line):
    """Return the points of a line, or of the ticks of a raster."""
    return np.column_stack([line.get_xdata(), line.get_ydata()])


def same_color(artist, color):
    """Return whether an artist has a colour, or the first of its colours."""
    first = mpl.colors.to_rgba_array(artist.get_color())[0]
    return mpl.colors.same_color(first, color)


@pytest.fixture(scope="module")
def firing():
    """Return voltage and output of a neuron that fires under a current of 2."""
    dt, n_steps = 0.002, 100
    neuron = nengo.LIF(tau_rc=0.02, tau_ref=0.004)
    current, output, voltage, refractory = np.array([2.0]), *np.zeros((3, 1))
    recorded = []
    for _ in range(n_steps):
        neuron.step(dt, current, output, voltage=voltage, refractory_time=refractory)
        recorded.append((voltage[0], output[0]))
    return np.array(recorded).T


def test_plot_voltage_draws_the_voltage_at_the_end_of_each_step(firing):
    """The line holds the voltage itself, the first value at dt; the threshold is 1."""
    voltage, _ = firing
    ax = plot_voltage(voltage, dt=0.002)
    trace, threshold = ax.lines
    np.testing.assert_array_equal(trace.get_ydata(), voltage)
    np.testing.assert_allclose(trace.get_xdata(), 0.002 * np.arange(1, 101))
    assert set(threshold.get_ydata()) == {1}
    assert ax.get_xlim() == pytest.approx((0, 0.2))
    assert ax.get_xlabel() == "time (s)"


def test_plot_voltage_puts_a_tick_above_the_threshold_at_each_spike(firing):
    """The ticks stand where Nengo's output is not zero, as often as the formula says.

    A current of 2 takes tau_rc ln 2 to the threshold; a period is that plus tau_ref.
    """
    voltage, output = firing
    (ticks,) = plot_voltage(voltage, spikes=output, dt=0.002).collections
    first = 0.02 * np.log(2)
    expected = np.arange(first, 0.2, first + 0.004)
    # A step of 2 ms ends at most 2 ms after the spike in it.
    late = np.array(ticks.get_positions()) - expected
    assert 0 <= late.min() <= late.max() <= 0.002
    bottoms = [segment[:, 1].min() for segment in ticks.get_segments()]
    assert min(bottoms) > 1


def test_plot_voltage_takes_spikes_of_any_height():
    """Nengo's are 1 / dt high, a train of True and False is not."""
    for spikes in ([False, True], [0, 1], [0.0, 1000.0]):
        ax = plot_voltage([0.1, 0.2], spikes=spikes)
        assert ax.collections[0].get_positions() == pytest.approx([0.002])
        (segment,) = ax.collections[0].get_segments()
        np.testing.assert_allclose(np.sort(segment[:, 1]), [1.1, 1.3])
        assert ax.get_yticks().tolist() == [0, 0.5, 1]


def test_plot_voltage_draws_no_ticks_without_spikes(firing):
    """None draws no ticks, and a silent neuron has none."""
    assert not plot_voltage(firing[0]).collections
    (ticks,) = plot_voltage([0.1, 0.2], spikes=[0, 0]).collections
    assert not len(ticks.get_positions())


def test_plot_voltage_draws_on_the_axes_given(firing):
    """None makes a figure; axes given are drawn on and returned; style is passed on."""
    voltage, output = firing
    made = plot_voltage(voltage)
    assert made.figure.number in plt.get_fignums()
    assert made.lines[0].get_color() == COLORS["spiking"]
    ax = plt.figure().subplots()
    assert plot_voltage(voltage, spikes=output, ax=ax, color="red") is ax
    assert ax.lines[0].get_color() == "red"
    assert mpl.colors.same_color(ax.collections[0].get_color(), "red")


@pytest.mark.parametrize("n_lines", [1, 3])
def test_plot_spikes_draws_each_line_in_sight(n_lines):
    """Ticks stand at the spike times, at the height of their label, inside the axes."""
    spikes = np.zeros((n_lines, 10), dtype=bool)
    spikes[:, [2, 7]] = True
    ax = plot_spikes(spikes, dt=0.001)
    low, high = ax.get_ylim()
    for line, events in enumerate(ax.collections):
        np.testing.assert_allclose(events.get_positions(), [0.003, 0.008])
        assert events.get_lineoffset() == line
        assert low < line < high
    assert len(ax.collections) == n_lines


def test_plot_spikes_numbers_the_lines_or_labels_them():
    """One label a line, of whatever sequence; the colour is that of spikes."""
    spikes = np.eye(3, 4)
    for labels in (["a", "b", "c"], ("a", "b", "c"), np.array(["a", "b", "c"])):
        ax = plot_spikes(spikes, labels=labels)
        assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]
    ax = plot_spikes(spikes)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["0", "1", "2"]
    assert ax.get_yticks().tolist() == [0, 1, 2]
    assert all(same_color(line, COLORS["spiking"]) for line in ax.collections)
    ax = plot_spikes(spikes, color=["red", "green", "blue"], linelengths=0.5)
    for line, color in zip(ax.collections, ["red", "green", "blue"], strict=True):
        assert same_color(line, color)
        assert line.get_linelength() == 0.5


def test_plot_spikes_shows_the_whole_time():
    """The axis ends with the last step, though nothing spikes in it."""
    ax = plot_spikes(np.zeros((2, 50)), dt=0.002)
    assert ax.get_xlim() == pytest.approx((0, 0.1))
    assert ax.get_ylim() == pytest.approx((-0.6, 1.6))
    assert ax.get_xlabel() == "time (s)"


@pytest.mark.parametrize(
    "plot",
    [lambda v: plot_spikes([v]), plot_output, plot_voltage],
    ids=["spikes", "output", "voltage"],
)
def test_plots_take_a_millisecond_for_a_step(plot):
    """As Nengo does, where nothing else is said."""
    assert plot([0.0] * 30).get_xlim() == pytest.approx((0, 0.03))


@pytest.mark.parametrize("n_lines", [None, 1, 3])
def test_plot_output_draws_each_column_at_the_end_of_its_step(n_lines):
    """A line for each column, its first value at dt; style is passed on."""
    output = np.random.default_rng(0).normal(size=(20, n_lines) if n_lines else 20)
    ax = plot_output(output, dt=0.01, linewidth=3)
    assert len(ax.lines) == (n_lines or 1)
    for line, column in zip(ax.lines, np.reshape(output, (20, -1)).T, strict=True):
        np.testing.assert_allclose(drawn(line)[:, 0], 0.01 * np.arange(1, 21))
        np.testing.assert_array_equal(drawn(line)[:, 1], column)
        assert line.get_linewidth() == 3
    assert ax.get_xlim() == pytest.approx((0, 0.2))
    assert ax.get_xlabel() == "time (s)"


def test_plot_output_marks_its_target():
    """A dashed line over the whole width, in the colour of targets; 0 is one."""
    for target in (0, 2.5, np.float64(-1)):
        _, marked = plot_output([1.0, 2.0], target=target).lines
        assert set(marked.get_ydata()) == {target}
        assert marked.get_linestyle() == "--"
        assert same_color(marked, COLORS["target"])
        assert marked.get_label() == "target"
    assert len(plot_output([1.0, 2.0]).lines) == 1


@pytest.mark.parametrize("as_given", [np.ravel, lambda it: np.reshape(it, (-1, 1))])
def test_plot_fit_draws_data_and_curves(as_given):
    """Points without a line, and each curve by its name; rows and columns are one."""
    x, y = np.arange(3.0), np.array([2.0, 1.0, 5.0])
    grid = np.linspace(0, 2, 9)
    fits = {
        "spiking neuron": (as_given(grid), as_given(grid**2)),
        "baseline (mean)": [as_given(grid), as_given(0 * grid)],
        "other": (grid, -grid),
    }
    ax = plot_fit(as_given(x), as_given(y), fits)
    data, *curves = ax.lines
    np.testing.assert_array_equal(drawn(data), np.column_stack([x, y]))
    assert (data.get_linestyle(), data.get_marker()) == ("None", "o")
    assert same_color(data, COLORS["data"])
    for line, (name, curve) in zip(curves, fits.items(), strict=True):
        points = np.column_stack([*map(np.ravel, curve)])
        np.testing.assert_array_equal(drawn(line), points)
        assert line.get_label() == name
    assert same_color(curves[0], COLORS["spiking"])
    assert same_color(curves[1], COLORS["baseline"])
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["data", "spiking neuron", "baseline (mean)", "other"]


def test_plot_curve_draws_median_and_middle_half():
    """Of the repeats 0, 1, 2, 3, 10: the line at 2, the band from 1 to 3."""
    repeats = np.array([3.0, 0.0, 10.0, 1.0, 2.0])
    values = [1.0, 2.0, 4.0]
    ax = plot_curve(values, repeats + 10 * np.arange(3)[:, np.newaxis], label="score")
    (line,), (band,) = ax.lines, ax.collections
    np.testing.assert_array_equal(drawn(line), np.column_stack([values, [2, 12, 22]]))
    assert line.get_label() == "score"
    corners = band.get_paths()[0].vertices
    for value, offset in zip(values, (0, 10, 20), strict=True):
        heights = {*corners[corners[:, 0] == value, 1]}
        assert heights == {1 + offset, 3 + offset}
    assert mpl.colors.to_rgb(band.get_facecolor()[0]) == mpl.colors.to_rgb(
        line.get_color()
    )


@pytest.mark.parametrize("scores", [[3.0, 1.0], [[3.0], [1.0]]])
def test_plot_curve_of_one_score_has_no_band(scores):
    """One score a value is the line itself; style is passed on."""
    ax = plot_curve([1, 2], scores, color="red")
    np.testing.assert_array_equal(drawn(ax.lines[0]), [[1, 3], [2, 1]])
    assert not ax.collections
    assert same_color(ax.lines[0], "red")


def test_plot_curve_of_two_repeats_has_a_band():
    """Of 0 and 4 the quarters are 1 and 3."""
    (band,) = plot_curve([1, 2], [[0.0, 4.0]] * 2).collections
    assert {*band.get_paths()[0].vertices[:, 1]} == {1.0, 3.0}


def test_plot_curve_leaves_a_gap_where_a_score_is_missing():
    """NaN is a value without a score, as in a table with holes."""
    (line,) = plot_curve([1, 2, 3], [1.0, np.nan, 3.0]).lines
    np.testing.assert_array_equal(line.get_ydata(), [1.0, np.nan, 3.0])


def test_plot_curve_marks_its_references():
    """Each level by name, in the colour of its first word, else in that of data."""
    ax = plot_curve([1, 2], [3, 4], reference={"baseline (mean)": 2, "": 1.5})
    _, baseline, other = ax.lines
    assert (set(baseline.get_ydata()), set(other.get_ydata())) == ({2}, {1.5})
    assert same_color(baseline, COLORS["baseline"])
    assert same_color(other, COLORS["data"])
    assert baseline.get_label() == "baseline (mean)"
    assert baseline.get_linestyle() == other.get_linestyle() == "--"


def test_plot_images_draws_ink_dark():
    """Each picture holds its pixels, from white at 0 to black at 1, under its title."""
    images = np.random.default_rng(0).uniform(size=(3, 4, 5))
    images[0, 0, :2] = 0, 1
    axes = plot_images(images, np.array([7, 2, 1]))
    assert np.shape(axes) == (1, 3)
    for ax, image, title in zip(np.ravel(axes), images, ["7", "2", "1"], strict=True):
        (picture,) = ax.images
        np.testing.assert_array_equal(picture.get_array(), image)
        assert picture.get_clim() == (0, 1)
        assert picture.cmap(0.0)[:3] == (1, 1, 1)
        assert picture.cmap(1.0)[:3] == (0, 0, 0)
        assert ax.get_title() == title
        assert not ax.axison


def table(**columns):
    """Return a table of runs whose columns x, c and seed are parameters."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(columns)
    frame.attrs["columns"] = [
        {"name": name, "kind": "parameter", "unit": "Hz" if name == "x" else ""}
        for name in ("x", "c", "seed")
        if name in columns
    ]
    return frame


def test_plot_matrix_writes_each_number_in_its_cell():
    """Where it stands, how it is written, and legibly; a gap stays empty."""
    matrix = pd.DataFrame(
        [[0.0, 99.6], [np.nan, 50.0]],
        index=pd.Index([0.01, 0.02], name="amplitude"),
        columns=pd.Index([50, 100], name="max_rate (Hz)"),
    )
    ax = plot_matrix(matrix, vmin=0, vmax=100)
    texts = {text.get_text(): text for text in ax.texts}
    assert {name: text.get_position() for name, text in texts.items()} == {
        "0": (0, 0),
        "100": (1, 0),
        "50": (1, 1),
    }
    assert (texts["0"].get_color(), texts["100"].get_color()) == ("black", "white")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("max_rate (Hz)", "amplitude")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["50", "100"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.01", "0.02"]
    assert plot_matrix(matrix, fmt=".1f").texts[1].get_text() == "99.6"
    (frame,) = plot_matrix(matrix, framed=[[False, True], [False, False]]).patches
    assert frame.get_bbox().bounds == (0.5, -0.5, 1, 1)
    with pytest.raises(ValueError, match=r"framed must have shape \(2, 2\); got"):
        plot_matrix(matrix, framed=[True])
    with pytest.raises(ValueError, match="matrix must hold real numbers"):
        plot_matrix(matrix.astype(str))


def test_plot_shares_draws_a_triangle():
    """Factors on the diagonal, pairs below it, in percent; the rest stays out."""
    scores = np.random.default_rng(0).normal(size=(2, 3, 2, 4))
    shares = variance_shares(scores, ["rate", "tau", "read"], n_resamples=2)
    ax = plot_shares(shares)
    found = {it.get_position()[::-1]: it.get_text() for it in ax.texts}
    percent = {name: f"{100 * it.share:.0f}" for name, it in shares.items()}
    assert found == {
        (0, 0): percent["rate"],
        (1, 1): percent["tau"],
        (2, 2): percent["read"],
        (1, 0): percent["rate x tau"],
        (2, 0): percent["rate x read"],
        (2, 1): percent["tau x read"],
    }
    assert [it.get_text() for it in ax.get_yticklabels()] == ["rate", "tau", "read"]


def test_plot_results_draws_means_with_their_interval():
    """Bars are Student's interval of the mean over runs that differ in the seed."""
    results = table(
        x=[1.0, 2.0] * 4,
        seed=[0, 0, 1, 1, 2, 2, 3, 3],
        y=[1.0, 5.0, 2.0, 5.0, 3.0, 5.0, 4.0, 5.0],
    )
    ax = plot_results(results, x="x", y="y")
    (container,) = ax.containers
    np.testing.assert_allclose(
        drawn(container.lines[0]).astype(float), [[1, 2.5], [2, 5]]
    )
    (bars,) = container.lines[2]
    # t for 3 degrees of freedom, from a table: 3.182.
    half = 3.182 * np.std([1, 2, 3, 4], ddof=1) / 2
    low, high = bars.get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((2.5 - half, 2.5 + half), rel=1e-3)
    assert ax.get_xlabel() == "x (Hz)"
    assert ax.get_ylabel() == "y"
    assert ax.get_title(loc="left") == "mean of up to 4 runs, with its 95 % interval"
    assert ax.get_legend() is None


def test_plot_results_draws_runs_that_are_no_repeats_one_by_one():
    """An interval over other settings would be none of repeats."""
    results = table(x=[1.0, 1.0, 100.0], c=[1, 2, 2], y=[1.0, 2.0, 3.0])
    ax = plot_results(results, x="x", y="y")
    (container,) = ax.containers
    assert drawn(container.lines[0]).tolist() == [[1, 1], [1, 2], [100, 3]]
    assert container.lines[0].get_linestyle() == "None"
    assert not container.lines[2]
    assert ax.get_title(loc="left") == "each point is a run; they differ in c too"
    assert ax.get_xscale() == "log"


def test_plot_results_counts_a_run_once():
    """Tables that were joined may hold a run twice; that is no repeat."""
    results = table(x=[1.0, 1.0], seed=[0, 1], y=[1.0, 2.0]).assign(run_id=["a", "b"])
    once, twice = (
        plot_results(it, x="x", y="y") for it in (results, pd.concat([results] * 2))
    )
    for ax in (once, twice):
        assert (
            ax.get_title(loc="left") == "mean of up to 2 runs, with its 95 % interval"
        )
    bars = [ax.containers[0].lines[2][0].get_segments()[0] for ax in (once, twice)]
    np.testing.assert_allclose(*bars)
    # Nor is a run that stands once for each parameter that is varied.
    by_axis = pd.concat([results.assign(axis=name) for name in ("c", "seed")])
    again = plot_results(by_axis, x="x", y="y")
    assert again.get_title(loc="left").startswith("mean of up to 2 runs")
    # Those without an id are runs of their own.
    nameless = plot_results(results.assign(run_id=None), x="x", y="y")
    assert nameless.get_title(loc="left").startswith("mean of up to 2 runs")


def test_plot_results_without_a_schema_takes_no_run_for_a_repeat():
    """Nothing says then whether runs differ in their seed alone."""
    results = table(x=[1.0, 1.0], c=[1, 2], y=[1.0, 2.0])
    results.attrs.clear()
    ax = plot_results(results, x="x", y="y")
    assert not ax.containers[0].lines[2]
    assert "no schema tells which are repeats" in ax.get_title(loc="left")


def test_plot_results_takes_tables_one_below_the_other():
    """Each keeps its own index, in which labels then stand twice."""
    first = table(x=[1, 2], y=[1.0, 2.0])
    second = table(x=[10, 20], y=[100.0, 200.0])
    for by in ((), "c"):
        joined = pd.concat([first.assign(c="a"), second.assign(c="b")])
        ax = plot_results(joined, x="x", y="y", by=by)
        points = np.concatenate([drawn(it.lines[0]) for it in ax.containers])
        assert points.tolist() == [[1, 1], [2, 2], [10, 100], [20, 200]]


@pytest.mark.parametrize(
    "schema", [5, ["x"], [{}], [{"name": []}], {"name": "x"}, None]
)
def test_plot_results_takes_a_table_with_other_notes(schema):
    """What others keep in attrs says nothing of the columns."""
    results = table(x=[1.0, 2.0], y=[1.0, 2.0])
    results.attrs["columns"] = schema
    ax = plot_results(results, x="x", y="y")
    assert drawn(ax.containers[0].lines[0]).tolist() == [[1, 1], [2, 2]]
    assert ax.get_xlabel() == "x"


def test_plot_results_draws_a_line_for_each_value():
    """They are named, and no value of another line is in one."""
    results = table(x=[1.0, 2.0] * 2, c=["a", "a", "b", "b"], y=[1.0, 2.0, 3.0, 4.0])
    ax = plot_results(results, x="x", y="y", by="c")
    lines = [drawn(container.lines[0]).tolist() for container in ax.containers]
    assert lines == [[[1, 1], [2, 2]], [[1, 3], [2, 4]]]
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["c = a", "c = b"]
    assert ax.get_title(loc="left") == ""


def test_plot_results_takes_words_and_none_for_x():
    """They stand side by side, in the order of the table."""
    ax = plot_results(table(x=["b", None, "a"], y=[1.0, 2.0, None]), x="x", y="y")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["b", "None"]
    assert ax.get_title(loc="left") == "1 runs without y are left out"
    whole = pd.array([5, None, 7], "Int64")
    ax = plot_results(table(x=whole, y=[1.0, 2.0, 3.0]), x="x", y="y")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["5", "None", "7"]


def test_plot_results_draws_the_rows_that_vary_x():
    """In a table of several sweeps through one point, the others are left aside."""
    rows = {"x": [1.0, 2.0, 1.0], "c": [1, 1, 2], "y": [1.0, 2.0, 3.0]}
    ax = plot_results(table(axis=["x", "x", "c"], **rows), x="x", y="y")
    assert drawn(ax.containers[0].lines[0]).tolist() == [[1, 1], [2, 2]]
    assert ax.get_title(loc="left") == ""


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            {"x": "xs", "y": "y"},
            r"x must be one of \['x'.*got 'xs'. Did you mean 'x'\?",
        ),
        ({"x": "x", "y": "t"}, "y must be a column of numbers; 't' is none"),
        ({"x": "x", "y": "huge"}, "y must be a column of numbers; 'huge' is none"),
        ({"x": "x", "y": "none"}, "y must be a metric that some run has; none has"),
        ({"x": "x", "y": "y", "by": ["x", "z"]}, "by must be one of .*got 'z'"),
        ({"x": "x", "y": "y", "by": None}, "by must be a name or a sequence.*got None"),
        ({"x": "x", "y": "y", "by": [["x"]]}, r"by must be one of .*got \['x'\]"),
        ({"x": ["x"], "y": "y"}, r"x must be one of .*got \['x'\]"),
        ({"x": "x", "y": np.array(["y", "t"])}, "y must be one of .*got array"),
        ({"x": "x", "y": {}}, "y must be one of .*got {}"),
    ],
)
def test_plot_results_names_what_is_not_there(names, message):
    """Before there is a figure."""
    results = table(x=[1.0], y=[1.0], t=["a"], none=[None], huge=[10**400])
    with pytest.raises(ValueError, match=message):
        plot_results(results, **names)
    with pytest.raises(ValueError, match=r"results must be a pandas\.DataFrame; got"):
        plot_results([{"x": 1, "y": 1}], x="x", y="y")
    with pytest.raises(ValueError, match="results must have each column once; got 'x'"):
        plot_results(pd.concat([results, results[["x"]]], axis=1), x="x", y="y")
    assert plt.get_fignums() == []


def one_image(*, ax=None):
    """Draw one image, as the other functions draw one thing."""
    axes = plot_images(np.ones((1, 2, 2)), ["1"], axes=ax)
    return np.ravel(axes)[0] if ax is None else axes


PLOTS = {
    "spikes": lambda **on: plot_spikes(np.eye(2), **on),
    "output": lambda **on: plot_output([1.0, 2.0], target=1, **on),
    "voltage": lambda **on: plot_voltage([0.1, 0.9], spikes=[0, 1], **on),
    "fit": lambda **on: plot_fit([1, 2], [3, 4], {"line": ([1, 2], [3, 4])}, **on),
    "curve": lambda **on: plot_curve([1, 2], np.eye(2), reference={"a": 1}, **on),
    "images": one_image,
    "results": lambda **on: plot_results(table(x=[1], y=[1]), x="x", y="y", **on),
}


@pytest.mark.parametrize("name", PLOTS)
def test_plots_change_nothing_but_the_axes(name):
    """With axes there is no other figure; without there is one; no setting changes."""
    settings = mpl.rcParams.copy()
    fig, (ax, other) = plt.subplots(1, 2)
    plt.sca(other)
    assert PLOTS[name](ax=ax) is ax
    assert plt.get_fignums() == [fig.number]
    assert not other.has_data()
    assert plt.gca() is other
    made = PLOTS[name]()
    assert made.figure is not fig
    assert len(plt.get_fignums()) == 2
    assert mpl.rcParams == settings


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("ax", [3, "left", {}])
def test_plots_name_axes_that_are_none(name, ax):
    """What is no Axes is not drawn on."""
    parameter = "axes" if name == "images" else "ax"
    with pytest.raises(ValueError, match=rf"^{parameter} must be Matplotlib's Axes"):
        PLOTS[name](ax=ax)


NO_NUMBERS = {
    "none": None,
    "text": "abc",
    "texts": ["a", "b"],
    "ragged": [[1, 2], [1]],
    "complex": [1j, 2],
    "holds-none": [1.0, None],
    "dict": {"a": 1},
    "empty": [],
    "number": 3.0,
    "four-axes": np.ones((2, 2, 2, 2)),
}
CURVE = ([1.0, 2.0], [1.0, 2.0])
FRAME = pd.DataFrame(np.eye(2))
SHARE = variance_shares([[0.0], [1.0]], ["a"])["a"]
ARRAYS = {
    "spikes": plot_spikes,
    "output": plot_output,
    "voltage": plot_voltage,
    "spikes ": lambda v: plot_voltage([1, 2], spikes=v if v is not None else "None"),
    "x": lambda v: plot_fit(v, [1, 2], {}),
    "y": lambda v: plot_fit([1, 2], v, {}),
    "x of fits": lambda v: plot_fit(*CURVE, {"a": (v, [1, 2])}),
    "y of fits": lambda v: plot_fit(*CURVE, {"a": ([1, 2], v)}),
    "values": lambda v: plot_curve(v, [1, 2]),
    "scores": lambda v: plot_curve([1, 2], v),
    "images": lambda v: plot_images(v, ["a"]),
}


@pytest.mark.parametrize("kind", NO_NUMBERS)
@pytest.mark.parametrize("name", ARRAYS)
def test_plots_name_what_holds_no_numbers(name, kind):
    """It is refused by the name of its parameter, before there is a figure."""
    with pytest.raises(ValueError, match=rf"^{name.strip()}.* must .*got "):
        ARRAYS[name](NO_NUMBERS[kind])
    assert not plt.get_fignums()


WRONG = [
    (lambda: plot_spikes([True, False]), r"spikes must have 2 axes.*shape \(2,\)"),
    (lambda: plot_spikes(np.zeros((2, 0))), r"spikes must .*not be empty.*\(2, 0\)"),
    (lambda: plot_spikes(np.eye(2), labels=["a"]), "labels must be 2, one each; got 1"),
    (lambda: plot_spikes(np.eye(2), labels=[]), "labels must be 2, one each; got 0"),
    (lambda: plot_spikes(np.eye(2), labels=np.arange(3)), "labels must be 2.*got 3"),
    (lambda: plot_spikes(np.eye(2), labels="ab"), "labels must be a sequence of 2.*ab"),
    (lambda: plot_spikes(np.eye(2), labels=2), "labels must be a sequence of 2; got 2"),
    (lambda: plot_spikes([[0, np.nan]]), "spikes must be finite; got 1 of 2"),
    (lambda: plot_voltage([1, 2], spikes=[np.nan, 0]), "spikes must be finite; got 1"),
    (lambda: plot_spikes(np.eye(1), labels=np.array("a")), "labels must be a sequence"),
    (
        lambda: plot_spikes(np.eye(1), labels=np.eye(1)),
        "labels must be a sequence of 1",
    ),
    (lambda: plot_output(np.ones((2, 2, 2))), r"output must have 1 or 2 axes.*got"),
    (lambda: plot_output([1.0], target="high"), "target must be a finite number.*high"),
    (lambda: plot_output([1.0], target=[1.0]), "target must be a finite number.*got"),
    (lambda: plot_output([1.0], target=np.nan), "target must be a finite number.*nan"),
    (lambda: plot_voltage(np.eye(2)), r"voltage must have 1 axis.*\(2, 2\)"),
    (
        lambda: plot_voltage([1, 2], spikes=[1]),
        "voltage and spikes .*got 2 and 1",
    ),
    (lambda: plot_fit([1, 2], [1], {}), "x and y must be equally long; got 2 and 1"),
    (lambda: plot_fit(np.eye(2), [1, 2], {}), r"x must have one column.*\(2, 2\)"),
    (lambda: plot_fit(*CURVE, None), "fits must be a dict.*got None"),
    (lambda: plot_fit(*CURVE, [CURVE]), "fits must be a dict.*got"),
    (lambda: plot_fit(*CURVE, {1: CURVE}), "fits must be a dict with names as keys"),
    (lambda: plot_fit(*CURVE, {"a": [1, 2, 3]}), r"fits\['a'\] must be a pair.*got"),
    (lambda: plot_fit(*CURVE, {"a": None}), r"fits\['a'\] must be a pair.*None"),
    (
        lambda: plot_fit(*CURVE, {"a": ([1, 2], [1])}),
        r"x of fits\['a'\] and y of fits\['a'\] must be equally long; got 2 and 1",
    ),
    (lambda: plot_curve([1, 2], [1]), "values and scores .* long; got 2 and 1"),
    # Repeats by values, which could be cut up into as many rows as there are values.
    (lambda: plot_curve([1, 2], np.ones((4, 2))), "values and scores .*got 2 and 4"),
    (lambda: plot_curve([1], [1], reference=[1]), "reference must be a dict.*got"),
    (lambda: plot_curve([1], [1], reference=np.ones(2)), "reference must be a dict"),
    (
        lambda: plot_curve([1], [1], reference={"a": None}),
        r"reference\['a'\] must",
    ),
    (lambda: plot_curve([1], [1], reference={2: 1}), "reference must be a dict.*names"),
    (lambda: plot_matrix(np.eye(3)), r"matrix must be a pandas\.DataFrame; got array"),
    (lambda: plot_matrix(None), r"matrix must be a pandas\.DataFrame; got None"),
    (lambda: plot_matrix(FRAME, fmt="d"), "fmt must be a format of numbers.*got 'd'"),
    (lambda: plot_matrix(FRAME, fmt=None), "fmt must be a format of numbers.*got None"),
    (lambda: plot_matrix(FRAME, framed=[[1], [1, 2]]), "framed must be an array of"),
    (lambda: plot_matrix(FRAME, framed=[["a"]]), "framed must be an array of"),
    (lambda: plot_shares({}), "shares must be those of variance_shares; got {}"),
    (lambda: plot_shares({"a": 1}), "shares must be those of variance_shares; got"),
    (lambda: plot_shares({"a x b": SHARE}), "shares must be those of variance_shares"),
    (lambda: plot_shares({"a": SHARE, "a x b": SHARE}), "shares must be those of var"),
    (lambda: plot_shares([SHARE]), "shares must be a dict with names as keys; got"),
    (lambda: plot_images(np.ones((2, 4)), "ab"), r"images must have 3 axes.*\(2, 4\)"),
    (lambda: plot_images(np.ones((2, 2, 2)), ["a"]), "titles must be 2.*got 1"),
    (lambda: plot_images(np.ones((2, 2, 2)), "ab"), "titles must be a sequence of 2"),
    (lambda: plot_images(np.ones((2, 2, 2)), None), "titles must be a sequence of 2"),
    (lambda: plot_images(255 * np.ones((1, 2, 2)), "a"), "titles must be a sequence"),
    (lambda: plot_images(255 * np.ones((1, 2, 2)), ["a"]), r"pixels in \[0, 1\].*255"),
    (lambda: plot_images(1.1 * np.ones((1, 2, 2)), ["a"]), r"in \[0, 1\].* to 1\.1"),
    (lambda: plot_images(-np.ones((1, 2, 2)), ["a"]), r"pixels in \[0, 1\].*from -1"),
    (lambda: plot_images(np.nan * np.ones((1, 2, 2)), ["a"]), r"in \[0, 1\].*nan"),
]


@pytest.mark.parametrize(("plot", "message"), WRONG)
def test_plots_name_what_does_not_fit(plot, message):
    """Numbers of labels, lengths and shapes are checked before there is a figure."""
    with pytest.raises(ValueError, match=message):
        plot()
    assert not plt.get_fignums()


def test_plot_images_names_axes_that_do_not_suffice():
    """One an image: none is left white, and none drawn on twice."""
    _, axes = plt.subplots(1, 3)
    with pytest.raises(ValueError, match=r"axes must be 2, one an image; got 3"):
        plot_images(np.ones((2, 2, 2)), ["a", "b"], axes=axes)
    assert not any(ax.has_data() for ax in axes)


@pytest.mark.parametrize("dt", [0, -0.001, np.nan, np.inf, None, "1 ms", True, [0.001]])
@pytest.mark.parametrize("plot", [plot_spikes, plot_output, plot_voltage])
def test_plots_name_a_step_that_is_none(plot, dt):
    """A step is a time in seconds."""
    with pytest.raises(ValueError, match=r"^dt must be a finite number above 0 to 1e"):
        plot(np.eye(2) if plot is plot_spikes else [1.0, 2.0], dt=dt)
    assert not plt.get_fignums()

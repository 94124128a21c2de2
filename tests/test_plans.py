"""A sweep's definition is checked to the last run before the first one starts."""

import copy
import datetime
import decimal
import fractions
import json
import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as example_of
from hypothesis import strategies as st
from tiny import write_definition, write_notebook

import snnlib
import snnlib.plans
from snnlib.definitions import SweepError, read_value
from snnlib.digests import digest
from snnlib.plans import Plan, make_plan, read_plan


@pytest.fixture
def notebook(tmp_path):
    """Return the path of the tiny notebook."""
    return write_notebook(tmp_path)


def given(plan):
    """Return what the definition gives each row."""
    return [run.given for _, run in plan.rows]


def test_one_at_a_time_varies_around_the_fixed_point(notebook):
    """Each row names its axis; a point on two axes is one run with two rows."""
    plan = make_plan(
        notebook,
        parameters={"x": 2, "label": "a"},
        one_at_a_time={"x": [1, 2], "power": [2, 3]},
    )
    assert [axis for axis, _ in plan.rows] == ["x", "x", "power", "power"]
    assert [(v["x"], v["power"]) for v in (run.values for _, run in plan.rows)] == [
        (1.0, 2),
        (2.0, 2),
        (2.0, 2),
        (2.0, 3),
    ]
    assert len(plan.runs) == 3
    assert all(run.values["label"] == "a" for run in plan.runs)


def test_grid_combines_every_value(notebook):
    """The rows come in the order of nested loops over the axes."""
    plan = make_plan(notebook, grid={"x": [1, 2], "power": [2, 3, 4]}, seeds=2)
    assert len(plan.rows) == len(plan.runs) == 12
    assert given(plan)[:3] == [
        {"x": 1.0, "power": 2, "seed": 0},
        {"x": 1.0, "power": 2, "seed": 1},
        {"x": 1.0, "power": 3, "seed": 0},
    ]


def test_random_points_are_drawn_from_ranges_and_lists(notebook):
    """They differ, stay in range, and come back with the same seed."""
    axes = {
        "x": {"low": 0.01, "high": 100, "log": True},
        "power": {"low": 1, "high": 9},
        "label": ["a", "b"],
    }
    plan = make_plan(notebook, random={"n": 200, "seed": 3, "axes": axes})
    xs = np.array([point["x"] for point in given(plan)])
    powers = np.array([point["power"] for point in given(plan)])
    assert len(plan.runs) == 200
    assert xs.min() >= 0.01
    assert xs.max() <= 100
    # Uniform in the logarithm: the median is the geometric mean of the ends, 1. With
    # 200 draws over four decades its standard error is 0.14 decades; seed 3 in view.
    assert abs(np.log10(np.median(xs))) < 0.4
    assert set(powers) == set(range(1, 10))
    assert {point["label"] for point in given(plan)} == {"a", "b"}
    again = make_plan(notebook, random={"n": 200, "seed": 3, "axes": axes})
    other = make_plan(notebook, random={"n": 200, "seed": 4, "axes": axes})
    assert given(again) == given(plan) != given(other)


def test_whole_numbers_can_be_drawn_in_logarithm(notebook):
    """They stay whole, and within both ends."""
    axes = {"power": {"low": 1, "high": 1000, "log": True}}
    plan = make_plan(notebook, random={"n": 100, "axes": axes})
    powers = [point["power"] for point in given(plan)]
    assert all(type(power) is int and 1 <= power <= 1000 for power in powers)


def test_random_points_are_as_many_as_asked_for(notebook):
    """Any number of a list's values can be drawn, each at most once."""
    for n in (1, 2, 5):
        axes = {"power": [1, 2, 3, 4, 5]}
        plan = make_plan(notebook, random={"n": n, "axes": axes})
        assert len({point["power"] for point in given(plan)}) == n == len(plan.rows)


def test_random_seed_is_0_unless_given(notebook):
    """The same points come without a seed and with seed 0."""
    axes = {"x": {"low": 1, "high": 50}}
    points = [
        given(make_plan(notebook, random={"n": 5, "axes": axes, **seed}))
        for seed in ({}, {"seed": 0}, {"seed": 1})
    ]
    assert points[0] == points[1] != points[2]


def test_ranges_are_even_unless_log_is_asked_for(notebook):
    """Even over 1 to 100 the median is 50; even over the decades of 1 to 100 it is 10.

    Of 300 draws the first has a standard error of 2.9, the second of 6 %.
    """
    medians = []
    for log in ({}, {"log": False}, {"log": True}):
        axes = {"x": {"low": 1, "high": 100, **log}}
        plan = make_plan(notebook, random={"n": 300, "axes": axes})
        medians.append(np.median([point["x"] for point in given(plan)]))
    assert medians[0] == medians[1] == pytest.approx(50, abs=9)
    assert medians[2] == pytest.approx(10, rel=0.3)
    # Whole numbers over six decades: 40 draws have a standard error of 0.5 decades.
    axes = {"power": {"low": 1, "high": 10**6, "log": True}}
    plan = make_plan(notebook, random={"n": 40, "axes": axes})
    median = np.median([point["power"] for point in given(plan)])
    assert np.log10(median) == pytest.approx(3, abs=1.2)


def test_run_knows_its_inputs_and_its_dataset(tmp_path):
    """What a notebook reads is digested, by the data set that its parameter names."""
    cells = {
        "parameters": 'dataset = "digits28"\nn = 1',
        "check": "",
        "fault": "",
        "result": "from snnlib import fetch_digits\nfetch_digits(dataset)",
    }
    path = write_notebook(tmp_path, "reader", **cells)
    digits = snnlib.load_digits28()
    (run,) = make_plan(path).runs
    assert run.inputs == {"digits28": digits.digest}
    plan = make_plan(path)
    identity = {**plan.identity, "inputs": run.inputs, "values": run.values}
    assert run.id == digest(identity)[:16]


@pytest.mark.parametrize("letter", ["\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"])
def test_name_is_read_as_python_reads_it(tmp_path, letter):
    """To Python two letters are one, whichever the notebook and the definition have."""
    for own in ("\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"):
        notebook = write_notebook(tmp_path, parameters=f"{own} = 1.0", check="")
        for way in ("grid", "one_at_a_time"):
            plan = make_plan(notebook, **{way: {letter: [2, 3]}})
            assert [[*run.values.values()] for run in plan.runs] == [[2.0], [3.0]]
        axes = {letter: {"low": 1, "high": 2}}
        assert make_plan(notebook, random={"n": 1, "axes": axes}).runs[0].values
        (run,) = make_plan(notebook, parameters={letter: 2}).runs
        assert list(run.values.values()) == [2.0]
    path = tmp_path / "a.yaml"
    path.write_text(f"notebook: tiny.ipynb\nparameters: {{{letter}: 2}}")
    (run,) = read_plan(path, parameters={"\N{MICRO SIGN}": 3}).runs
    assert list(run.values.values()) == [3.0]
    with pytest.raises(SweepError, match=r"^grid\..: is there twice\."):
        make_plan(notebook, grid={"\N{MICRO SIGN}": [1], own: [2]})


def test_definition_without_axes_is_one_run(notebook):
    """Repeats over seeds need no axis either."""
    assert len(make_plan(notebook).rows) == 1
    assert given(make_plan(notebook, seeds=[5, 7])) == [{"seed": 5}, {"seed": 7}]


def test_numpy_values_become_plain(notebook):
    """An axis may be an array."""
    plan = make_plan(notebook, grid={"x": np.linspace(0, 1, 3)})
    assert given(plan) == [{"x": 0.0}, {"x": 0.5}, {"x": 1.0}]
    assert all(type(point["x"]) is float for point in given(plan))


def test_id_is_that_of_the_point(tmp_path, notebook):
    """It does not matter how a point is written, but every parameter does."""
    (run,) = make_plan(notebook, parameters={"x": 1, "power": 2.0}).runs
    assert run.id == make_plan(notebook).runs[0].id
    assert re.fullmatch("[0-9a-f]{16}", run.id)
    for change in ({"x": 2}, {"power": 3}, {"seed": 1}, {"offset": None}):
        assert make_plan(notebook, parameters=change).runs[0].id != run.id
    changed = write_notebook(tmp_path, "changed", check="def check_parameters(): pass")
    assert make_plan(changed).runs[0].id != run.id


def test_id_rests_on_code_and_data(notebook, monkeypatch):
    """Another snnlib, or other data, means another run."""
    import snnlib.plans

    (before,) = make_plan(notebook).runs
    for name, value in (("code_digest", lambda: "other"), ("__version__", "9.9")):
        with monkeypatch.context() as patch:
            patch.setattr(snnlib.plans, name, value)
            assert make_plan(notebook).runs[0].id != before.id
    monkeypatch.setattr(snnlib.plans.Notebook, "inputs", lambda *_: {"data": "other"})
    assert make_plan(notebook).runs[0].id != before.id


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"parameters": {"y": 1}}, "parameters.y: tiny.ipynb has no parameter 'y'. "),
        ({"grid": {"y": [1]}}, "grid.y: tiny.ipynb has no parameter 'y'. Its param"),
        ({"grid": {"x": [1, "a"]}}, "grid.x[1]: x must be a number, as its default"),
        ({"grid": {"x": []}}, "grid.x: must list one value or more; got []."),
        ({"grid": {"x": 3}}, "grid.x: must list one value or more; got 3."),
        ({"grid": {}}, "grid: must name a parameter or more, with their values; got"),
        ({"grid": {"x": [1, 2, 1.0]}}, "grid.x[2]: 1.0 is in the list already."),
        ({"seeds": [1, 2, 1]}, "seeds[2]: 1 is in the list already."),
        ({"seeds": 0}, "seeds: must be a whole number from 1 on; got 0."),
        ({"seeds": 2, "grid": {"seed": [1]}}, "seeds: cannot be given where `seed` is"),
        ({"seeds": 2, "parameters": {"seed": 1}}, "seeds: cannot be given where"),
        ({"gird": {"x": [1]}}, "gird: is none of the keys ['notebook', 'parameters', "),
        (
            {"grid": {"x": [1]}, "one_at_a_time": {"x": [1]}},
            "grid: cannot go with one_at_a_time: choose one of them.",
        ),
        (
            {"parameters": {"x": 1}, "grid": {"x": [1]}},
            "grid.x: is an axis, so it cannot be among the fixed parameters too.",
        ),
        ({"figures": "no"}, "figures: must be true or false; got 'no'."),
        ({"random": {"n": 2}}, "random: must have the key 'axes'; got ['n']."),
        (
            {"random": {"n": 3, "axes": {"label": ["a", "b"]}}},
            "random.n: asks for 3 points, but only 2 different ones were found.",
        ),
        ({"random": {"n": 0, "axes": {}}}, "random.n: must be a whole number from 1"),
        (
            {"random": {"n": 1, "seed": -1, "axes": {}}},
            "random.seed: must be a whole number from 0 on; got -1.",
        ),
        (
            {"random": {"n": 1, "axes": {"x": [1]}}, "parameters": {"x": 1}},
            "random.axes.x: is an axis, so it cannot be among the fixed parameters",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": 1, "high": 2, "log": 3}}}},
            "random.axes.x.log: must be true or false; got 3.",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": 1, "up": 2}}}},
            "random.axes.x.up: is none of the keys ['low', 'high', 'log'].",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": 1}}}},
            "random.axes.x: must have the key 'high'; got ['low'].",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": "a", "high": 1}}}},
            "random.axes.x.low: x must be a number, as its default 1.0 is; got 'a'.",
        ),
        (
            {"random": {"n": 1, "axes": {"y": {"low": 0, "high": 1}}}},
            "random.axes.y: tiny.ipynb has no parameter 'y'.",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": 1, "high": 1}}}},
            "random.axes.x: must have low < high; got 1.0 and 1.0.",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": 0, "high": math.inf}}}},
            "random.axes.x: must have low < high; got 0.0 and inf.",
        ),
        (
            {"random": {"n": 2, "axes": {"x": [50, 101]}}},
            "random: tiny.ipynb refuses x = 101.0: ValueError: x must be from 0",
        ),
        ({"one_at_a_time": []}, "one_at_a_time: must name a parameter or more, with"),
        ({"grid": {"x": {"low": 0, "high": 1}}}, "grid.x: must list one value or more"),
        (
            {"random": {"n": 3, "axes": {"x": {"low": 2, "high": 1}}}},
            "random.axes.x: must have low < high; got 2.0 and 1.0.",
        ),
        (
            {"random": {"n": 3, "axes": {"x": {"low": 0, "high": 1, "log": True}}}},
            "random.axes.x.low: must be above 0 with log; got 0.0.",
        ),
        (
            {"random": {"n": 3, "axes": {"label": {"low": 0, "high": 1}}}},
            "random.axes.label: can have no range: its default is 'plain'.",
        ),
        (
            {"one_at_a_time": {"x": [100, 101]}},
            "one_at_a_time.x[1]: tiny.ipynb refuses x = 101.0: ValueError: x must be "
            "from 0 to 100; got 101.0",
        ),
        (
            {"grid": {"x": [1, -1], "power": [2]}},
            "grid: tiny.ipynb refuses x = -1.0, power = 2: ValueError: x must be",
        ),
    ],
)
def test_impossible_definition_is_refused(notebook, definition, message):
    """The message begins with the key and ends with what was got."""
    with pytest.raises(SweepError, match="^" + re.escape(message)):
        make_plan(notebook, **definition)


def test_message_names_file_and_line(tmp_path):
    """In YAML, the line is that of the value, or of the key nearest to it."""
    path = write_definition(tmp_path)
    path.write_text(
        "# A sweep\nnotebook: tiny.ipynb\ngrid:\n  power: [2, 3]\n  x:\n  - 1\n  - fast"
    )
    with pytest.raises(SweepError, match=r"tiny\.yaml, line 7: grid\.x\[1\]: x must"):
        read_plan(path)
    path.write_text("notebook: tiny.ipynb\n\nseeds: 0\n")
    with pytest.raises(SweepError, match=r"tiny\.yaml, line 3: seeds: must be a whole"):
        read_plan(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notebook: a.ipynb\nnotebook: b.ipynb", "line 2: the key 'notebook' is there"),
        ("1: a.ipynb", "line 1: the key 1 is not a name."),
        ("notebook: [a", "line 1: not YAML: "),
        ("", "must map keys to values; got None."),
        ("seeds: 3", "line 1: must have the key 'notebook'; got ['seeds']."),
        ("notebook: 3", "line 1: notebook: must be a path; got 3."),
        ("notebook: no.ipynb", "line 1: notebook: the notebook "),
        ("notebook: tiny.ipynb\nparameters: 3", "line 2: parameters: must map names"),
    ],
)
def test_file_that_is_no_definition_is_refused(tmp_path, text, message):
    """Each message names the file."""
    path = write_definition(tmp_path)
    path.write_text(text)
    with pytest.raises(SweepError, match=re.escape(message)) as refused:
        read_plan(path)
    assert str(refused.value).startswith(str(path))


def test_missing_definition_is_named(tmp_path):
    """It is not a traceback."""
    with pytest.raises(SweepError, match=r"none\.yaml cannot be read: No such file"):
        read_plan(tmp_path / "none.yaml")


def test_notebook_is_looked_for_beside_the_definition(tmp_path, monkeypatch):
    """The working directory does not matter."""
    path = write_definition(tmp_path / "deep")
    monkeypatch.chdir(tmp_path)
    assert read_plan(path).notebook.path == tmp_path / "deep" / "tiny.ipynb"


def test_definition_is_not_changed(notebook):
    """The caller's own lists stay as they are."""
    definition = {"parameters": {"x": 1}, "grid": {"power": [2, 3]}, "seeds": [1, 2]}
    kept = copy.deepcopy(definition)
    make_plan(notebook, **definition)
    assert definition == kept


def test_data_that_are_not_there_are_named(tmp_path, monkeypatch):
    """A notebook that cannot read its data is refused before the first run."""
    monkeypatch.setenv("SNNLIB_DATA_DIR", str(tmp_path / "nowhere"))
    notebook = write_notebook(tmp_path, fault="fetch_mnist()")
    with pytest.raises(SweepError, match=r"notebook: it reads what cannot be read"):
        make_plan(notebook)


@pytest.fixture
def container(tmp_path):
    """Return the path of a notebook that has a list and a mapping among its values."""
    return write_notebook(
        tmp_path,
        "container",
        parameters="""
            xs = [1]
            opts = {"a": 1}
            free = None
            dataset = None
            x = 1.0
            seed = 0
        """,
        check="def check_parameters():\n    opts.clear()\n\ncheck_parameters()",
    )


LISTS = [[1], [2], [1, [None, "a"]], []]
MAPPINGS = [{"a": 1}, {"a": 2}, {}, {"a": [None, {"b": 0.5}]}]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("xs", LISTS),
        ("opts", MAPPINGS),
        ("free", [*LISTS, *MAPPINGS, 1, True, 1.0, "1"]),
        ("dataset", [*LISTS, *MAPPINGS, "digits28"]),
    ],
)
@pytest.mark.parametrize("way", ["grid", "one_at_a_time", "random", "parameters"])
def test_lists_and_mappings_are_values_like_others(container, way, name, values):
    """Each way takes them, keeps their types and gives each its own run."""
    if way == "parameters":
        definitions = [{"parameters": {name: value}} for value in values]
    elif way == "random":
        axes = {name: values}
        definitions = [{"random": {"n": len(values), "axes": axes}}]
    else:
        definitions = [{way: {name: values}}]
    runs = [run for d in definitions for run in make_plan(container, **d).runs]
    found = sorted(json.dumps(run.values[name]) for run in runs)
    assert found == sorted(map(json.dumps, values))
    assert len({run.id for run in runs}) == len(values)


def test_check_of_the_notebook_changes_no_value(container):
    """A cell that empties a mapping empties its own copy."""
    (run,) = make_plan(container, parameters={"opts": {"a": 2}}).runs
    assert run.values["opts"] == {"a": 2}


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("opts", {"a": np.int64(3), "b": [np.float32(0.5)]}, {"a": 3, "b": [0.5]}),
        ("opts", {"a": {"b": np.arange(2)}}, {"a": {"b": [0, 1]}}),
        ("xs", [{"a": np.bool_(True)}], [{"a": True}]),
        ("xs", (1, (2, np.int8(3))), [1, [2, 3]]),
        ("xs", np.eye(2), [[1.0, 0.0], [0.0, 1.0]]),
        ("free", np.str_("a"), "a"),
        ("x", fractions.Fraction(1, 2), 0.5),
        ("x", 10**300, 1e300),
        ("seed", 10**30, 10**30),
        ("x", math.inf, math.inf),
    ],
)
def test_value_is_plain_wherever_it_is(container, name, value, plain):
    """NumPy's numbers become Python's inside containers, also in the definition."""
    plan = make_plan(container, grid={name: [value]})
    (run,) = plan.runs
    assert json.dumps(run.values[name]) == json.dumps(plain)
    json.dumps([plan.definition, run.given])


@pytest.mark.parametrize("name", ["x", "seed", "xs", "free", "dataset"])
@pytest.mark.parametrize(
    "value",
    [
        10**400,
        10**5000,
        -(10**400),
        math.nan,
        complex(1, 1),
        decimal.Decimal("NaN"),
        datetime.date(2024, 1, 1),
        np.datetime64("2024-01-01"),
        {1, 2},
        b"bytes",
        {1: 2},
        "half \ud800",
        np.ndarray,
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_value_that_no_notebook_can_take_is_refused(container, name, value, depth):
    """Huge numbers, NaN, dates and the like are named, however deep they lie."""
    for _ in range(depth):
        value = [{"a": value}]
    with pytest.raises(SweepError, match=rf"^grid\.{name}\[0\]: {name} must be .*; go"):
        make_plan(container, grid={name: [value]})


def test_value_that_holds_itself_is_refused(container):
    """It is nested without end."""
    endless = []
    endless.append(endless)
    with pytest.raises(SweepError, match=r"xs must be a list.*must not be nested"):
        make_plan(container, grid={"xs": [endless]})


@pytest.mark.parametrize(
    "definition",
    [
        {"one_at_a_time": {"x": [1, 2], "seed": [10, 11]}},
        {"one_at_a_time": {"seed": [10, 11], "x": [1, 2]}},
        {"grid": {"x": [1, 2], "seed": [10, 11]}},
        {"grid": {"seed": [10]}},
        {"random": {"n": 2, "axes": {"x": [1, 2], "seed": [10, 11]}}},
        {"random": {"n": 2, "axes": {"seed": {"low": 1, "high": 9}}}},
        {"parameters": {"seed": 1}, "grid": {"x": [1]}},
    ],
)
@pytest.mark.parametrize("seeds", [2, [5, 7]])
def test_seeds_overwrite_no_seed(notebook, definition, seeds):
    """Wherever else a seed is set, repeats over seeds are refused."""
    with pytest.raises(SweepError, match=r"^seeds: cannot be given where `seed`"):
        make_plan(notebook, seeds=seeds, **definition)


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ({"seeds": 10**9}, "seeds: asks for 1000000000 rows, and a sweep has at most"),
        ({"random": {"n": 10**9, "axes": {"x": [1]}}}, "random.n: asks for 1000000000"),
        (
            {"grid": {name: list(range(101)) for name in ("x", "power", "seed")}},
            "grid: asks for 1030301 rows",
        ),
        ({"grid": {"x": list(range(1001))}, "seeds": 1000}, "asks for 1001000 rows"),
        (
            {"random": {"n": 10**6, "axes": {"power": [1, 2, 3]}}},
            "random.n: asks for 1000000 points, but only 3 different ones",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": -math.inf, "high": 1}}}},
            "random.axes.x: must have low < high; got -inf and 1.0.",
        ),
        (
            {"random": {"n": 1, "axes": {"x": {"low": -1e308, "high": 1e308}}}},
            "random.axes.x: must be within a float's range",
        ),
    ],
)
def test_plan_without_end_is_refused(notebook, definition, message):
    """A definition of a line can ask for more rows than anybody will wait for."""
    with pytest.raises(SweepError, match="^" + re.escape(message)):
        make_plan(notebook, **definition)


def test_limit_of_rows_can_be_moved(notebook):
    """Who wants more than a million says so, who shares a cluster can ask for fewer."""
    plan = make_plan(notebook, grid={"x": [1, 2], "seed": [1, 2]}, max_rows=4)
    assert len(plan.rows) == 4
    with pytest.raises(SweepError, match=r"asks for 4 rows, and .* at most 3, unless"):
        make_plan(notebook, grid={"x": [1, 2], "seed": [1, 2]}, max_rows=3)
    for wrong in (0, 1.5, "7", True):
        with pytest.raises(SweepError, match=r"^max_rows: must be a whole number"):
            make_plan(notebook, grid={"x": [1]}, max_rows=wrong)


@pytest.mark.parametrize(
    ("name", "low", "high", "log"),
    [
        ("x", 0.12345678, 0.12345681, False),
        ("x", 0.12345678, 0.12345681, True),
        ("power", 999, 1000, True),
        ("power", 10**15, 10**15 + 1, True),
    ],
)
def test_rounding_leads_out_of_no_range(tmp_path, name, low, high, log):
    """A draw is rounded, and stays within both ends."""
    notebook = write_notebook(tmp_path, check="pass")
    axes = {name: {"low": low, "high": high, "log": log}}
    for seed in range(20):
        plan = make_plan(notebook, random={"n": 1, "seed": seed, "axes": axes})
        assert low <= plan.runs[0].values[name] <= high


@pytest.mark.parametrize("name", ["run_id", "axis", "wall_time", "versions"])
def test_parameter_with_the_name_of_a_column_is_refused(tmp_path, name):
    """It would hide what the table says about the run."""
    notebook = write_notebook(tmp_path, parameters=f"x = 1.0\n{name} = 1")
    with pytest.raises(SweepError, match=f"notebook: its parameter '{name}' has the"):
        make_plan(notebook)


def words():
    """Return what one may write for a value, in YAML's words or in any."""
    return st.sampled_from(
        [
            "1",
            "-1.",
            "1e-3",
            ".5",
            "a",
            "[1, 2]",
            "{a: 1}",
            "null",
            "*a",
            "&a x",
            "!t 1",
        ]
    ) | st.text(max_size=8)


KEYS = st.sampled_from(
    ["notebook", "parameters", "grid", "one_at_a_time", "random", "seeds", "figures"]
)
NAMES = st.sampled_from(["x", "power", "offset", "label", "exact", "seed", "n", "axes"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**308)
    | st.floats()
    | st.text(max_size=4)
    | st.binary(max_size=2)
    | st.decimals()
    | st.complex_numbers()
    | st.dates()
    | st.builds(np.float32, st.floats(width=32))
    | st.builds(np.int16, st.integers(-9, 9))
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(NAMES | st.integers(0, 3), inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["low", "high", "log", "n", "seed", "axes"]), inner
        )
    ),
    max_leaves=8,
)
REFUSED = object()


def unless_refused(function, *args, **kwargs):
    """Return what a function returns, or REFUSED after a refusal in one sentence."""
    try:
        return function(*args, **kwargs)
    except SweepError as error:
        if len(str(error).splitlines()) != 1:
            raise
        return REFUSED


many = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def few_rows(monkeypatch):
    """Have a sweep of more than a hundred rows refused."""
    monkeypatch.setattr(snnlib.plans, "_MOST_ROWS", 100)


@many
@example_of(definition=st.dictionaries(KEYS, ANYTHING, max_size=3))
def test_any_definition_is_planned_or_refused(notebook, few_rows, definition):  # noqa: ARG001
    """Whatever it holds, what comes is a plan or one sentence."""
    definition.pop("notebook", None)
    plan = unless_refused(make_plan, notebook, **definition)
    assert plan is REFUSED or isinstance(plan, Plan)
    if plan is not REFUSED:
        json.dumps([plan.definition, [run.values for run in plan.runs]])


@many
@example_of(text=st.lists(KEYS | NAMES | words(), max_size=6).map(": ".join) | words())
def test_any_word_is_a_value_or_refused(text):
    """Whatever is written, what comes is a plain value or one sentence."""
    value = unless_refused(read_value, text)
    assert value is REFUSED or json.dumps(value)


@many
@example_of(content=st.binary(max_size=60))
def test_any_file_is_read_or_refused(tmp_path, content):
    """A definition may be no text at all."""
    path = tmp_path / "any.yaml"
    path.write_bytes(content)
    with pytest.raises(SweepError, match=r"any\.yaml"):
        read_plan(path)


@many
@example_of(
    value=st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["C"])),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner)
        ),
    )
)
def test_value_written_as_json_is_read_back(value):
    """JSON is YAML: it comes back in the same types."""
    found = read_value(json.dumps(value))
    assert json.dumps(found) == json.dumps(value)


WORDS = [
    *(("1e-3", 0.001), ("1.5e2", 150.0), ("1.5E2", 150.0), (".5e2", 50.0)),
    *(("-.5", -0.5), ("+.5", 0.5), ("1.e3", 1000.0), ("-1.", -1.0), ("1e5", 1e5)),
    *((".inf", math.inf), ("-.inf", -math.inf), ("1.0", 1.0), ("-1e-3", -0.001)),
    *(("150", 150), ("-3", -3), ("+3", 3), ("0", 0), ("0x1F", 31), ("0o17", 15)),
    *(("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None)),
    *(("12:30", "12:30"), ("12:30:45", "12:30:45"), ("yes", "yes"), ("off", "off")),
    *(("y", "y"), ("No", "No"), ("007", "007"), ("-007", "-007"), ("00.5", "00.5")),
    *(("1_000", "1_000"), ("2024-01-01", "2024-01-01"), ("1e", "1e"), (".", ".")),
    *(("2024-01-01 12:30:00", "2024-01-01 12:30:00"), ("=", "="), ("<<", "<<")),
    *(("last", "last"), ("-x", "-x"), ("inf", "inf"), ("nan", "nan"), ("é", "é")),
    *((r'"\ud83d\ude00"', "\U0001f600"), (r'"\u00e9"', "é"), ("\U0001f600",) * 2),
    *(("'1'", "1"), ('"1"', "1"), ("!!str 1", "1"), ("!!float 1", 1.0)),
    *(("[1, 2]", [1, 2]), ("{a: 007}", {"a": "007"}), ("[1, [~]]", [1, [None]])),
]


@pytest.mark.parametrize(("text", "value"), [*WORDS, ("None", None)])
def test_read_value(text, value):
    """A word means on the command line what it means in YAML 1.2."""
    found = read_value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(("text", "value"), WORDS)
def test_word_in_a_definition(tmp_path, text, value):
    """A word means the same in a file, for which a number stands where one can."""
    path = write_definition(tmp_path)
    path.write_text(f"notebook: tiny.ipynb\nparameters:\n  label: {text}\n")
    if isinstance(value, str):
        assert read_plan(path).runs[0].values["label"] == value
    else:
        with pytest.raises(SweepError, match=r"tiny\.yaml, line 3: parameters\.label"):
            read_plan(path)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"grid:\n  x: [1]\n  x: [2]", "line 3: the key 'x' is there twice."),
        (b"grid:\n\tx: [1]", r"line 2: not YAML: found character '\t' that cannot"),
        (b"a: 1\n--- 2", "line 2: not YAML: but found another document."),
        (b"a: !python/object 1", "line 1: the tag '!python/object' means nothing"),
        (b"a: !!binary aGk=", "line 1: the tag 'binary' means nothing here."),
        (b"a: !!map [1]", "line 1: the tag 'map' means nothing here."),
        (b"a: !!int b", "line 1: 'b' is no int that can be read."),
        (b"a:\n  1e400", "line 2: '1e400' is no float that can be read."),
        (b"a: " + b"9" * 5000, "line 1: '999"),
        (b"a: *b", "line 1: not YAML: found undefined alias 'b'."),
        (rb'a: "\ud83d"', "line 1: '\\ud83d' is no str that can be read."),
        (
            b'a: 1\nb: "\\\\U00110000\n\\U00110001"',
            r"line 3: not YAML: \U00110001 is no",
        ),
        (rb'"\UFFFFFFFF"', r"line 1: not YAML: \UFFFFFFFF is no letter of Unicode."),
        (b"%YAML 1." + b"1" * 5000, "line 1: not YAML: Exceeds the limit"),
        (b"a: &a {x: 1}\nb:\n  <<: *a", "line 3: the key '<<' is not YAML 1.2"),
        (b"a: &a [*a]", "it is nested too deeply, or holds itself."),
        (b"[" * 3000, "it is nested too deeply."),
        (BOMB.encode(), "its anchors make more than 2000 values."),
        (b"a: \xff", "is not a file of text in UTF-8: 'utf-8' codec can't decode"),
        (b"a\0b", "not YAML: unacceptable character #x0000"),
        (b"", "must map keys to values; got None."),
        (b"# nothing", "must map keys to values; got None."),
        (
            b"\xef\xbb\xbfseeds: 3",
            "line 1: must have the key 'notebook'; got ['seeds']",
        ),
        (b"? [1]\n: 2", "line 1: the key [1] is not a name."),
    ],
)
def test_yaml_that_cannot_be_read_is_refused(tmp_path, monkeypatch, content, message):
    """Each in one sentence that begins with the file."""
    monkeypatch.setattr("snnlib.definitions._MOST_VALUES", 2000)
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(SweepError, match=re.escape(message)) as refused:
        read_plan(path)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value).splitlines()) == 1


def test_anchor_may_be_used_again(tmp_path):
    """Anchors that stand for as much as they say are YAML like any other."""
    path = write_definition(tmp_path)
    path.write_text(
        "notebook: tiny.ipynb\ngrid: {x: &a [1, 2], power: *a}\nseeds: &a 2"
    )
    assert len(read_plan(path).rows) == 8

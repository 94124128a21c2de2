"""A sweep's definition is checked to the last run before the first one starts."""

import re

import numpy as np
import pytest
import yaml
from tiny import write_definition, write_notebook

from snnlib.plans import SweepError, make_plan, read_plan, read_value


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
    kept = yaml.safe_load(yaml.safe_dump(definition))
    make_plan(notebook, **definition)
    assert definition == kept


def test_data_that_are_not_there_are_named(tmp_path, monkeypatch):
    """A notebook that cannot read its data is refused before the first run."""
    monkeypatch.setenv("SNNLIB_DATA_DIR", str(tmp_path / "nowhere"))
    notebook = write_notebook(tmp_path, fault="fetch_mnist()")
    with pytest.raises(SweepError, match=r"notebook: it reads what cannot be read"):
        make_plan(notebook)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("150", 150),
        ("-1.5", -1.5),
        ("true", True),
        ("None", None),
        ("null", None),
        ("last", "last"),
        ("[1, 2]", [1, 2]),
        ("1e5", 1e5),
    ],
)
def test_read_value(text, value):
    """Words mean on the command line what they mean in YAML; 1e-3 is a number."""
    found = read_value(text)
    assert found == value
    assert type(found) is type(value)

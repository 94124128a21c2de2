"""A table gives back the values that were put into it, and its rows' runs."""

import csv
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlib.digests import digest
from snnlib.tables import (
    WORDS,
    TableError,
    decode_cell,
    describe,
    encode_cell,
    markdown_table,
    planned_values,
    read_provenance,
    read_results,
    read_table,
    runs_of_rows,
    write_table,
)

pandas = pytest.importorskip("pandas")

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["True", "None", "nan", "1.0", "007", "1e5", "[1]", '"', "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(left, right):
    """Say whether two values are equal and of one type, down to what they hold."""
    return type(left) is type(right) and repr(left) == repr(right)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "True"),
        (False, "False"),
        (0, "0"),
        (-3, "-3"),
        (10**30, str(10**30)),
        (50.0, "50.0"),
        (-0.0, "-0.0"),
        (1e-5, "1e-05"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        ("last", "last"),
        ("None", "None"),
        ("007", "007"),
        ("1e5", "1e5"),
        ("1_000", "1_000"),
        ("0.0072 0.0022", "0.0072 0.0022"),
        (" x ", " x "),
        ("é, \"'", "é, \"'"),
        ("[1", "[1"),
        ("", '""'),
        ("True", '"True"'),
        ("1", '"1"'),
        ("1.0", '"1.0"'),
        ("inf", '"inf"'),
        ("[1]", '"[1]"'),
        ('"a"', r'"\"a\""'),
        ("a\nb", r'"a\nb"'),
        ("a\r", r'"a\r"'),
        ("\ud800", r'"\ud800"'),
        ([1, [None, "a"]], '[1, [null, "a"]]'),
        ({"é": [math.inf, True]}, r'{"\u00e9": [Infinity, true]}'),
        ([], "[]"),
        ({}, "{}"),
        ("=cmd|'/c calc'!A0", "\"=cmd|'/c calc'!A0\""),
        ("@SUM(A1)", '"@SUM(A1)"'),
        ("+1+1", '"+1+1"'),
        ("-x", '"-x"'),
        ("\uff1d1", r'"\uff1d1"'),
        ("\t=1", r'"\t=1"'),
        ("\r=1", r'"\r=1"'),
    ],
)
def test_cell_is_plain_unless_that_would_be_another_value(value, text):
    """Most values stand as they are; the others as JSON, and all come back."""
    assert encode_cell(value) == text
    assert same(decode_cell(text), value)


def test_cell_of_nan_comes_back():
    """It is the one value that is not equal to itself."""
    assert encode_cell(math.nan) == "nan"
    assert math.isnan(decode_cell("nan"))


@given(VALUES)
def test_any_value_comes_back_in_its_type(value):
    """Decoding is the inverse of encoding, in one line without control characters."""
    text = encode_cell(value)
    assert text.isprintable()
    assert same(decode_cell(text), value)


@given(st.text())
def test_any_text_of_a_cell_is_some_value(text):
    """What others wrote into a table is read too."""
    decode_cell(text)


@given(VALUES)
def test_no_cell_is_a_formula(value):
    """A spreadsheet finds a number, or text that begins with none of its signs."""
    text = encode_cell(value)
    assert isinstance(value, int | float) or not text.startswith(tuple("=+-@\t\r"))


NAMES = st.text(min_size=1).filter(lambda name: name not in WORDS)
ROWS = st.lists(NAMES, min_size=1, max_size=3, unique=True).flatmap(
    lambda names: st.lists(
        st.tuples(*[VALUES] * len(names)).map(
            lambda row: dict(zip(names, row, strict=True))
        ),
        min_size=1,
        max_size=3,
    )
)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@given(rows=ROWS)
def test_table_gives_back_its_rows(tmp_path_factory, ending, rows):
    """Whatever values and names hold: commas, quotes, ends of lines, any letters."""
    path = tmp_path_factory.mktemp("table") / f"t.{ending}"
    if ending == "parquet" and any(not is_utf8(name) for name in rows[0]):
        return
    write_table(path, rows)
    assert same(read_table(path), rows)


def is_utf8(text):
    """Say whether a text has no half of a pair of surrogates."""
    return text.encode(errors="replace").decode() == text


@given(rows=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=3))
def test_other_programs_find_the_cells(tmp_path_factory, rows):
    """A reader of .csv finds the text of each cell."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    rows = [dict(zip(("a", "b c", "é"), row, strict=True)) for row in rows]
    write_table(path, rows)
    with path.open(encoding="utf-8", newline="") as file:
        assert [list(row.values()) for row in csv.DictReader(file)] == [
            [encode_cell(value) for value in row.values()] for row in rows
        ]


def test_name_of_a_column_is_no_formula(tmp_path):
    """What others named so is text in a spreadsheet, and comes back."""
    rows = [{"=1+1": 1, "versions": "=1+1", '"': None}]
    write_table(tmp_path / "t.csv", rows)
    assert (tmp_path / "t.csv").read_text() == (
        '"""=1+1""",versions,"""\\"""""\n1,"""=1+1""",\n'
    )
    assert read_table(tmp_path / "t.csv") == rows


TYPED = [
    {"x": 50.0, "n": 1, "ok": True, "s": "007", "f": None, "big": 2**70, "mix": [1]},
    {"x": None, "n": 2, "ok": None, "s": "", "f": None, "big": 1, "mix": "NA"},
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_frame_has_a_type_for_each_column(tmp_path, ending):
    """Text stays text, numbers are numbers, and None is there."""
    write_table(tmp_path / f"t.{ending}", TYPED)
    frame = read_results(tmp_path / f"t.{ending}")
    assert frame.dtypes.astype(str).to_dict() == {
        "x": "float64",
        "n": "int64",
        "ok": "boolean",
        **dict.fromkeys(("s", "f", "big", "mix"), "object"),
    }
    assert frame["s"].tolist() == ["007", ""]
    assert frame["x"].isna().tolist() == [False, True]
    assert frame["big"].tolist() == [2**70, 1]
    assert frame["mix"].tolist() == [[1], "NA"]
    assert frame.attrs["columns"] == describe(TYPED)


def test_schema_names_types_in_words():
    """As a reader would say them."""
    assert [column["type"] for column in describe(TYPED)] == [
        *("number or None", "whole number", "true or false or None", "text", "None"),
        *("whole number", "text or list"),
    ]


def test_parquet_keeps_types_units_and_provenance(tmp_path):
    """Another program finds them where Parquet has a place for them."""
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"x": 50.0, "n": None, "mixed": "a"}, {"x": 2.5, "n": 1, "mixed": [1]}]
    columns = describe(rows, {"x": {"kind": "parameter", "unit": "Hz"}})
    provenance = {"identity": IDENTITY, "inputs": [{}], "columns": columns}
    write_table(tmp_path / "t.parquet", rows, provenance)
    schema = parquet.read_schema(tmp_path / "t.parquet")
    assert list(map(str, schema.types)) == ["double", "int64", "string"]
    assert schema.field("x").metadata[b"unit"] == b"Hz"
    assert schema.field("mixed").metadata[b"encoding"] == b"json"
    assert read_provenance(tmp_path / "t.parquet") == provenance
    assert read_results(tmp_path / "t.parquet").attrs["columns"] == columns
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.parquet"]


@given(content=st.binary(max_size=40))
def test_any_parquet_is_read_or_refused(tmp_path_factory, content):
    """Whatever is in it."""
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"t\.parquet is not a table"):
        read_table(path)
    assert read_provenance(path) is None


def test_table_has_one_of_two_endings(tmp_path):
    """Another one is refused before anything is written."""
    with pytest.raises(TableError, match=r"must end in \.csv or \.parquet; got"):
        write_table(tmp_path / "t.xlsx", [{"x": 1}])
    assert not list(tmp_path.iterdir())


def test_words_stay_words(tmp_path):
    """An id of digits, or one like a number, is no number."""
    rows = [
        {"run_id": "1234567890123456", "axis": None, "x": 1, "versions": "a 1"},
        {"run_id": "12345678901234e5", "axis": "x", "x": 2, "versions": "1.0"},
    ]
    write_table(tmp_path / "t.csv", rows)
    assert read_table(tmp_path / "t.csv") == rows
    assert (tmp_path / "t.csv").read_text().splitlines()[1] == "1234567890123456,,1,a 1"


def test_numpy_values_are_plain_in_a_table(tmp_path):
    """Their names do not get into the file."""
    write_table(tmp_path / "t.csv", [{"x": np.float64(0.5), "n": np.int8(3)}])
    assert read_table(tmp_path / "t.csv") == [{"x": 0.5, "n": 3}]


def test_cell_may_be_long(tmp_path):
    """Longer than the csv module takes by default, whose limit stays as it was."""
    limit = csv.field_size_limit()
    write_table(tmp_path / "t.csv", [{"x": "0.5 " * 100_000}])
    assert read_table(tmp_path / "t.csv") == [{"x": "0.5 " * 100_000}]
    assert csv.field_size_limit() == limit


def test_spreadsheet_may_mark_a_table(tmp_path):
    """A mark before UTF-8 is no part of the first column's name."""
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbfrun_id,x\r\n0a,1\r\n")
    assert read_table(tmp_path / "t.csv") == [{"run_id": "0a", "x": 1}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "its first line must name each column once"),
        (b"a,a\n1,2\n", "its first line must name each column once"),
        (b"a,b\n1\n", "its row 1 has 1 cells, and the first line names 2 columns"),
        (b"a\n1\n1,2\n", "its row 2 has 2 cells"),
        (b"a\n\xff\n", "'utf-8' codec can't decode"),
    ],
)
def test_file_that_is_no_table_is_refused(tmp_path, content, message):
    """The message names the file and what is wrong with it."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=rf"t\.csv is not a table: .*{message}"):
        read_table(path)


@given(content=st.binary(max_size=40))
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    """Whatever is in it."""
    path = tmp_path_factory.mktemp("table") / "t.csv"
    path.write_bytes(content)
    try:
        rows = read_table(path)
    except TableError:
        rows = []
    assert all(isinstance(row, dict) for row in rows)


IDENTITY = {"notebook": "a", "snnlib": "0.1.0", "code": "b"}
PLANNED = {"x": 50.0, "label": "007", "xs": [1, None]}


def row_and_provenance(**changes):
    """Return a row as it is read back, with its provenance."""
    planned = {**IDENTITY, "inputs": {"data": "c"}, "values": PLANNED}
    row = {"run_id": digest(planned)[:16], "axis": "x", **PLANNED, "result": 1.5}
    provenance = {"identity": IDENTITY, "inputs": [{}, {"data": "c"}]}
    return {**row, "wall_time": 0.1, **changes}, provenance


def test_values_of_a_row_are_those_of_its_id():
    """The id says which columns are parameters, and which data were read."""
    assert planned_values(*row_and_provenance()) == (PLANNED, {"data": "c"})


@pytest.mark.parametrize(
    "change",
    [{"x": 50}, {"x": 50.1}, {"label": 7}, {"xs": None}, {"run_id": "0"}],
    ids=str,
)
def test_values_that_were_changed_are_not(change):
    """Neither another value nor another type makes the same id."""
    assert planned_values(*row_and_provenance(**change)) == (None, None)


@pytest.mark.parametrize(
    "content",
    [
        *(
            None,
            "",
            "[]",
            "3",
            "{}",
            '{"identity": {}, "inputs": 3}',
            '{"identity": 3}',
        ),
        *(
            f'{{"identity": {{}}, "inputs": [], "versions": {versions}}}'
            for versions in ("[5]", "null", "5")
        ),
    ],
)
def test_provenance_that_is_none(tmp_path, content):
    """A file that is not there, or something else, is None."""
    if content is not None:
        (tmp_path / "t.json").write_text(content)
    assert read_provenance(tmp_path / "t.csv") is None


@pytest.mark.parametrize("content", ["", '{"identity": {}, "rows": []}', None])
def test_no_other_json_is_lost_to_a_provenance(tmp_path, content):
    """Be it the plan of a sweep: it is named, and no table is written."""
    beside = tmp_path / "t.json"
    beside.mkdir() if content is None else beside.write_text(content)
    provenance = {"identity": IDENTITY, "inputs": [{}]}
    with pytest.raises(TableError, match=r"written to t\.json; got '.*t\.csv'\.$"):
        write_table(tmp_path / "t.csv", [{"x": 1}], provenance)
    assert list(tmp_path.iterdir()) == [beside]
    assert content is None or beside.read_text() == content
    # A table alone takes nothing away.
    write_table(tmp_path / "t.csv", [{"x": 1}])


def test_provenance_of_a_table_is_written_anew(tmp_path):
    """With the table."""
    for identity in (IDENTITY, {**IDENTITY, "code": "c"}):
        provenance = {"identity": identity, "inputs": [{}]}
        write_table(tmp_path / "t.csv", [{"x": 1}], provenance)
        assert read_provenance(tmp_path / "t.csv")["identity"] == identity


@pytest.mark.parametrize(
    ("change", "finished"),
    [({}, ""), ({"last_run": 3}, ""), ({"last_run": "2026-01-01"}, "2026-01-01")],
)
def test_runs_of_rows_have_the_types_of_a_run(change, finished):
    """Whatever the provenance says of the last one; no time is put into words."""
    row, provenance = row_and_provenance()
    (run,), skipped = runs_of_rows([row], provenance | change)
    assert (run["finished"], run["wall_time"], skipped) == (finished, 0.1, [])
    row["wall_time"] = "fast"
    runs, (reason,) = runs_of_rows([row], provenance | change)
    assert runs == []
    assert reason.endswith("was changed: its wall_time is no number.")


def test_provenance_lies_beside_the_table(tmp_path):
    """It has the table's name and the ending .json."""
    provenance = {"identity": IDENTITY, "inputs": [{}]}
    (tmp_path / "t.json").write_text(json.dumps(provenance))
    assert read_provenance(tmp_path / "t.csv") == provenance


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("a | b", r"a \| b"),
        ("||", r"\|\|"),
        ("one\ntwo\r\nthree", "one two three"),
        # What is Markdown stays so.
        (r"$\|x\|$ of `tau_rc`", r"$\|x\|$ of `tau_rc`"),
        ("[here](#a)<br>**no**", "[here](#a)<br>**no**"),
        (0.5, "0.5"),
    ],
)
def test_markdown_table_keeps_a_cell_in_its_place(cell, written):
    """No bar and no line's end in a cell, or in a name, ends it."""
    table = markdown_table(pandas.DataFrame({"x": [cell, "w"], cell: ["y", "z"]}))
    assert table.splitlines() == [
        f"| x | {written} |",
        "| --- | --- |",
        f"| {written} | y |",
        "| w | z |",
    ]

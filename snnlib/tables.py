"""Tables of runs, whose cells come back as the values they were."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import sys
from typing import TYPE_CHECKING

from snnlib.checks import check_path, shown
from snnlib.digests import run_id
from snnlib.files import plain, written_whole
from snnlib.workers import import_extra

if TYPE_CHECKING:
    import pandas as pd

# Columns of words: a run's id may look like a number, and stays what it is.
WORDS = ("run_id", "axis", "versions")
# The columns that say something about a run, whatever its notebook; the others are
# parameters and metrics.
OF_RUNS = {"run_id": {}, "axis": {}, "wall_time": {"unit": "s"}, "versions": {}}
# A spreadsheet would carry out a text that begins with one of them, the wide ones too.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# What a schema calls types, and what Parquet has for them.
_TYPES = {
    bool: ("true or false", "bool_"),
    int: ("whole number", "int64"),
    float: ("number", "float64"),
    str: ("text", "string"),
    list: ("list", None),
    dict: ("mapping", None),
    type(None): ("None", None),
}
# Where a Parquet file says that a column holds JSON, and where the table comes from.
_JSON = {b"encoding": b"json"}
_PROVENANCE = b"snnlib"


class TableError(ValueError):
    """A file that is not a table."""


def encode_cell(value: object) -> str:
    """Write a value as the text of a cell, such that `decode_cell` gives it back.

    None is an empty cell. Numbers, True and False and most text stand as they are; what
    would come back as something else is written as JSON, and so is text that a
    spreadsheet would carry out as a formula.

    Parameters
    ----------
    value : None, bool, int, float, str, list or dict
        Lists and dicts may hold the same, with text for keys.

    Returns
    -------
    text : str

    Examples
    --------
    >>> [encode_cell(value) for value in (None, 50.0, "last", "50.0", "=A1", [1])]
    ['', '50.0', 'last', '"50.0"', '"=A1"', '[1]']
    """
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str) and _is_harmless(value) and decode_cell(value) == value:
        return value
    # ASCII, which every program reads, whatever it takes the file's encoding to be.
    return json.dumps(value)


def decode_cell(text: str) -> object:
    """Return the value that a cell stands for.

    Parameters
    ----------
    text : str
        As `encode_cell` writes it.

    Returns
    -------
    value : None, bool, int, float, str, list or dict
        Text that is written in no other way, such as 007 or 1e5, is itself.
    """
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    with contextlib.suppress(ValueError, RecursionError):
        if text[0] in '["{':
            return json.loads(text)
    for number in (int, float):
        # Only as Python writes it: each number has one text.
        with contextlib.suppress(ValueError):
            if repr(number(text)) == text:
                return number(text)
    return text


def write_table(path, rows, provenance=None) -> None:
    """Write rows as .csv or .parquet, whole or not at all.

    Parameters
    ----------
    path : path-like
        Name of the table. Its folder must be there.
    rows : list of dict
        Values by column. A row may lack columns; its cells are empty then.
    provenance : dict, optional
        Where the table comes from, for `read_provenance`. It is written beside a .csv
        as .json, and into a .parquet.

    Raises
    ------
    TableError
        If the name ends in anything else, ``rows`` is something else, or the .json
        that is beside a .csv comes from no table.
    ImportError
        If there is no library for .parquet.
    """
    path = check_path("path", path)
    if path.suffix not in (".csv", ".parquet"):
        msg = f"path must end in .csv or .parquet; got {str(path)!r}."
        raise TableError(msg)
    if not isinstance(rows, list | tuple) or not all(
        isinstance(row, dict) and all(isinstance(name, str) for name in row)
        for row in rows
    ):
        msg = f"rows must be a list of dicts with names as keys; got {shown(rows)}."
        raise TableError(msg)
    if path.suffix == ".parquet":
        _write_parquet(path, rows, provenance)
        return
    beside = path.with_suffix(".json")
    if provenance is not None and beside.exists() and read_provenance(path) is None:
        msg = (
            f"path must have no file of another kind beside it, for its provenance is "
            f"written to {beside.name}; got {str(path)!r}."
        )
        raise TableError(msg)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    names = _names(rows)
    writer.writerow(map(_encode_word, names))
    for row in rows:
        writer.writerow(
            (_encode_word if name in WORDS else encode_cell)(row.get(name))
            for name in names
        )
    with written_whole(path) as file:
        file.write(table.getvalue())
    if provenance is not None:
        sha256 = hashlib.sha256(table.getvalue().encode()).hexdigest()
        provenance = {"table": path.name, "sha256": sha256, **provenance}
        with written_whole(beside) as file:
            file.write(json.dumps(provenance, indent=1) + "\n")


def read_table(path) -> list[dict]:
    """Return the rows of a table, with their values as they were written.

    Parameters
    ----------
    path : path-like
        A table from `write_table`.

    Returns
    -------
    rows : list of dict
        Values by column. Those of `WORDS` are text, or None for an empty cell.

    Raises
    ------
    OSError
        If the file cannot be read.
    TableError
        If it is not a table.
    ImportError
        If there is no library for .parquet.
    """
    path = check_path("path", path)
    if path.suffix == ".parquet":
        return _read_parquet(path)
    try:
        # Spreadsheets put a mark before UTF-8.
        text = path.read_text(encoding="utf-8-sig")
        header, *lines = _cells(text) or [[]]
    except (ValueError, csv.Error) as error:
        msg = f"{path} is not a table: {error}."
        raise TableError(msg) from error
    names = [_decode_word(cell) or "" for cell in header]
    if not names or len(set(names)) < len(names):
        msg = f"{path} is not a table: its first line must name each column once."
        raise TableError(msg)
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(names):
            msg = (
                f"{path} is not a table: its row {number} has {len(cells)} cells, and "
                f"the first line names {len(names)} columns."
            )
            raise TableError(msg)
    return [
        {
            name: (_decode_word if name in WORDS else decode_cell)(cell)
            for name, cell in zip(names, cells, strict=True)
        }
        for cells in lines
    ]


def read_results(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read a table of runs, each column in its type.

    Parameters
    ----------
    path : path-like
        A table that `Collected.write` or ``snnlib collect`` made, .csv or .parquet.

    Returns
    -------
    frame : pandas.DataFrame
        Text stays text, be it ``007`` or empty. None is NaN in a column of numbers, NA
        in one of whole numbers or of True and False, and None in others. Its
        ``attrs["columns"]`` is the table's schema, as `Collected.columns`.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a table.
    ImportError
        If pandas, or a library for .parquet, is not installed.

    See Also
    --------
    collect_runs : Make the table of a sweep.
    """
    rows, provenance = read_table(path), read_provenance(path)
    columns = (provenance or {}).get("columns")
    if not _is_schema(columns):
        columns = describe(rows, _kinds(rows, provenance))
    return to_frame(rows, columns)


def to_frame(rows, columns):
    """Return rows as a DataFrame, as `read_results` does.

    Parameters
    ----------
    rows : list of dict
        Values by column.
    columns : list of dict
        Their schema.

    Returns
    -------
    frame : pandas.DataFrame
    """
    pandas = import_extra("pandas")
    frame = pandas.DataFrame(
        {name: _series([row.get(name) for row in rows]) for name in _names(rows)}
    )
    frame.attrs["columns"] = columns
    return frame


def describe(rows, about=None):
    """Return the schema of a table.

    Parameters
    ----------
    rows : list of dict
        Values by column.
    about : dict of str to dict, optional
        What else to say of some columns, by name.

    Returns
    -------
    columns : list of dict
        Of each column ``name`` and ``type`` as in words, such as "number or None", and
        what ``about`` says of it.
    """
    schema = []
    for name in _names(rows):
        kinds = {type(plain(row.get(name))) for row in rows}
        types = [word for kind, (word, _) in _TYPES.items() if kind in kinds]
        its = (about or {}).get(name, {})
        schema.append({"name": name, "type": " or ".join(types), **its})
    return schema


def read_provenance(path) -> dict | None:
    """Return what was written with a table about where it comes from.

    Parameters
    ----------
    path : path-like
        The table.

    Returns
    -------
    provenance : dict or None
        None if there is nothing, or something else.
    """
    path = check_path("path", path)
    if not path.name:
        return None
    try:
        if path.suffix == ".parquet":
            text = (_parquet().read_schema(path).metadata or {})[_PROVENANCE]
        else:
            text = path.with_suffix(".json").read_text(encoding="utf-8")
        provenance = json.loads(text)
        is_one = isinstance(provenance["identity"], dict) and all(
            isinstance(its, dict)
            for its in (*provenance["inputs"], *provenance.get("versions", ()))
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return provenance if is_one else None


def planned_values(row, provenance) -> tuple:
    """Return the parameters of a row and the inputs of its run, by the row's id.

    Parameters
    ----------
    row : dict
        From `read_table`.
    provenance : dict
        What lies beside the table.

    Returns
    -------
    values : dict or None
        None if no values of the row make its id: some were changed.
    inputs : dict or None
    """
    # The parameters follow the id and the axis, and the metrics follow them.
    names = [name for name in row if name not in ("run_id", "axis")]
    for inputs in provenance["inputs"]:
        for n in range(len(names) + 1):
            values = {name: row[name] for name in names[:n]}
            if run_id(provenance["identity"], inputs, values) == row.get("run_id"):
                return values, inputs
    return None, None


def runs_of_rows(rows, provenance):
    """Return what the rows of a table say about their runs.

    Parameters
    ----------
    rows : list of dict
        From `read_table`.
    provenance : dict
        What lies beside the table.

    Returns
    -------
    runs : list of dict
        Of each run what `snnlib.folders.Folder` keeps of it.
    skipped : list of str
        For each row that was left out, why.
    """
    runs, skipped = {}, []
    columns = provenance.get("columns")
    units = {
        column["name"]: column["unit"]
        for column in (columns if _is_schema(columns) else ())
        if column.get("kind") == "metric" and "unit" in column
    }
    versions = {version_list(its): its for its in provenance.get("versions", ())}
    last_run = provenance.get("last_run")
    for row in rows:
        values, inputs = planned_values(row, provenance)
        if values is None:
            skipped.append(
                f"the row of run {row.get('run_id')!r} was changed: its parameters "
                "have another id."
            )
            continue
        if not isinstance(row.get("wall_time"), int | float | None):
            skipped.append(
                f"the row of run {row['run_id']!r} was changed: its wall_time is no "
                "number."
            )
            continue
        metrics = {name: row[name] for name in row if name not in {*values, *OF_RUNS}}
        runs[row["run_id"]] = {
            "run_id": row["run_id"],
            "values": values,
            "inputs": inputs,
            "identity": provenance["identity"],
            "versions": versions.get(row.get("versions"), {}),
            "wall_time": row.get("wall_time"),
            "finished": last_run if isinstance(last_run, str) else "",
            "error": None,
            "metrics": metrics,
            "units": {name: units[name] for name in metrics if name in units},
        }
    return [*runs.values()], skipped


def version_list(versions):
    """Return versions of packages as a cell of a table has them.

    Parameters
    ----------
    versions : dict of str to str
        By the name of the package.

    Returns
    -------
    text : str
    """
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def markdown_table(frame: pd.DataFrame) -> str:
    """Return a DataFrame as a table in Markdown, its cells as they print.

    Parameters
    ----------
    frame : pandas.DataFrame
        With one name to a column. Its index is left out.

    Returns
    -------
    text : str

    Examples
    --------
    >>> import pandas as pd
    >>> print(markdown_table(pd.DataFrame({"max_rate": ["50 Hz"], "right": [0.98]})))
    | max_rate | right |
    | --- | --- |
    | 50 Hz | 0.98 |
    """
    lines = [frame.columns, ["---"] * len(frame.columns)]
    lines += frame.itertuples(index=False, name=None)
    return "\n".join(f"| {' | '.join(map(_markdown_cell, line))} |" for line in lines)


def _markdown_cell(value):
    """Write a value so that it ends no cell and no row before its own end."""
    # A bar that is escaped already, in maths say, stays as it is.
    return re.sub(r"(?<!\\)\|", r"\|", " ".join(str(value).splitlines()))


def _names(rows):
    return list(dict.fromkeys(name for row in rows for name in row))


def _is_harmless(text):
    """Say whether a text may stand in a cell as it is."""
    # The csv module leaves a carriage return bare, which ends the row for others.
    return text.isprintable() and not text.startswith(_FORMULA)


def _encode_word(word):
    """Write a name, or a word of `WORDS`; the same as text, whatever it looks like."""
    if word is None:
        return ""
    is_plain = word and _is_harmless(word) and not word.startswith('"')
    return word if is_plain else json.dumps(word)


def _decode_word(text):
    with contextlib.suppress(ValueError, RecursionError):
        if text.startswith('"'):
            return json.loads(text)
    return text or None


def _kinds(rows, provenance):
    """Return of which kind each column is, as far as the ids of runs tell."""
    values = planned_values(rows[0], provenance)[0] if rows and provenance else None
    if values is None:
        return {}
    return {
        name: {"kind": "run", **OF_RUNS[name]}
        if name in OF_RUNS
        else {"kind": "parameter" if name in values else "metric"}
        for name in _names(rows)
    }


def _is_schema(columns):
    """Say whether what another's table says about its columns has the right form."""
    return isinstance(columns, list) and all(
        isinstance(column, dict)
        and isinstance(column.get("name"), str)
        and isinstance(column.get("unit", ""), str)
        for column in columns
    )


def _series(values):
    """Return a column of a DataFrame, of the narrowest type that holds its values."""
    pandas = import_extra("pandas")
    kinds = {type(value) for value in values}
    is_complete = type(None) not in kinds
    kinds.discard(type(None))
    if kinds and kinds <= {int, float}:
        if float in kinds:
            exact = all(value is None or float(value) == value for value in values)
            if exact or kinds == {float}:
                return pandas.Series(values, dtype="float64")
        elif all(value is None or -(2**63) <= value < 2**63 for value in values):
            return pandas.Series(values, dtype="int64" if is_complete else "Int64")
    if kinds == {bool}:
        return pandas.Series(values, dtype="bool" if is_complete else "boolean")
    return pandas.Series(values, dtype="object")


# Parquet. A column of one type is one of its own; any other one holds JSON.


def _parquet():
    return import_extra("pyarrow.parquet", extra="parquet")


def _write_parquet(path, rows, provenance):
    parquet = _parquet()
    import pyarrow

    schema = (provenance or {}).get("columns") or describe(rows)
    about = {column["name"]: column for column in schema}
    arrays, fields = [], []
    for name in _names(rows):
        array, encoding = _arrow([plain(row.get(name)) for row in rows])
        its = {k: str(v) for k, v in about.get(name, {}).items() if k != "name"}
        arrays.append(array)
        fields.append(pyarrow.field(name, array.type, metadata={**its, **encoding}))
    metadata = {}
    if provenance is not None:
        metadata[_PROVENANCE] = json.dumps(provenance)
    table = pyarrow.table(arrays, pyarrow.schema(fields, metadata=metadata))
    with written_whole(path, "wb") as file:
        parquet.write_table(table, file)


def _arrow(values):
    """Return values as an array of Arrow's, and how they are encoded."""
    import pyarrow

    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) == 1:
        name = _TYPES.get(kinds.pop(), (None, None))[1]
        # Whole numbers may be too large, and text none that UTF-8 can hold.
        with contextlib.suppress(pyarrow.ArrowException, OverflowError, UnicodeError):
            if name is not None:
                return pyarrow.array(values, getattr(pyarrow, name)()), {}
    texts = [None if value is None else json.dumps(value) for value in values]
    return pyarrow.array(texts, pyarrow.string()), _JSON


def _read_parquet(path):
    parquet = _parquet()
    import pyarrow

    try:
        with path.open("rb") as file:
            table = parquet.read_table(file)
        columns = {}
        for i, field in enumerate(table.schema):
            values = table.column(i).to_pylist()
            if (field.metadata or {}).items() >= _JSON.items():
                values = [None if it is None else json.loads(it) for it in values]
            columns[field.name] = values
    except (pyarrow.ArrowException, ValueError, TypeError, RecursionError) as error:
        msg = f"{path} is not a table: {' '.join(str(error).split())}."
        raise TableError(msg) from error
    if len(columns) < len(table.schema) or not columns:
        msg = f"{path} is not a table: it must name each column once."
        raise TableError(msg)
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def _cells(text):
    """Return the cells of each line that is not empty, however long they are."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    finally:
        csv.field_size_limit(limit)

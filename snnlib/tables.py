"""Tables of runs, whose cells come back as the values they were."""

import contextlib
import csv
import io
import json
import sys

from snnlib.checks import check_path, shown
from snnlib.digests import run_id
from snnlib.files import plain, written_whole

# Columns of words: a run's id may look like a number, and stays what it is.
WORDS = ("run_id", "axis", "versions")


class TableError(ValueError):
    """A file that is not a table."""


def encode_cell(value: object) -> str:
    """Write a value as the text of a cell, such that `decode_cell` gives it back.

    None is an empty cell. Numbers, True and False and most text stand as they are; what
    would come back as something else is written as JSON.

    Parameters
    ----------
    value : None, bool, int, float, str, list or dict
        Lists and dicts may hold the same, with text for keys.

    Returns
    -------
    text : str

    Examples
    --------
    >>> [encode_cell(value) for value in (None, 50.0, "last", "50.0", [1, None])]
    ['', '50.0', 'last', '"50.0"', '[1, null]']
    """
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool | int | float):
        return repr(value)
    # The csv module leaves a carriage return bare, which ends the row for others.
    if isinstance(value, str) and value.isprintable() and decode_cell(value) == value:
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


def write_table(path, rows) -> str:
    """Write rows as .csv, whole or not at all.

    Parameters
    ----------
    path : path-like
        Name of the table. Its folder must be there.
    rows : list of dict
        Values by column. A row may lack columns; its cells are empty then.

    Returns
    -------
    content : str
        What is in the file.

    Raises
    ------
    TableError
        If ``rows`` is something else.
    """
    path = check_path("path", path)
    if not isinstance(rows, list | tuple) or not all(
        isinstance(row, dict) and all(isinstance(name, str) for name in row)
        for row in rows
    ):
        msg = f"rows must be a list of dicts with names as keys; got {shown(rows)}."
        raise TableError(msg)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: value if name in WORDS else encode_cell(value)
                for name, value in row.items()
            }
        )
    with written_whole(path) as file:
        file.write(table.getvalue())
    return table.getvalue()


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
    """
    path = check_path("path", path)
    try:
        # Spreadsheets put a mark before UTF-8.
        text = path.read_text(encoding="utf-8-sig")
        header, *lines = _cells(text) or [[]]
    except (ValueError, csv.Error) as error:
        msg = f"{path} is not a table: {error}."
        raise TableError(msg) from error
    if not header or len(set(header)) < len(header):
        msg = f"{path} is not a table: its first line must name each column once."
        raise TableError(msg)
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(header):
            msg = (
                f"{path} is not a table: its row {number} has {len(cells)} cells, and "
                f"the first line names {len(header)} columns."
            )
            raise TableError(msg)
    return [
        {
            name: (cell or None) if name in WORDS else decode_cell(cell)
            for name, cell in zip(header, cells, strict=True)
        }
        for cells in lines
    ]


def read_provenance(path) -> dict | None:
    """Return what was written beside a table about where it comes from.

    Parameters
    ----------
    path : path-like
        The table.

    Returns
    -------
    provenance : dict or None
        None if there is nothing beside it, or something else.
    """
    path = check_path("path", path)
    if not path.name:
        return None
    path = path.with_suffix(".json")
    try:
        provenance = json.loads(path.read_text(encoding="utf-8"))
        is_one = isinstance(provenance["identity"], dict) and all(
            isinstance(inputs, dict) for inputs in provenance["inputs"]
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
            if run_id(provenance["identity"], inputs, values) == row["run_id"]:
                return values, inputs
    return None, None


def _cells(text):
    """Return the cells of each line that is not empty, however long they are."""
    limit = csv.field_size_limit(sys.maxsize)
    try:
        return [line for line in csv.reader(io.StringIO(text, newline="")) if line]
    finally:
        csv.field_size_limit(limit)

"""Record results and read them back."""

import json
import math
from numbers import Integral, Real
from pathlib import Path

MIME_TYPE = "application/vnd.snnlib.metrics+json"


class MetricsError(ValueError):
    """A notebook without metrics, or with metrics that cannot be read."""


def record(metrics):
    """Show metrics as the one machine-readable output of a notebook.

    They travel inside the executed notebook; nothing is written to disk.

    Parameters
    ----------
    metrics : dict of str to number, str, bool or None
        What the run found. NumPy scalars become plain numbers.

    Raises
    ------
    TypeError
        If a name is not a string, or a value is none of the above.
    ValueError
        If there is nothing to record.

    See Also
    --------
    read_metrics : Read them back from the executed notebook.
    """
    from IPython.display import display

    plain = {_check_name(name): _plain(name, value) for name, value in metrics.items()}
    if not plain:
        msg = "metrics must hold at least one value to record; got none."
        raise ValueError(msg)
    width = max(map(len, plain))
    lines = "\n".join(f"{name:<{width}}  {_show(v)}" for name, v in plain.items())
    display({MIME_TYPE: plain, "text/plain": lines}, raw=True)


def read_metrics(path):
    """Read the metrics that an executed notebook recorded.

    Parameters
    ----------
    path : path-like
        A notebook after its run, such as papermill's output.

    Returns
    -------
    metrics : dict
        The metrics by name.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    MetricsError
        If the file is not a notebook, was not run to its record, or recorded one
        name twice with two values.
    """
    notebook = _read_notebook(Path(path))
    metrics = {}
    for recorded in _recorded(notebook):
        for name, value in recorded.items():
            if metrics.setdefault(name, value) != value:
                msg = (
                    f"{path} recorded {name!r} twice, as {metrics[name]!r} and as "
                    f"{value!r}."
                )
                raise MetricsError(msg)
    if not metrics:
        msg = (
            f"{path} holds no recorded metrics. Run it to its end first, for example "
            f"with: papermill {path} out.ipynb"
        )
        raise MetricsError(msg)
    return metrics


def results_path(name):
    """Return the path of a committed result, such as trained weights.

    It does not read the file.

    Parameters
    ----------
    name : str
        File name in the folder ``results``.

    Returns
    -------
    path : pathlib.Path

    Raises
    ------
    FileNotFoundError
        If there is no such result; the message lists those there are.
    """
    package = Path(__file__).parent
    # Inside the package once installed, beside it in a checkout.
    folders = [
        f for f in (package / "results", package.parent / "results") if f.is_dir()
    ]
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    found = sorted(p.name for f in folders for p in f.iterdir() if p.suffix != ".py")
    msg = f"name must be one of the committed results {found}; got {name!r}."
    raise FileNotFoundError(msg)


def _read_notebook(path):
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        notebook["cells"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{path} is not a notebook, or only half of one: {error!r}"
        raise MetricsError(msg) from error
    return notebook


def _recorded(notebook):
    """Yield the content of each metrics output, from top to bottom."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            if MIME_TYPE in output.get("data", {}):
                yield output["data"][MIME_TYPE]


def _check_name(name):
    if not isinstance(name, str) or not name:
        msg = f"metrics must be named by strings; got {name!r}."
        raise TypeError(msg)
    return name


def _plain(name, value):
    """Return ``value`` as JSON knows it, with NaN and infinity as None."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _plain(name, value.item())
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    msg = (
        f"metrics[{name!r}] must be a number, a string, a bool or None; "
        f"got {type(value).__name__}."
    )
    raise TypeError(msg)


def _show(value):
    return f"{value:.6g}" if isinstance(value, float) else str(value)

"""Trials: code of a notebook, carried out where it cannot end or change this process.

What comes back is read as JSON, never as pickled objects, which could be code again. A
trial is no prison: the code may do what the user may who asked for it.
"""

import ast
import asyncio
import contextlib
import copy
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection, Pipe
from pathlib import Path

from snnlib.checks import shown
from snnlib.kernels import one_line
from snnlib.parameters import Opaque, as_plain

# Seconds that one answer may take, and bytes that it may have.
LIMIT = 60.0
_HERE = str(Path(__file__).resolve().parents[1])
_LONGEST = 10_000_000
# The package's folder comes last, where it is on the path by other means already.
_SERVE = """
import sys
sys.path.append(sys.argv[2])
from snnlib.trials import serve
serve(int(sys.argv[1]))
"""


class TrialError(RuntimeError):
    """A trial that did not answer. The message says why, in one line."""


class Trial:
    """A process in an empty folder, to be used in a ``with`` statement.

    Ctrl-C does not reach it; it ends with the block.
    """

    def __enter__(self):
        """Start the process."""
        with contextlib.ExitStack() as opened:
            folder = opened.enter_context(
                tempfile.TemporaryDirectory(
                    prefix="snnlib-trial-", ignore_cleanup_errors=True
                )
            )
            self._link, theirs = map(opened.enter_context, Pipe())
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _SERVE, str(theirs.fileno()), _HERE],
                cwd=folder,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            theirs.close()
            opened.callback(self._end)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_):
        """End it."""
        self._opened.close()

    def _end(self):
        # What it has started goes with it, unless that has left its session.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, 9)
        self._process.kill()
        self._process.wait()

    def defaults(self, source):
        """Carry out a cell, and return what its names stand for then.

        Parameters
        ----------
        source : str
            Code.

        Returns
        -------
        defaults : dict of str to object
            Values, and an `Opaque` for each that JSON does not give back.

        Raises
        ------
        TrialError
            If it raises, ends its process, or does not end.
        """
        answer = self._ask({"cell": source})
        return {
            name: it["value"] if "value" in it else Opaque(**it)
            for name, it in answer.items()
        }

    def prepare(self, sources):
        """Say what code `refusal` is to carry out.

        Parameters
        ----------
        sources : list of str
            The first sets parameters, the others may refuse them.

        Raises
        ------
        TrialError
            If it is no Python.
        """
        self._ask({"checks": sources})

    def refusal(self, values):
        """Carry out the prepared code with other parameters.

        Parameters
        ----------
        values : dict of str to object
            The parameters.

        Returns
        -------
        reason : str or None
            What it raised, in one line.

        Raises
        ------
        TrialError
            If it ends its process, or does not end.
        """
        return self._ask({"values": values})

    def _ask(self, question):
        try:
            self._link.send_bytes(json.dumps(question).encode())
            if not self._link.poll(LIMIT):
                msg = f"it had not ended after {LIMIT:g} s"
                raise TrialError(msg)
            answer = json.loads(self._link.recv_bytes(_LONGEST))
            error, found = answer["error"], answer["found"]
        except (EOFError, ConnectionError) as error:
            code = self._process.wait()
            msg = f"it ended its process, with exit code {code}"
            raise TrialError(msg) from error
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            msg = "its answer cannot be read"
            raise TrialError(msg) from error
        if error is not None:
            raise TrialError(str(error))
        return found


# In the process.


def serve(fd):
    """Answer questions until nobody asks.

    Parameters
    ----------
    fd : int
        File descriptor of the link to `Trial`, which starts this process.
    """
    link = Connection(fd)
    answers = _Answers()
    with contextlib.suppress(EOFError, OSError):
        while True:
            ((kind, content),) = json.loads(link.recv_bytes()).items()
            answer = {"error": None, "found": None}
            try:
                answer["found"] = getattr(answers, kind)(content)
            except BaseException as error:
                answer["error"] = _one_line(error)
            link.send_bytes(json.dumps(answer).encode())


class _Answers:
    """The questions by name, and what was prepared for them."""

    def __init__(self):
        self._sources = self._prepared = []

    def cell(self, source):
        """Return what the names of a cell stand for, described."""
        of_kernel = _names_of_a_kernel([source])
        namespace = dict(of_kernel)
        with asyncio.Runner() as runner:
            _carry_out(_compiled(source, "<parameters>"), namespace, runner)
        namespace.pop("__builtins__", None)
        return {
            name: _described(value)
            for name, value in namespace.items()
            if name not in of_kernel or value is not of_kernel[name]
        }

    def checks(self, sources):
        self._prepared = [_compiled(source, "<notebook>") for source in sources]
        self._sources = sources

    def values(self, values):
        """Return what the prepared code says against values, or None."""
        namespace = {"__name__": "__main__", **_names_of_a_kernel(self._sources)}
        try:
            with asyncio.Runner() as runner:
                for i, code in enumerate(self._prepared):
                    _carry_out(code, namespace, runner)
                    if i == 0:
                        # The cells may change what they get.
                        namespace.update(copy.deepcopy(values))
        except BaseException as error:
            return _one_line(error)
        return None


def _names_of_a_kernel(sources):
    """Return what cells find in a kernel. Here it does nothing."""
    from unittest.mock import MagicMock

    names = dict.fromkeys(("display", "get_ipython", "In", "Out", "_"), MagicMock())
    if any("IPython" in source for source in sources):
        with contextlib.suppress(ImportError):
            import IPython
            from IPython.core import getipython

            # Outside of a kernel it returns None.
            IPython.get_ipython = getipython.get_ipython = names["get_ipython"]
    return names


def _compiled(source, name):
    # A notebook may await outside of functions.
    return compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def _carry_out(code, namespace, runner):
    awaited = eval(code, namespace)
    if awaited is not None:
        runner.run(awaited)


def _described(value):
    """Return a value that JSON gives back, or else its text and what is nearest."""
    if isinstance(value, float):
        # NumPy's are floats too.
        value = float(value)
    with contextlib.suppress(TypeError, ValueError, RecursionError):
        # Its text tells tuples from lists, and numbers from texts as keys.
        if repr(json.loads(json.dumps(value))) == repr(value):
            return {"value": value}
    described = {"text": shown(value)}
    with contextlib.suppress(ValueError):
        described["plain"] = as_plain(value, is_nan_allowed=True)
    return described


def _one_line(error):
    """Return what an error says, on one line, whatever it is."""
    try:
        text = str(error)
    except Exception:
        text = "its message cannot be shown"
    return one_line(f"{type(error).__name__}: {text}")

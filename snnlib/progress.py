"""Progress: a bar in a terminal, and a line now and then elsewhere."""

import sys
from itertools import chain, repeat

from snnlib.workers import import_extra

# Seconds between two signs of progress where there is no terminal.
_QUIET = 30
# What is done sooner, or with fewer items, needs none.
_SOON = 0.8
_FEW = 200


def bar(text="{desc}{postfix}, {remaining} to go", quiet=_QUIET, **options):
    """Return a bar of tqdm's on standard error, which may be one of lines.

    Parameters
    ----------
    text : str
        What stands beside the bar, as tqdm formats it.
    quiet : float
        Seconds between two lines, where there is no terminal.
    **options
        As of ``tqdm.tqdm``.

    Returns
    -------
    bar : tqdm.tqdm
    """
    tqdm = import_extra("tqdm").tqdm

    class Lines(tqdm):
        """A bar without a bar, for log files."""

        @staticmethod
        def status_printer(file):
            # tqdm itself ends the last one.
            begins = chain([""], repeat("\n"))

            def print_line(text):
                file.write(next(begins) + text)
                file.flush()

            return print_line

    is_terminal = sys.stderr.isatty()
    kind, picture, interval = (
        (tqdm, "{bar:20} ", 0.1) if is_terminal else (Lines, "", quiet)
    )
    return kind(
        bar_format=picture + text,
        mininterval=interval,
        # The rate of the whole so far.
        smoothing=0,
        dynamic_ncols=True,
        **options,
    )


def watched(items, what, n_items):
    """Yield items, and show how far it is if that takes more than a moment.

    Parameters
    ----------
    items : iterable
        What is yielded.
    what : str
        What is done with them.
    n_items : int
        How many there are.

    Yields
    ------
    item : object
    """
    if n_items < _FEW:
        yield from items
        return
    try:
        shown = bar(
            "{desc}",
            quiet=_QUIET / 3,
            total=n_items,
            delay=_SOON,
            leave=False,
        )
    except ImportError:
        yield from items
        return
    with shown:
        quiet, shown.mininterval = shown.mininterval, 0
        for i, item in enumerate(items, start=1):
            yield item
            shown.desc = f"{what}: {i} of {n_items}"
            if shown.update():
                # The first sign comes soon, the others now and then.
                shown.mininterval = quiet

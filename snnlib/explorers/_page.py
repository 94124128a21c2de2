"""The face of an explorer without a kernel: HTML, and the scripts that move it."""

import itertools
import json
import re
from functools import lru_cache
from html import escape
from pathlib import Path

_numbers = itertools.count(1)
# In the order in which they build on each other; an explorer's own come after these.
_SCRIPTS = (
    *("lif.js", "elements.js", "state.js", "controls.js", "panel.js", "points.js"),
    *("view.js", "guess.js", "download.js"),
)
# A piece of text that leads to a state: [see it at 0.1 s](synapse=0.1)
_LINK = re.compile(r"\[([^\]]+)\]\((\w+=[^\s()]*)\)")


def html(explorer, picture):
    """Return an explorer as HTML around a picture of its start.

    Parameters
    ----------
    explorer : Explorer
        What to show.
    picture : str
        What is seen without scripts: a PNG in base64.

    Returns
    -------
    html : str
        Style, scripts and data in one piece, which asks nothing of a network.
    """
    identity = new_identity(explorer)
    scripts = [*_SCRIPTS, *explorer.scripts, "explorers.js"]
    sentence = f'<p class="snnlib-sentence">{escape(explorer.sentence)}</p>'
    return (
        frame(explorer, identity, picture, after=sentence)
        + f"<script>{''.join(map(asset, scripts))}"
        f"snnlib.mount({json.dumps(identity)}, {describe(explorer)});</script>"
    )


def frame(explorer, identity, picture, *, sheets=(), kind="", before="", after=""):
    """Return an explorer's style and its element, which scripts fill.

    Parameters
    ----------
    explorer, picture
        As in `html`.
    identity : str
        From `new_identity`.
    sheets : sequence of str, default=()
        Style sheets of its own.
    kind : str, default=""
        A class of its own.
    before, after : str, default=""
        HTML that stands before and behind the answer.

    Returns
    -------
    html : str
    """
    answer = (
        '<details class="snnlib-answer"><summary>Answer</summary>'
        f"<p>{_linked(explorer.answer, identity)}</p></details>"
        if explorer.answer
        else ""
    )
    return (
        f"<style>{''.join(map(asset, ('explorers.css', *sheets)))}</style>"
        f'<section class="{f"snnlib-explorer {kind}".strip()}" id="{identity}" '
        f'aria-label="{escape(explorer.title)}">'
        f'<p class="snnlib-question"><strong>Question.</strong> '
        f"{_linked(explorer.question, identity)}</p>"
        f'<div class="snnlib-stage"></div>'
        f'<noscript><img alt="{escape(alt_text(explorer))}" '
        f'src="data:image/png;base64,{picture}"></noscript>'
        f"{before}{answer}{after}</section>"
    )


def new_identity(explorer):
    """Return a name for an explorer's element that no other on the page has."""
    return f"snnlib-explorer-{explorer.kind}-{next(_numbers)}"


def describe(explorer):
    """Return all that the scripts know of an explorer, as JSON for a script element."""
    description = {
        "kind": explorer.kind,
        "controls": [control._asdict() for control in explorer.controls],
        "sliders": explorer.sliders,
        "presets": [preset._asdict() for preset in explorer.presets],
        "guess": explorer.guess and explorer.guess._asdict(),
        "panels": [
            panel._asdict() | {"series": [s._asdict() for s in panel.series]}
            for panel in explorer.panels
        ],
        "readouts": [readout._asdict() for readout in explorer.readouts],
        "data": explorer._data(),
    }
    return json.dumps(description).replace("<", "\\u003c")


def alt_text(explorer):
    """Return what a picture of the panels shows, in words."""
    return " ".join(panel.alt for panel in explorer.panels)


def states_in(text):
    """Return the states that a text leads to, each as text by name of a slider."""
    queries = [query for _, query in _LINK.findall(text)]
    return [
        dict(part.partition("=")[::2] for part in query.split("&")) for query in queries
    ]


def without_links(text):
    """Return a text whose links to states are words like the others."""
    return _LINK.sub(r"\1", text)


def _linked(text, identity):
    """Return a text as HTML, with its links to states of an explorer."""
    return _LINK.sub(rf'<a href="#{identity}?\2">\1</a>', escape(text))


@lru_cache
def asset(name):
    """Return the text of one of the package's JavaScript or CSS files."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

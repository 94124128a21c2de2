"""Explorers in prose, and the weights of trained networks in files beside the pages."""

import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from snnlib import digit_explorer, results_explorer

WEIGHTS = re.compile(
    r'<script type="application/json" data-network="(?P<name>[\w-]+)">'
    r"(?P<weights>[^<]+)</script>"
)


class ExplorerDirective(SphinxDirective):
    """Show an explorer.

    The option ``sliders`` names the sliders to show; the content is the question.
    Without it, an explorer asks its own.
    """

    has_content = True
    option_spec: ClassVar = {"sliders": directives.unchanged}

    def run(self):
        """Return the explorer as the page has it."""
        explorer = self.make(**self.shown())
        return [nodes.raw("", explorer.html(), format="html")]

    def shown(self):
        """Return what the page says that the explorer is to show."""
        given = {"question": " ".join(self.content)} if self.content else {}
        if "sliders" in self.options:
            given["sliders"] = self.options["sliders"].split()
        return given


class DigitExplorer(ExplorerDirective):
    """Show the committed network at a digit that the reader draws."""

    make = staticmethod(digit_explorer)

    def shown(self):
        """Return what the page says; it shows no sliders that it does not name."""
        return {"sliders": [], **super().shown()}


class ResultsExplorer(ExplorerDirective):
    """Show the committed tables as the paper's nine panels."""

    make = staticmethod(results_explorer)


def lift_weights(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Put a page's networks into files, which are loaded when a reader comes near.

    As scripts, for a page that was opened from a file may read nothing else.
    """
    folder = Path(app.outdir, "_static", "networks")

    def lift(found):
        name, weights = found["name"], found["weights"]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.js").write_text(f'snnlib.networks["{name}"] = {weights};\n')
        address = context["pathto"](f"_static/networks/{name}.js", 1)
        return (
            f'<script type="application/json" data-network="{name}" '
            f'data-address="{address}"></script>'
        )

    if "body" in context:
        context["body"] = WEIGHTS.sub(lift, context["body"])


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    app.add_directive("digit-explorer", DigitExplorer)
    app.add_directive("results-explorer", ResultsExplorer)
    app.connect("html-page-context", lift_weights)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

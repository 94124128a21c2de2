"""Pictures of results in prose: explorers, in files of their own, and a figure."""

import base64
import hashlib
import os
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.directives.patches import Figure
from sphinx.util.docutils import SphinxDirective

from snnlib import digit_explorer, results_explorer

WEIGHTS = re.compile(
    r'<script type="application/json" data-network="(?P<name>[\w-]+)">'
    r"(?P<weights>[^<]+)</script>"
)
# What fills an explorer's element, and what is seen of it without scripts.
FILLING = re.compile(
    r"<script>(?P<code>(?:(?!</script>).)*?snnlib\.(?:digit\.)?mount\("
    r"(?:(?!</script>).)*)</script>",
    re.DOTALL,
)
PICTURE = re.compile(r'src="data:image/png;base64,(?P<bytes>[^"]+)"></noscript>')
# A script that is deferred would still come before the page is seen first.
LOADER = """<script>{
  const place = document.currentScript;
  const load = () => {
    const script = document.createElement("script");
    script.src = "%s";
    place.replaceWith(script);
  };
  const fold = place.closest("details");
  if (fold) fold.addEventListener("toggle", load, { once: true });
  else requestAnimationFrame(() => setTimeout(load));
}</script>"""


class DigitExplorer(SphinxDirective):
    """Show the committed network at a digit that the reader draws.

    The content is the question; without it, the explorer asks its own.
    """

    has_content = True

    def run(self):
        """Return the explorer as the page has it."""
        given = {"question": " ".join(self.content)} if self.content else {}
        explorer = digit_explorer(sliders=[], **given)
        return [nodes.raw("", explorer.html(), format="html")]


class ResultsExplorer(SphinxDirective):
    """Show the committed tables as the paper's nine panels, when a reader unfolds them.

    The content is what is read before.
    """

    has_content = True

    def run(self):
        """Return the explorer in its fold."""
        summary = escape(" ".join(self.content))
        return [
            nodes.raw(
                "",
                f"<details class='fold'><summary>{summary}</summary>"
                f"{results_explorer().html()}</details>",
                format="html",
            )
        ]


class PaperFigure(Figure):
    """Draw the paper's nine panels anew; the content is the caption."""

    required_arguments = 0

    def run(self):
        """Return the figure, drawn where the notebooks leave theirs."""
        env = self.state.document.settings.env
        path = Path(env.app.outdir).parent / "jupyter_execute" / "paper_figure.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_panels().savefig(path)
        self.arguments = [f"/{os.path.relpath(path, env.srcdir)}"]
        return super().run()


def draw_panels():
    """Return what the explorer of the results begins with, without its legends."""
    figure = results_explorer().figure()
    figure.set_size_inches(9, 4.8)
    figure.subplots_adjust(hspace=0.6, top=0.94, bottom=0.11)
    for ax in figure.axes:
        ax.get_legend().remove()
    for ax in figure.axes[:6]:
        ax.set_xlabel("")
    return figure


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


def lift_explorers(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Put what fills a page's explorers into files, so that the page is seen first.

    What a reader has to unfold is loaded when he does.
    """
    folder = Path(app.outdir, "_static", "explorers")

    def keep(content, suffix):
        """Write a file that is named for its content; return its address."""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{hashlib.sha256(content).hexdigest()[:12]}{suffix}"
        (folder / name).write_bytes(content)
        return context["pathto"](f"_static/explorers/{name}", 1)

    def lift_code(found):
        return LOADER % keep(found["code"].encode(), ".js")

    def lift_picture(found):
        address = keep(base64.b64decode(found["bytes"]), ".png")
        return f'src="{address}"></noscript>'

    if "body" in context:
        context["body"] = FILLING.sub(lift_code, context["body"])
        context["body"] = PICTURE.sub(lift_picture, context["body"])


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    app.add_directive("digit-explorer", DigitExplorer)
    app.add_directive("paper-figure", PaperFigure)
    app.add_directive("results-explorer", ResultsExplorer)
    app.connect("html-page-context", lift_weights)
    app.connect("html-page-context", lift_explorers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

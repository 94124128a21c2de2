"""Make the pages stand alone: what they use comes with the book, and nothing else."""

import os
import shutil
from importlib.resources import files
from pathlib import Path

# MathJax itself, its fonts, and what it fetches when TeX asks for a rare command.
MATHJAX = ("tex-chtml.js", "output/chtml/fonts/woff-v2/*", "input/tex/extensions/*")

# Minutes of installing for Binder, measured by tests/test_binder.py on two cores, and
# what is there then.
_BINDER = 2, "0.8 GB"
_BINDER_FULL = 3, "3.1 GB"


def copy_mathjax(app):
    """Put MathJax beside the pages; in ``html_static_path``, all would load all of it.

    It comes from a package of files, whose own Sphinx extension is not used: that
    copies ten times as much.
    """
    if app.builder.format != "html":
        return
    source = files("sphinx-mathjax-offline") / "static" / "mathjax"
    target = Path(app.outdir, "_static", "mathjax")
    for path in (path for pattern in MATHJAX for path in source.glob(pattern)):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def mend_body(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Make wide formulas reachable by keyboard, and the list of references valid.

    The theme gives what it knows to scroll a place in the tab order while it does. A
    list must not hold what is no list item, and the references are none.
    """
    body = context.get("body", "")
    scrolling = '<div class="pst-scrollable-table-container math '
    body = body.replace('<div class="math ', scrolling)
    context["body"] = body.replace('<div role="list" class="citation-list">', "<div>")


def drop_unused(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Leave out scripts that a page does not use.

    Thebe's scripts declare a constant twice and fail. Thebe runs cells in the page
    through Binder; the book's launch buttons open Binder itself. MathJax is large, and
    Sphinx also loads it on pages whose children hold mathematics.
    """
    unused = ["thebe"]
    if "math notranslate" not in context.get("body", ""):
        unused.append("mathjax")
    context["script_files"] = [
        script
        for script in context.get("script_files", ())
        if not any(name in str(vars(script)).lower() for name in unused)
    ]


def name_page(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Give the first page the book's name once, and the search its excerpts."""
    if pagename == app.config.root_doc:
        context["docstitle"] = ""
    if pagename == "search":
        app.add_js_file("search.js")


def choose_binder(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Send lessons with TensorFlow to the environment that has it, and say how long."""
    path = Path(app.env.doc2path(pagename))
    if path.suffix != ".ipynb":
        return
    branch = f"/{app.config.html_theme_options['repository_branch']}?"
    is_full = "snnlib[dl]" in path.read_text()
    for group in context.get("header_buttons", ()):
        for button in group.get("buttons", ()):
            if button.get("text") != "Binder":
                continue
            if is_full:
                button["url"] = button["url"].replace(branch, "/binder-full?")
            minutes, size = _BINDER_FULL if is_full else _BINDER
            button["text"] = f"Binder ({minutes} min or more)"
            button["tooltip"] = (
                f"Binder makes a machine for you, with {size} of packages. It keeps "
                "them between changes to their list, and is quicker then"
            )


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    # The kernels inherit it: on a page, explorers are HTML that runs without a kernel.
    os.environ.setdefault("SNNLIB_EXPLORERS", "html")
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", mend_body)
    app.connect("html-page-context", name_page)
    # After the theme has made its buttons.
    app.connect("html-page-context", choose_binder, priority=800)
    app.connect("html-page-context", drop_unused, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

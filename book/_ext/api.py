"""Tables of the package's names, made of the pages that document them."""

import inspect
import re
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from sphinx.ext.autosummary import Autosummary, extract_summary

import snnlib

# A name, and what the page itself says of it where it is no function and no class.
ENTRY = re.compile(
    r"^\.\. (?:auto|py:)\w+:: snnlib\.(\w+)\n(?:\n((?: {3}.*\n)+))?", re.MULTILINE
)


class ApiTable(Autosummary):
    """A table of the names that a page documents, each with its first sentence.

    The argument names another page of the package. Each row of its table also has the
    address that its entry had while all of the package was one page.
    """

    optional_arguments = 1
    has_content = False
    option_spec: ClassVar = {}

    def run(self):
        """Return the table."""
        self.options["nosignatures"] = True
        here = Path(self.env.doc2path(self.env.docname))
        elsewhere = [here.with_suffix("") / f"{name}.md" for name in self.arguments]
        [path] = elsewhere or [here]
        self.env.note_dependency(str(path))
        names = dict(ENTRY.findall(path.read_text()))
        # So a sentence's other names are found in the package, and become links.
        self.env.ref_context["py:module"] = "snnlib"
        table = self.get_table([self.item(*entry) for entry in names.items()])
        del self.env.ref_context["py:module"]
        if self.arguments:
            for name, row in zip(names, table[1].findall(nodes.row), strict=True):
                row["ids"].append(f"snnlib.{name}")
        return table

    def item(self, name, said):
        """Return a row: what it shows, no signature, its first sentence, its target."""
        lines = (said or inspect.getdoc(getattr(snnlib, name))).splitlines()
        summary = extract_summary([line.strip() for line in lines], self.state.document)
        return name, "", summary, f"snnlib.{name}"


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    app.setup_extension("sphinx.ext.autosummary")
    app.add_directive("api-table", ApiTable)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

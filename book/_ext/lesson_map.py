"""The map of the lessons, made of what their first cells say."""

import re
from os.path import relpath
from pathlib import Path

import nbformat
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

LESSON = re.compile(r"\]\((\d\d[a-z]?)_\w+\.ipynb")


def read_box(path):
    """Return a lesson's title, its minutes, and the lessons that it needs."""
    text = nbformat.read(path, as_version=4).cells[0].source
    title = re.match(r"# (.*)", text)[1]
    minutes = re.search(r"about (\d+) minutes", text)
    need = re.search(r"you need\b.*?(?=\n\n|\Z)", text, re.IGNORECASE | re.DOTALL)
    needed = sorted(set(LESSON.findall(need[0]))) if need else []
    return title, minutes[1] if minutes else "-", needed


class LessonMap(SphinxDirective):
    """A table of the lessons: number, title, minutes, and what each needs.

    A line of the content, ``name: question``, says what a lesson answers.
    """

    has_content = True

    def run(self):
        """Return the table."""
        page = Path(self.get_source_info()[0]).parent
        lessons = sorted(Path(self.env.srcdir, "notebooks").glob("*.ipynb"))
        answers = dict(line.split(": ", 1) for line in self.content)
        if unknown := answers.keys() - {path.stem for path in lessons}:
            msg = f"There are no lessons {sorted(unknown)}."
            raise self.error(msg)
        lines = ["| | lesson | minutes | after |", "| --- | --- | --: | --- |"]
        for path in lessons:
            title, minutes, needed = read_box(path)
            answer = f": {answers[path.stem]}" if path.stem in answers else ""
            cells = (
                path.stem.split("_")[0],
                f"[{title}]({relpath(path, page)}){answer}",
                minutes,
                ", ".join(needed) or "-",
            )
            lines.append(f"| {' | '.join(cells)} |")
        [table] = self.parse_text_to_nodes(StringList(lines, source=str(page)))
        table["classes"].append("lesson-map")
        return [table]


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    app.add_directive("lesson-map", LessonMap)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

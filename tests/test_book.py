"""The book builds without a warning, and does not build when a lesson fails."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from ruamel.yaml import YAML

import snnlib

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")
TOC = YAML(typ="safe").load(ROOT / "_toc.yml")
PAGES = [TOC["root"]] + [
    chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]
]
LESSONS = [page for page in PAGES if page.startswith("notebooks/")]


def build(folder, code):
    """Build the book with a short lesson, running ``code``, in place of each lesson."""
    shutil.copytree(ROOT / "book", folder / "book")
    for name in (
        "_config.yml",
        "_toc.yml",
        "pyproject.toml",
        "benchmarks/results.json",
        "results/nir.csv",
        "results/versions.csv",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    # What a working copy gathers beside the book must not get into it.
    for stray in (".pytest_cache/README.md", ".venv/lib/NOTES.md", "out.ipynb"):
        (folder / stray).parent.mkdir(parents=True, exist_ok=True)
        (folder / stray).write_text("# Stray")
    for lesson in LESSONS:
        path = folder / f"{lesson}.ipynb"
        path.parent.mkdir(exist_ok=True)
        cells = [
            nbformat.v4.new_markdown_cell(f"# {path.stem}"),
            nbformat.v4.new_code_cell(code),
        ]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return subprocess.run(
        [JUPYTER_BOOK, "build", folder, "-W", "-n", "--keep-going"],
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build the book once; return the run and its pages."""
    folder = tmp_path_factory.mktemp("built")
    code = "import snnlib\nsnnlib.record({'answer': 41})\n6 * 7"
    return build(folder, code), folder / "_build" / "html"


@pytest.mark.slow
def test_build_makes_every_page(built):
    """A build without a warning ends well and holds every page of the contents."""
    done, html = built
    assert done.returncode == 0, done.stderr
    assert [page for page in PAGES if not (html / f"{page}.html").is_file()] == []


@pytest.mark.slow
def test_build_runs_lessons(built):
    """A lesson's page shows what its code returned."""
    _, html = built
    for lesson in LESSONS:
        output = re.findall(r'class="output .*?</div>', page_text(html, lesson), re.S)
        assert any("42" in text for text in output), lesson


@pytest.mark.slow
def test_build_shows_versions(built):
    """The page of versions has a row for each row of the measured table."""
    _, html = built
    rows = (ROOT / "results" / "versions.csv").read_text().splitlines()
    assert page_text(html, "book/versions").count("<tr") == len(rows)


@pytest.mark.slow
def test_build_documents_parameters(built):
    """The API page holds the docstrings, not just the names."""
    _, html = built
    assert "Low-pass time constant" in page_text(html, "book/api")


def page_text(html, page):
    """Return the source of a built page."""
    return (html / f"{page}.html").read_text()


@pytest.mark.slow
def test_build_fails_with_lesson(tmp_path):
    """A lesson that raises makes the build fail, and the message is shown."""
    done = build(tmp_path, "raise ValueError('the lesson is broken')")
    assert done.returncode != 0
    assert "the lesson is broken" in done.stdout + done.stderr


def test_api_page_lists_public_names():
    """The API page documents every public name, and no other."""
    page = (ROOT / "book" / "api.md").read_text()
    documented = re.findall(r"\.\. (?:auto|py:)\w+:: snnlib\.(\w+)", page)
    modules = {"__version__", "nengo_dl", "tf"}
    assert sorted(documented) == sorted(set(snnlib.__all__) - modules)


def test_contents_name_every_lesson():
    """Every notebook is in the table of contents, in the order of its number."""
    on_disk = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [f"notebooks/{path.stem}" for path in on_disk] == LESSONS


def test_figures_have_alt_text():
    """Every picture of the prose pages says in words what it shows."""
    for path in (ROOT / "book").glob("*.md"):
        text = path.read_text()
        blocks = re.findall(r"```\{(?:figure|image)\}.*?```", text, re.S)
        assert all(":alt:" in block for block in blocks), path
        assert "![](" not in text, path

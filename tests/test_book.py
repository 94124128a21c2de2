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
    page["file"]
    for part in TOC["parts"]
    for chapter in part["chapters"]
    for page in (chapter, *chapter.get("sections", ()))
]
LESSONS = [page for page in PAGES if page.startswith("notebooks/")]


def build(folder, code):
    """Build the book with a short lesson, running ``code``, in place of each lesson."""
    shutil.copytree(ROOT / "book", folder / "book")
    for name in (
        "_config.yml",
        "_toc.yml",
        "pyproject.toml",
        "benchmarks/__init__.py",
        "benchmarks/page.py",
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
    """The API's pages hold the docstrings, not just the names."""
    _, html = built
    assert "Low-pass time constant" in page_text(html, "book/api/estimators")


@pytest.mark.slow
def test_build_finds_names_at_their_old_address(built):
    """Names had entries in ``api.html`` once; there, a row still leads to each."""
    _, html = built
    page = page_text(html, "book/api")
    documented = [name for names in documented_names().values() for name in names]
    assert documented
    for name in documented:
        row = re.search(rf'<tr [^>]*id="snnlib.{name}".*?</tr>', page, re.S)[0]
        [address] = re.findall(rf'href="(api/\w+\.html)#snnlib.{name}"', row)
        assert f'id="snnlib.{name}"' in (html / "book" / address).read_text(), name


def page_text(html, page):
    """Return the source of a built page."""
    return (html / f"{page}.html").read_text()


@pytest.mark.slow
def test_build_fails_with_lesson(tmp_path):
    """A lesson that raises makes the build fail, and the message is shown."""
    done = build(tmp_path, "raise ValueError('the lesson is broken')")
    assert done.returncode != 0
    assert "the lesson is broken" in done.stdout + done.stderr


def documented_names():
    """Return the names that each page of the API documents."""
    return {
        path.stem: re.findall(r"\.\. (?:auto|py:)\w+:: snnlib\.(\w+)", path.read_text())
        for path in (ROOT / "book" / "api").glob("*.md")
    }


def test_api_pages_list_public_names():
    """The API's pages document every public name once, and no other."""
    documented = [name for names in documented_names().values() for name in names]
    modules = {"__version__", "nengo_dl", "tf"}
    assert sorted(documented) == sorted(set(snnlib.__all__) - modules)


def test_api_page_has_a_table_for_each_page():
    """The API's first page, and the contents, name its pages in one order."""
    tables = re.findall(r"api-table:: (\w+)", (ROOT / "book/api.md").read_text())
    assert [f"book/api/{name}" for name in tables] == [
        page for page in PAGES if page.startswith("book/api/")
    ]
    assert sorted(tables) == sorted(documented_names())


def test_contents_name_every_lesson():
    """Every notebook is in the table of contents, in the order of its number."""
    on_disk = sorted((ROOT / "notebooks").glob("*.ipynb"))
    assert [f"notebooks/{path.stem}" for path in on_disk] == LESSONS


def test_figures_have_alt_text():
    """Every picture of the prose pages says in words what it shows."""
    for path in (ROOT / "book").rglob("*.md"):
        text = path.read_text()
        blocks = re.findall(r"```\{(?:paper-)?(?:figure|image)\}.*?```", text, re.S)
        assert all(":alt:" in block for block in blocks), path
        assert "![](" not in text, path

"""Lessons in the reader's browser: a JupyterLite site, and the button that leads to it.

Python and what is compiled for it are Pyodide's. The site fetches them from Pyodide's
CDN, or holds the copy that ``SNNLIB_PYODIDE`` names. All else it holds itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path
from subprocess import DEVNULL

import addresses
import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "lite"
SITE = ROOT / "_build" / "html" / "lite"
# What Pyodide does not have: Nengo, what fetches data, and what draws sliders. Without
# comm, a cell that makes a widget never ends.
WHEELS = ["nengo", "pooch", "comm"]
WHEELS += ["ipywidgets", "jupyterlab_widgets", "widgetsnbextension"]
# How a lesson installs the package and no extra: NengoDL, TensorFlow and Numba do not
# run in a browser.
INSTALLS = re.compile(r"(%pip install --quiet) git\+\S+$", re.M)
# Not needed once Pyodide has scikit-learn 1.9.
UNFOUNDED = """

import warnings

# scikit-learn 1.8 says it, many times, of the C=np.inf that it advises.
warnings.filterwarnings("ignore", "Setting penalty=None will ignore the C")"""
# A link to a lesson or to another page of the book.
LINK = re.compile(r"\]\((?P<folder>\.\./\w+/)?(?P<name>[\w-]+)\.(?:ipynb|md)\b")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
BUTTON = {
    "type": "link",
    "text": "JupyterLite (70 MB)",
    "tooltip": (
        "Run in this browser. Python comes from Pyodide's CDN, jsDelivr, unless this "
        "book holds a copy"
    ),
    "icon": "_static/images/logo_jupyterlite.svg",
}


def runs_in_browser(path):
    """Say whether a lesson needs no more than a browser has."""
    cells = nbformat.read(path, as_version=4).cells
    return any(INSTALLS.search(cell.source) for cell in cells)


def lessons():
    """Return the files of the lessons that run in a browser."""
    return list(filter(runs_in_browser, sorted((ROOT / "notebooks").glob("*.ipynb"))))


def for_browser(notebook, address, names):
    """Return a copy of a lesson that installs from the site and links into it.

    Its other code stays as it is.

    Parameters
    ----------
    notebook : NotebookNode
        The lesson as it is in the repository.
    address : str
        The published book, where links lead to what the site does not hold.
    names : collection of str
        Names of the lessons in the site.

    Returns
    -------
    copy : NotebookNode
        The lesson as it is in the site.
    """

    def lead(link):
        folder, name = link["folder"] or "../notebooks/", link["name"]
        if name in names:
            return link[0]
        return f"]({address}{folder.removeprefix('../')}{name}.html"

    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            pictures = f"]({address}_static/"
            cell.source = cell.source.replace("](../book/_static/", pictures)
            cell.source = LINK.sub(lead, cell.source)
        elif INSTALLS.search(cell.source):
            # JupyterLite's %pip takes only wheels, and asks the site for them first.
            cell.source = INSTALLS.sub(r"\1 snnlib ipywidgets", cell.source) + UNFOUNDED
    return copy


def write_lessons(folder):
    """Write the lessons into a folder, as the site has them."""
    folder.mkdir()
    address = addresses.book_of(addresses.repository())
    paths = lessons()
    names = {path.stem for path in paths}
    for path in paths:
        text = addresses.moved_here(path.read_text())
        notebook = nbformat.reads(text, as_version=4)
        nbformat.write(for_browser(notebook, address, names), folder / path.name)


def write_wheels(folder):
    """Write our wheel into a folder, and those it needs in the versions we have."""
    # setuptools packs what it finds there, however old.
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    ours = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT]
    subprocess.run([*pip, *ours], check=True)
    pins = [f"{name}=={version(name)}" for name in WHEELS]
    theirs = ["download", "--no-deps", "--only-binary=:all:", "--dest", folder, *pins]
    subprocess.run([*pip, *theirs], check=True)


def write_settings(folder, pyodide):
    """Write the site's settings, and where it has Pyodide if it is to hold a copy."""
    settings = {"appName": "Tuning Spikes", "faviconUrl": "./notebooks/favicon.ico"}
    if pyodide:
        (folder / "static").mkdir()
        (folder / "static" / "pyodide").symlink_to(pyodide)
        # Without it, what the copy lacks would be looked for on another machine.
        settings["litePluginSettings"] = {KERNEL: {"disablePyPIFallback": True}}
    content = {"jupyter-lite-schema-version": 0, "jupyter-config-data": settings}
    (folder / "jupyter-lite.json").write_text(json.dumps(content))


def pyodide_copy():
    """Return the folder that ``SNNLIB_PYODIDE`` names, or None."""
    name = os.environ.get("SNNLIB_PYODIDE")
    if not name:
        return None
    folder = Path(name).resolve()
    for needed in ("pyodide.mjs", "pyodide-lock.json"):
        if not (folder / needed).is_file():
            sys.exit(f"SNNLIB_PYODIDE is a folder without {needed}: {name}")
    packages = json.loads((folder / "pyodide-lock.json").read_text())["packages"]
    for package in needed_packages(packages):
        # A browser takes no file with another hash, and its kernel then never starts.
        file = folder / package["file_name"]
        is_true = (
            file.is_file()
            and sha256(file.read_bytes()).hexdigest() == package["sha256"]
        )
        if not is_true:
            sys.exit(f"SNNLIB_PYODIDE is a folder without a true {file.name}: {name}")
    return folder


def needed_packages(packages):
    """Return those of Pyodide's packages that the kernel and the lessons load."""
    browser = {"sys_platform": "emscripten", "extra": ""}
    asked = map(Requirement, requires("snnlib"))
    left = ["ipython"]
    left += [it.name for it in asked if not it.marker or it.marker.evaluate(browser)]
    found = {}
    while left:
        name = canonicalize_name(left.pop())
        if name in packages and name not in found:
            found[name] = packages[name]
            left += packages[name]["depends"]
    return list(found.values())


def build_site():
    """Build the site into the book."""
    pyodide = pyodide_copy()
    for folder in (BUILD, SITE):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir(parents=True)
    write_lessons(BUILD / "lessons")
    write_wheels(BUILD / "pypi")
    write_settings(BUILD, pyodide)
    options = ["--lite-dir", BUILD, "--output-dir", SITE, "--contents", "lessons"]
    # The folder's list and the notebook are all that the site opens.
    options += ["--apps", "tree", "--apps", "notebooks"]
    options += ["--no-sourcemaps", "--no-unused-shared-packages", "--no-libarchive"]
    options += ["--log-level", "ERROR"]
    lite = Path(sys.executable).with_name("jupyter-lite")
    subprocess.run([lite, "build", *options], cwd=BUILD, check=True, stdout=DEVNULL)


def add_button(app, pagename, templatename, context, doctree):  # noqa: ARG001
    """Add JupyterLite to the launch buttons of a lesson that runs in a browser.

    Its address is absolute, for a browser runs nothing from a page in a file.
    """
    path = Path(app.env.doc2path(pagename))
    if path.suffix != ".ipynb" or not runs_in_browser(path):
        return
    url = f"{app.config.html_baseurl}lite/notebooks/index.html?path={path.name}"
    for group in context["header_buttons"]:
        if group.get("label") == "launch-buttons":
            group["buttons"].append({**BUTTON, "url": url})


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    # The theme makes the group of launch buttons at 501.
    app.connect("html-page-context", add_button, priority=502)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    build_site()

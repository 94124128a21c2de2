"""Lessons run in the reader's browser: what the site holds, and that they do."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from functools import partial
from http.server import ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import lite
import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import SilentHandler
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from test_house import PROJECT

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [
    "01_lif_neuron",
    "01b_exact_step",
    "01c_richer_neurons",
    "02_spikes_to_numbers",
    "02b_many_neurons",
    "04_linear_regression",
    "05_logistic_regression",
    "07_parameter_sweeps",
    "08_how_sure",
    "09_interactions",
    "12_your_own_data",
]
ADDRESS = "https://example.org/book/"
(PYODIDE,) = (ROOT / "environments").glob("pyodide-*.txt")
each_lesson = pytest.mark.parametrize("name", LESSONS)


def lesson(name):
    return nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def test_site_holds_what_a_browser_can_run():
    """The site holds the lessons that use neither TensorFlow nor Numba, no others."""
    assert [path.stem for path in lite.lessons()] == LESSONS


@each_lesson
def test_lesson_installs_from_the_site(name):
    """In the site a lesson installs our wheel; the rest of its code is as it was."""
    notebook = lesson(name)
    before = nbformat.writes(notebook)
    cells = lite.for_browser(notebook, ADDRESS, LESSONS).cells
    assert nbformat.writes(notebook) == before
    code = [
        (old.source, new.source)
        for old, new in zip(notebook.cells, cells, strict=True)
        if old.cell_type == "code"
    ]
    ((_, install),) = [(old, new) for old, new in code if old != new]
    assert "    %pip install --quiet snnlib ipywidgets\n" in install
    assert "git+" not in install


@each_lesson
def test_lesson_links_lead_somewhere(name):
    """A link leads to a lesson in the site, or to a page of the published book."""
    cells = lite.for_browser(lesson(name), ADDRESS, LESSONS).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for link in re.findall(r"\]\(([^)#]+)", text):
        if link.startswith(f"{ADDRESS}_static/"):
            assert (ROOT / "book" / link.removeprefix(ADDRESS)).is_file(), link
        elif link.startswith(ADDRESS):
            page = link.removeprefix(ADDRESS).removesuffix(".html")
            assert list(ROOT.glob(f"{page}.*")), link
        elif "://" not in link:
            assert link.removesuffix(".ipynb") in LESSONS, link


def buttons(path):
    """Return the launch buttons that we add to the page of a source file."""
    app = SimpleNamespace(
        env=SimpleNamespace(doc2path=lambda _: str(path)),
        config=SimpleNamespace(html_baseurl=ADDRESS),
    )
    group = {"label": "launch-buttons", "buttons": []}
    context = {"header_buttons": [{"label": "download-buttons"}, group]}
    lite.add_button(app, "page", "page.html", context, None)
    return group["buttons"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_button_leads_to_lesson(path):
    """A lesson that a browser can run has a button with its address in the site."""
    urls = [button["url"] for button in buttons(path)]
    url = f"{ADDRESS}lite/notebooks/index.html?path={path.name}"
    assert urls == ([url] if path.stem in LESSONS else [])


def test_prose_has_no_button():
    """A page without code has nothing to run."""
    assert buttons(ROOT / "book" / "intro.md") == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_page_shows_button(path, book):
    """The built page has the button, and says beside it what is loaded from where."""
    page = (book / "notebooks" / f"{path.stem}.html").read_text()
    links = BeautifulSoup(page, "html.parser").select(".dropdown-launch-buttons a")
    found = [link for link in links if link["href"].endswith(f"?path={path.name}")]
    assert len(found) == (path.stem in LESSONS)
    for link in found:
        assert link["href"].startswith("https://")
        assert "MB" in link.get_text()
        assert "Pyodide's CDN" in link["title"]


def copy_of_pyodide(folder):
    """Write a folder that has what a copy of Pyodide has, but for the contents."""
    (folder / "pyodide.mjs").touch()
    packages = {}
    for name, depends in (("ipython", ["six"]), ("six", []), ("numpy", [])):
        file = folder / f"{name}.whl"
        file.write_text(name)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        packages[name] = {"file_name": file.name, "sha256": sha256, "depends": depends}
    lock = {"packages": {**packages, "unused": {"file_name": "unused.whl"}}}
    (folder / "pyodide-lock.json").write_text(json.dumps(lock))
    return folder


def test_copy_of_pyodide_is_taken(tmp_path, monkeypatch):
    """What the lessons do not load may be missing."""
    monkeypatch.setenv("SNNLIB_PYODIDE", str(copy_of_pyodide(tmp_path)))
    assert lite.pyodide_copy() == tmp_path


@pytest.mark.parametrize(
    "name", ["pyodide.mjs", "pyodide-lock.json", "ipython.whl", "six.whl", "numpy.whl"]
)
def test_copy_of_pyodide_must_be_whole(tmp_path, monkeypatch, name):
    """What lacks a file, or has another, is refused before anything is built."""
    monkeypatch.setenv("SNNLIB_PYODIDE", str(copy_of_pyodide(tmp_path)))
    if name.endswith(".whl"):
        (tmp_path / name).write_text("changed")
        with pytest.raises(SystemExit, match=f"without a true {name}"):
            lite.build_site()
    (tmp_path / name).unlink()
    with pytest.raises(SystemExit, match=f"without .*{name}"):
        lite.build_site()


def run_python(code, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


# Only while snnlib is imported: SciPy would look for files of a true emscripten.
EMPTY_FCNTL = """
import sys, types
sys.modules["fcntl"] = types.ModuleType("fcntl")
here, sys.platform = sys.platform, sys.argv[1]
import snnlib
sys.platform = here
from snnlib import SpikingRegressor
import fcntl
assert fcntl.LOCK_EX
"""


def test_nengo_finds_a_true_fcntl():
    """JupyterLite's empty module is out of the way when Nengo looks for locks."""
    run_python(EMPTY_FCNTL, "emscripten")


def test_empty_fcntl_is_told():
    """Elsewhere nothing is taken away, and an import says what it lacks."""
    with pytest.raises(AssertionError, match="'fcntl' has no attribute 'LOCK_EX'"):
        run_python(EMPTY_FCNTL, "linux")


WITHOUT_THREADS = """
import builtins, json, sys, threading
import matplotlib.pyplot
from IPython.core.inputtransformer2 import TransformerManager
matplotlib.use("Agg")
matplotlib.rcParams["figure.max_open_warning"] = 0
builtins.display = print
def refuse(thread):
    raise RuntimeError(f"can't start new thread: {thread}")
threading.Thread.start = refuse
# Pyodide has no Numba either: nothing finds what stands here as None.
sys.modules["numba"] = None
for path in sys.argv[1:]:
    scope = {"__name__": "__main__"}
    for cell in json.load(open(path))["cells"]:
        if cell["cell_type"] == "code":
            code = TransformerManager().transform_cell("".join(cell["source"]))
            exec(compile(code, cell["id"], "exec"), scope)
            # Few splits, as in test_notebooks.py.
            if "n_splits" in scope and "parameters" in cell["metadata"].get("tags", ()):
                scope["n_splits"] = 2
    matplotlib.pyplot.close("all")
"""


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(LESSONS[:5], id="long", marks=pytest.mark.slow),
        pytest.param(LESSONS[5:], id="short"),
    ],
)
def test_lessons_start_no_thread(names):
    """Lessons run without threads and without Numba, as in Pyodide."""
    paths = [str(ROOT / "notebooks" / f"{name}.ipynb") for name in names]
    run_python(WITHOUT_THREADS, *paths)


def versions(path):
    """Return the versions that a list of packages names."""
    lines = [line.split("==") for line in path.read_text().splitlines() if "==" in line]
    return {canonicalize_name(name): version for name, version in lines}


def test_requirements_accept_pyodide():
    """What ours need is in Pyodide, in a version that they allow, or in the site."""
    there = versions(PYODIDE)
    browser = {"sys_platform": "emscripten", "python_version": "3.14", "extra": ""}
    ours = {canonicalize_name(name) for name in lite.WHEELS}
    asked = [*PROJECT["dependencies"]]
    asked += [need for name in ours for need in metadata.requires(name) or ()]
    needs = [need for need in map(Requirement, asked) if is_needed(need, browser)]
    assert {"numpy", "nengo", "comm"} <= {need.name for need in needs}
    for need in needs:
        name = canonicalize_name(need.name)
        if name in there:
            assert need.specifier.contains(there[name]), need
        else:
            assert name in ours, need


def is_needed(need, environment):
    return need.marker is None or need.marker.evaluate(environment)


def test_list_is_of_the_kernel_s_pyodide():
    """The list of versions is of the Pyodide that the pinned kernel loads."""
    from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION

    kernel = "jupyterlite-pyodide-kernel"
    if metadata.version(kernel) != versions(ROOT / "requirements.txt")[kernel]:
        pytest.skip("another version of the kernel is installed than the pinned one")
    assert PYODIDE.stem == f"pyodide-{PYODIDE_VERSION}"


@pytest.fixture(scope="module")
def site():
    """Return the folder of the site, built from what is here and with its Pyodide."""
    if lite.pyodide_copy() is None:
        pytest.skip("SNNLIB_PYODIDE names no folder with a copy of Pyodide")
    how = "run: make lite, with SNNLIB_PYODIDE set"
    settings = lite.SITE / "jupyter-lite.json"
    if not (settings.is_file() and "static/pyodide" in settings.read_text()):
        pytest.fail(f"the site is not built, or loads Pyodide from elsewhere: {how}")
    (wheel,) = (lite.SITE / "pypi").glob("snnlib-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith("snnlib/") and name.endswith(".py"):
                path = ROOT / name.replace("snnlib/results", "results")
                assert archive.read(name) == path.read_bytes(), f"{name}: {how}"
    return lite.SITE


@pytest.fixture(scope="module")
def site_server(site):
    """Serve the book with the site on this machine; return the site's address."""
    handler = partial(SilentHandler, directory=site.parent)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{site.name}"
        server.shutdown()


OPENED = """() => window.jupyterapp?.shell?.currentWidget?.content?.model
    ?.sharedModel?.cells?.length > 3"""
CODE_CELLS = """() => jupyterapp.shell.currentWidget.content.model.sharedModel.cells
    .filter(cell => cell.cell_type === "code").map(cell => cell.toJSON())"""
# Which cells are done is asked of the notebook: those out of view are not in the page.
DONE = f"""() => {{
    const cells = ({CODE_CELLS})();
    return cells.every(cell => cell.execution_count !== null) ||
        cells.some(cell => cell.outputs.some(it => it.output_type === "error"));
}}"""


SHOW_WIDGET = """async () => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const index = notebook.model.sharedModel.cells.findIndex(cell =>
        JSON.stringify(cell.toJSON()).includes("jupyter.widget-view"));
    await notebook.scrollToItem(index, "start");
}"""


@pytest.fixture
def site_page(browser, site_server):
    """Return a page in a browser that has seen nothing yet, and what it asked for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    requests = []
    context.on("request", lambda request: requests.append(request.url))
    page = context.new_page()
    change_settings(page, site_server, show_the_app)
    yield page, requests
    context.close()


def change_settings(page, address, change):
    """Let a page see the site's settings as they are after a change."""

    def answer(route):
        content = route.fetch().json()
        change(content["jupyter-config-data"])
        route.fulfill(json=content)

    page.route(f"{address}/jupyter-lite.json", answer)


def show_the_app(settings):
    settings["exposeAppInBrowser"] = True


def forget_the_copy(settings):
    show_the_app(settings)
    kernel = settings["litePluginSettings"][lite.KERNEL]
    del kernel["pyodideUrl"], kernel["disablePyPIFallback"]


def run_lesson(page, address, name):
    """Open a lesson in the site, run all of it as a reader would; return its cells."""
    page.goto(f"{address}/notebooks/index.html?path={name}.ipynb")
    page.wait_for_function(OPENED, timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(DONE, timeout=1_300_000, polling=1000)
    return page.evaluate(CODE_CELLS)


# On a slow machine, the longest takes minutes.
@pytest.mark.timeout(1500)
@pytest.mark.slow
@pytest.mark.browser
@each_lesson
def test_lesson_runs_in_browser(name, site_server, site_page):
    """A lesson runs to its end on the reader's machine, and asks no other one."""
    page, requests = site_page
    cells = run_lesson(page, site_server, name)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    assert [o["text"] for o in outputs if o.get("name") == "stderr"] == []
    assert sum("image/png" in o.get("data", {}) for o in outputs) >= 3
    assert len(requests) > 100
    here = (site_server.rsplit("/", 1)[0], "data:", "blob:")
    assert [url for url in requests if not url.startswith(here)] == []


@pytest.mark.timeout(1500)
@pytest.mark.slow
@pytest.mark.browser
def test_slider_redraws_in_browser(site_server, site_page):
    """A widget of a lesson answers the reader."""
    from playwright.sync_api import expect

    page, _ = site_page
    run_lesson(page, site_server, LESSONS[0])
    page.evaluate(SHOW_WIDGET)
    output = page.locator(".jp-OutputArea-output:has(.noUi-handle)").first
    picture = output.locator("img").first
    before = picture.get_attribute("src", timeout=60_000)
    output.locator(".noUi-handle").first.press("ArrowRight")
    expect(picture).not_to_have_attribute("src", before, timeout=60_000)


@pytest.mark.timeout(1500)
@pytest.mark.slow
@pytest.mark.browser
def test_site_without_copy_asks_only_the_cdn(site, site_server, site_page):
    """Without a copy of Pyodide, a lesson loads it from its CDN, and nothing else."""
    page, requests = site_page
    cdn = "https://cdn.jsdelivr.net/pyodide/"

    def answer(route):
        name = route.request.url.rsplit("/", 1)[1]
        headers = {"access-control-allow-origin": "*"}
        route.fulfill(path=site / "static" / "pyodide" / name, headers=headers)

    change_settings(page, site_server, forget_the_copy)
    page.context.route(f"{cdn}**", answer)
    cells = run_lesson(page, site_server, LESSONS[-1])
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert [o for o in outputs if o["output_type"] == "error"] == []
    here = (site_server.rsplit("/", 1)[0], "data:", "blob:")
    others = [url for url in requests if not url.startswith(here)]
    assert others
    assert [url for url in others if not url.startswith(cdn)] == []


NODE = """
const [, , folder, ...wheels] = process.argv;
const { loadPyodide } = await import(`${folder}/pyodide.mjs`);
const python = await loadPyodide({ indexURL: `${folder}/` });
const needed = ["micropip", "scikit-learn", "matplotlib", "requests", "platformdirs"];
await python.loadPackage(needed, { messageCallback: () => {} });
python.globals.set("wheels", python.toPy(wheels));
const fit = python.runPythonAsync(`
import micropip, sys, types
for wheel in wheels:
    await micropip.install(f"file:{wheel}", deps=wheel == wheels[-1])

import snnlib
sys.modules["nengo"] = types.ModuleType("nengo")
try:
    from snnlib import lif_spikes
except ImportError as error:
    assert "nengo" in str(error), error
else:
    raise AssertionError("an empty Nengo was not noticed")
del sys.modules["nengo"]

sys.modules["fcntl"] = types.ModuleType("fcntl")
del sys.modules["snnlib"]
from snnlib import SpikingClassifier, SpikingRegressor
X, y, kinds = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 2.0, 3.0], [0, 0, 1, 1]
assert SpikingRegressor(random_state=0).fit(X, y).score(X, y) > 0.9
assert SpikingClassifier(random_state=0).fit(X, kinds).score(X, kinds) == 1
`);
// Left to Node, an error shows all of Pyodide's minified source.
await fit.catch((error) => { console.error(error.message); process.exit(1); });
console.log("fitted on", python.runPython("sys.platform"));
"""


@pytest.mark.slow
def test_wheel_fits_in_node(site, tmp_path):
    """Pyodide outside a browser takes the wheel as it is, and both estimators fit."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    script = tmp_path / "fit.mjs"
    script.write_text(NODE)
    folder = site / "static" / "pyodide"
    # Ours comes last, and finds what it requires.
    wheels = [
        next((site / "pypi").glob(f"{name}-*.whl")) for name in ("nengo", "pooch")
    ]
    wheels += (site / "pypi").glob("snnlib-*.whl")
    done = subprocess.run(
        [node, script, folder, *wheels], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("fitted on emscripten\n")

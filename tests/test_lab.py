"""In JupyterLab explorers move by key, and widgets redraw at once."""

import io
import os
import subprocess
import sys
import time

import nbformat
import pytest

CELLS = {
    "lif": "from snnlib import lif_explorer\nexplorer = lif_explorer()\nexplorer",
    "regression": """\
from snnlib import SpikingRegressor, load_iris_setosa, regression_explorer
iris = load_iris_setosa()
explorer = regression_explorer(SpikingRegressor(), iris.data, iris.target)
explorer""",
}
CELLS["page"] = "%env SNNLIB_EXPLORERS=html\nexplorer"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab beside a notebook that has a cell for each explorer."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(code) for code in CELLS.values()]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python"}
    nbformat.write(notebook, folder / "explorers.ipynb")
    port = free_port()
    options = {
        "IdentityProvider.token": "",
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.allow_root": True,
        "ServerApp.root_dir": folder,
        "LabApp.news_url": "",
    }
    log = (folder / "lab.log").open("w")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "jupyterlab", "--no-browser"),
            *(f"--{name}={value}" for name, value in options.items()),
        ],
        stdout=log,
        stderr=log,
        # Settings of whoever runs the tests stay out of it, and it out of theirs.
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(folder / "config")}
        | {"JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")},
    )
    yield f"http://127.0.0.1:{port}/lab"
    server.terminate()
    server.wait(30)
    log.close()


def free_port():
    """Return a port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def open_lab(page, address):
    """Open an address of JupyterLab as soon as the server answers."""
    from playwright.sync_api import Error

    for _ in range(120):
        try:
            return page.goto(address)
        except Error:
            time.sleep(0.5)
    return page.goto(address)


@pytest.fixture(scope="module")
def outputs(lab, browser):
    """Run the notebook in JupyterLab, and return what each cell put out, by name."""
    page = browser.new_page(viewport={"width": 1400, "height": 1400})
    open_lab(page, f"{lab}/tree/explorers.ipynb?reset")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cells.first.click(timeout=120_000)
    page.get_by_text("| Idle").wait_for(timeout=120_000)
    for _ in CELLS:
        page.keyboard.press("Shift+Enter")
    yield {
        name: cells.nth(index).locator(".jp-OutputArea-output")
        for index, name in enumerate(CELLS)
    }
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("explorer", ["lif", "regression"])
def test_widgets_redraw_at_once(explorer, outputs):
    """From a press of a key to the new picture takes a few times what drawing takes.

    The median of five moves, each beside a drawing in this process: what else the
    machine does slows both.
    """
    here = {}
    exec(CELLS[explorer], here)
    picture = outputs[explorer].locator("img").first
    picture.wait_for(timeout=120_000)
    labelled = outputs[explorer].locator(".widget-hslider", has_text="max_rate")
    slider = labelled.locator(".noUi-handle")
    ratios = []
    for _ in range(5):
        before = picture.get_attribute("src")
        began = time.perf_counter()
        slider.press("ArrowRight")
        while picture.get_attribute("src") == before:
            assert time.perf_counter() - began < 30, "the picture never changed"
            time.sleep(0.01)
        redrawn = time.perf_counter()
        here["explorer"].figure().savefig(io.BytesIO(), dpi=110)
        ratios.append((redrawn - began) / (time.perf_counter() - redrawn))
    assert sorted(ratios)[2] < 4, ratios


@pytest.mark.browser
def test_page_face_keeps_its_keys(outputs):
    """Keys move sliders and lists, reset and unfold; none is a shortcut of the lab."""
    explorer = outputs["page"].locator(".snnlib-explorer")
    slider = explorer.locator("input[type=range]").first
    slider.wait_for(timeout=120_000)
    start = slider.input_value()
    slider.press("ArrowRight")
    assert int(slider.input_value()) == int(start) + 1
    words = explorer.locator("select").first
    chosen = words.input_value()
    words.press("ArrowUp" if int(chosen) else "ArrowDown")
    assert words.input_value() != chosen
    explorer.get_by_role("button", name="Reset").press("Enter")
    assert (slider.input_value(), words.input_value()) == (start, chosen)
    explorer.get_by_text("Answer", exact=True).press("Enter")
    assert explorer.locator(".snnlib-answer p").is_visible()

"""The lessons in Colab: its Python, its packages, its kernel, each cell as committed.

``SNNLIB_COLABTOOLS`` names a copy of github.com/googlecolab/colabtools; without it,
that is cloned, and where it cannot be the kernel is IPython's own.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

import environments

ROOT = Path(__file__).resolve().parent.parent
LIST = max((ROOT / "environments").glob("colab-*.txt"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# All that may come with us. Colab has everything else.
OURS = {"nengo", "nengo-dl", "snnlib"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """Return the Python of an environment with all that Colab has installed."""
    python = environments.make_environment(
        "colab",
        environments.find_python("3.13"),
        # A freeze is complete; to resolve it again would only find its contradictions.
        ("install", "--no-deps", "--no-build-isolation", "pip", "setuptools", "wheel"),
        ("install", "--no-deps", "-r", str(LIST)),
    )
    tools = _colabtools(tmp_path_factory.mktemp("colabtools"))
    arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    if tools:
        isolation = ["--no-deps", "--no-build-isolation", "--force-reinstall"]
        environments.pip(python, "install", *isolation, str(tools))
        arguments += ["--IPKernelApp.kernel_class=google.colab._kernel.Kernel"]
    kernel = python.parent.parent / "share" / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True, exist_ok=True)
    description = {"argv": [str(python), *arguments], "display_name": "Colab"}
    (kernel / "kernel.json").write_text(json.dumps(description))
    return python


def _colabtools(folder):
    """Return a copy of Colab's own package, or None where none can be had."""
    if "SNNLIB_COLABTOOLS" in os.environ:
        return Path(os.environ["SNNLIB_COLABTOOLS"])
    address = "https://github.com/googlecolab/colabtools"
    cloned = subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", address, folder],
        capture_output=True,
        env=os.environ | {"GIT_TERMINAL_PROMPT": "0"},
    )
    return None if cloned.returncode else folder


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Return the environment variables of a reader who finds our files on GitHub."""
    return os.environ | environments.instead_of_github(tmp_path_factory.mktemp("git"))


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_lesson_runs_in_colab(notebook, colab, reader, tmp_path):
    """Alone in an empty folder it runs, and replaces nothing that Colab has."""
    before = environments.versions(colab)
    try:
        measured = environments.run_lesson(
            colab, notebook, tmp_path, kernel="colab", env=reader
        )
        after = environments.versions(colab)
    finally:
        environments.remove(colab, *OURS)
    assert {name: after.get(name) for name in before} == before
    assert set(after) - set(before) <= OURS
    environments.note(notebook.stem, measured)


def test_extra_brings_nothing_else(colab, reader):
    """What pip plans to install for the largest extra of the lessons is all ours."""
    environments.pip(
        colab, "install", "--no-build-isolation", "--no-deps", "nengo-dl==3.6.0"
    )
    address = f"snnlib[dl] @ git+{environments.ADDRESS}"
    try:
        plan = json.loads(
            subprocess.run(
                [
                    colab,
                    *["-m", "pip", "install", "--quiet", "--dry-run", "--report", "-"],
                    address,
                ],
                env=reader,
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
    finally:
        environments.remove(colab, *OURS)
    planned = {entry["metadata"]["name"].lower() for entry in plan["install"]}
    assert planned <= OURS

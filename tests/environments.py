"""Environments of their own, in which a reader's first steps are done again."""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Kept between runs, for each takes minutes to install. `make clean` removes it.
HOME = ROOT / "build" / "environments"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ADDRESS = PROJECT["urls"]["Repository"]
# Runs a lesson to its end in the environment's own kernel, then restarts that kernel.
RUN = """
import json, resource, sys, time, nbclient, nbformat
path, folder, kernel = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
place = {"metadata": {"path": folder}}
client = nbclient.NotebookClient(
    notebook, timeout=1200, kernel_name=kernel, resources=place
)
start = time.monotonic()
try:
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        seconds = time.monotonic() - start
        client.km.restart_kernel()
        client.kc.wait_for_ready(timeout=60)
        again = nbformat.v4.new_code_cell("import snnlib; snnlib.SpikingRegressor()")
        notebook.cells.append(again)
        client.execute_cell(again, len(notebook.cells) - 1)
finally:
    nbformat.write(notebook, path)
# Linux counts in KiB. Of all children that have ended, the largest is the kernel.
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(json.dumps({"seconds": round(seconds), "MiB": peak}))
"""


def find_python(version):
    """Return a Python of a version such as "3.13", or skip the test."""
    candidates = [shutil.which(f"python{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates += sorted(pyenv.glob(f"versions/{version}.*/bin/python"))
    for candidate in filter(None, candidates):
        works = subprocess.run(
            [candidate, "-c", "import ensurepip"], capture_output=True
        )
        if works.returncode == 0:
            return str(candidate)
    return pytest.skip(f"needs a Python {version} with venv; there is none here")


def make_environment(name, python, *steps):
    """Return the Python of a new environment, after each step of pip in it.

    One that was made by the same steps before is taken as it is.
    """
    key = hashlib.sha256(repr((python, steps, _contents(steps))).encode()).hexdigest()
    home = HOME / name
    done = home / "done"
    if not (done.is_file() and done.read_text() == key):
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([python, "-m", "venv", home], check=True)
        for step in steps:
            pip(home / "bin" / "python", *step)
        done.write_text(key)
    return home / "bin" / "python"


def _contents(steps):
    """Return the text of each file that a step names."""
    paths = (Path(word) for step in steps for word in step)
    return [path.read_bytes() for path in paths if path.is_file()]


def pip(python, *arguments, **options):
    """Run pip in an environment; what it wrote is in the error where it fails."""
    run = subprocess.run(
        [python, "-m", "pip", *arguments],
        capture_output=True,
        text=True,
        # Readers have no files of pip's settings that our machine may have of ours.
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        **options,
    )
    assert run.returncode == 0, f"pip {arguments}: {run.stdout}\n{run.stderr}"
    return run.stdout


def run_lesson(python, notebook, folder, *, kernel="python3", env=None):
    """Run a lesson alone in a folder, as its reader does; return seconds and MiB.

    The executed notebook is in the folder.
    """
    copy = Path(folder) / notebook.name
    shutil.copyfile(notebook, copy)
    # A kernel of ours must not find our packages by it.
    env = {k: v for k, v in (env or os.environ).items() if k != "PYTHONPATH"}
    run = subprocess.run(
        [python, "-c", RUN, copy, folder, kernel],
        env=env | {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return json.loads(run.stdout.splitlines()[-1])


def versions(python):
    """Return what an environment has installed, as version by name."""
    listed = json.loads(pip(python, "list", "--format=json"))
    return {
        entry["name"].lower().replace("_", "-"): entry["version"] for entry in listed
    }


@functools.cache
def snapshot(folder):
    """Commit the files as they are now into a repository in a folder; return it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git repository, so nothing can be installed from one")
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-qm", "Now"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def instead_of_github(folder):
    """Return variables by which git finds the files as they are now at the address."""
    repository = snapshot(folder).as_uri()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf",
        "GIT_CONFIG_VALUE_0": ADDRESS,
    }


def remove(python, *names):
    """Uninstall packages, and what they have compiled since they were installed."""
    pip(python, "uninstall", "--yes", *names)
    for folder in python.parent.parent.glob("lib/python*/site-packages/snnlib"):
        shutil.rmtree(folder)


def note(name, measured):
    """Add what was measured to a file beside the environments."""
    with (HOME / "measured.txt").open("a") as file:
        file.write(f"{name} {measured}\n")


def size(python):
    """Return how large an environment is, in MB."""
    files = (p for p in python.parent.parent.rglob("*") if not p.is_symlink())
    return sum(p.stat().st_size for p in files if p.is_file()) / 1e6


def load(path):
    """Import a script of the repository from its file."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module

"""What the package index would get: a wheel and an sdist, used as a stranger does."""

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import environments
import snnlib

ROOT = Path(__file__).resolve().parent.parent

# Needs no network, no notebook and no file of the repository.
USE = """
import sys
import numpy as np
import snnlib
from snnlib import *

X = np.linspace(-1, 1, 20)[:, None]
assert SpikingRegressor().fit(X, X[:, 0]).score(X, X[:, 0]) > 0.5
assert "<script" in lif_explorer().html()
assert results_path("mnist_lif.npz").is_file()
assert len(load_birth_weight().target) == 189
loaded = {"tensorflow", "nengo_dl", "numba"} & set(sys.modules)
assert not loaded, loaded
print(snnlib.__file__)
"""


def files_of(folder):
    """Return the paths in a folder, as they stand below it."""
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a folder with the repository's files as they are now."""
    return environments.snapshot(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """Return the path of the wheel, built with what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    environments.pip(sys.executable, "wheel", *options, str(source))
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def stranger(wheel, tmp_path_factory):
    """Return the Python of an environment with the wheel on top of our packages."""
    home = tmp_path_factory.mktemp("stranger") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    environments.pip(
        sys.executable, "--python", str(python), "install", "--no-deps", str(wheel)
    )
    (site,) = home.glob("lib/python*/site-packages")
    # A folder on the path; what .pth files in it say of our place goes unread.
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python, *arguments, folder):
    """Run Python far from the repository; return what it printed."""
    done = subprocess.run(
        [python, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_wheel_holds_what_is_loaded_and_no_scripts(wheel):
    """All data and assets are in it; what only the repository runs is not."""
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    package = {n for n in files_of(ROOT / "snnlib") if "__pycache__" not in n}
    missing = {f"snnlib/{n}" for n in package} - names
    assert not missing
    for source, target in (
        ("results", "results"),
        ("notebooks", "data/notebooks"),
        ("sweeps", "data/sweeps"),
    ):
        files = {f"snnlib/{target}/{n}" for n in files_of(ROOT / source)}
        assert {n for n in files if ".ipynb_checkpoints" not in n} <= names
    assert {n.split("/")[0] for n in names} == {"snnlib"}
    assert not [n for n in names if re.search(r"/(results|data)/.*\.py$", n)]


def test_metadata_is_complete(wheel):
    """The index can show licence, links, words to search for and the readme."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Version"] == snnlib.__version__
    assert {"Repository", "Documentation", "Issues", "Changelog"} <= {
        line.split(",")[0] for line in metadata.get_all("Project-URL")
    }
    assert metadata["Keywords"]
    # A link that leads nowhere from the index's page of the project.
    relative = re.findall(r"\]\((?!https?://|#)[^)]*\)", metadata.get_payload())
    assert not relative


def test_wheel_serves_a_stranger(stranger, tmp_path):
    """Far from the repository it imports, fits, draws and brings its data."""
    where = run(stranger, "-c", USE, folder=tmp_path)
    assert str(stranger.parent.parent) in where


def test_new_copies_lessons_and_sweeps(stranger, tmp_path):
    """``snnlib new`` gives whoever has the wheel alone something to run."""
    command = stranger.parent / "snnlib"
    run(stranger, command, "new", "mine", folder=tmp_path)
    assert files_of(tmp_path / "mine") == {
        f"{part}/{name}"
        for part in ("notebooks", "sweeps")
        for name in files_of(ROOT / part)
        if ".ipynb_checkpoints" not in name
    }
    definition = "mine/sweeps/paper_linear_regression.yaml"
    planned = run(stranger, command, "sweep", definition, "--check", folder=tmp_path)
    assert "runs" in planned


@pytest.mark.slow
def test_index_would_take_both(source, tmp_path):
    """Built as for a release they pass the index's checks; the sdist's tests run."""
    python = environments.make_environment(
        "release",
        sys.executable,
        ("install", "build", "twine", "check-wheel-contents"),
    )
    run(python, "-m", "build", "--outdir", tmp_path, source, folder=tmp_path)
    wheel, sdist = next(tmp_path.glob("*.whl")), next(tmp_path.glob("*.tar.gz"))
    run(python, "-m", "twine", "check", "--strict", wheel, sdist, folder=tmp_path)
    run(python.parent / "check-wheel-contents", wheel, folder=tmp_path)
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    (unpacked,) = (tmp_path / "sdist").iterdir()
    listed = files_of(source)
    assert {n for n in listed if not n.startswith(".git/")} - files_of(
        unpacked
    ) == set()
    tests = ["test_metrics", "test_estimators", "test_explorers", "test_house"]
    run(
        sys.executable,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *(f"tests/{name}.py" for name in tests),
        folder=unpacked,
    )

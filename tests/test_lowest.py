"""The oldest versions that pyproject.toml allows, as old machines have them."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import environments

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
# What notebooks bring; the floor of each is Colab's.
NOTEBOOK = ("ipywidgets", "pandas", "ipykernel")
# Not a dependency of ours, but what an old Colab's shell stands on.
SHELL = "ipython==7.34.0"
# What needs neither TensorFlow, nor papermill, nor the built book.
TESTS = (
    *("checks", "datasets", "estimators", "explorers", "images", "metrics", "networks"),
    *("neurons", "plots", "recording", "simulation", "together"),
)


def floors():
    """Return each requirement that lessons without TensorFlow have, at its lowest."""
    book = PROJECT["optional-dependencies"]["book"]
    asked = list(map(Requirement, [*PROJECT["dependencies"], *book]))
    bases = {Requirement(line).name for line in PROJECT["dependencies"]}
    lowest = {}
    for requirement in asked:
        wanted = requirement.name in bases or requirement.name in NOTEBOOK
        if wanted and (requirement.marker is None or requirement.marker.evaluate()):
            (floor,) = (s.version for s in requirement.specifier if s.operator == ">=")
            lowest[requirement.name] = floor
    return [f"{name}=={floor}" for name, floor in lowest.items()]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_lowest_versions_pass(tmp_path):
    """With every floor at once, what needs no extra still passes its tests."""
    assert len(floors()) == 9, floors()
    python = environments.make_environment(
        "lowest",
        environments.find_python("3.11"),
        ("install", *floors(), SHELL),
        ("install", "pytest>=8,<9", "pytest-timeout", "pytest-xdist", "hypothesis"),
    )
    source = environments.snapshot(tmp_path)
    environments.pip(python, "install", "--no-deps", "--force-reinstall", str(source))
    run = subprocess.run(
        # Old packages warn of what newer ones have mended.
        [python, "-m", "pytest", "-q", "-W", "default", "-p", "no:cacheprovider"]
        + [f"tests/test_{name}.py" for name in TESTS],
        cwd=source,
        env=os.environ | {"PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    # What needs TensorFlow or a browser is skipped; that is a tenth of them.
    assert re.search(r"\d{4,} passed", run.stdout), run.stdout[-500:]

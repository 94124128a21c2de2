"""Binder's two environments, built by its own builder's steps, and their lessons."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import environments

ROOT = Path(__file__).resolve().parent.parent
NEEDS_TENSORFLOW = {"03", "06", "10", "11"}
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LIGHT = [path for path in NOTEBOOKS if path.name[:2] not in NEEDS_TENSORFLOW]

# Asks repo2docker, in a checkout, what it would do and which Jupyter it begins with.
STEPS = """
import json, os, re, sys
from importlib.resources import files
from repo2docker.buildpacks import PythonBuildPack

os.chdir(sys.argv[1])
pack = PythonBuildPack("buildpack-deps")
assert pack.detect(), "repo2docker finds nothing to build"
lock = files("repo2docker.buildpacks.conda") / "environment.py-3.11-linux-64.lock"
names = {"ipykernel", "ipywidgets", "jupyter_server", "jupyterhub-base", "jupyterlab"}
names |= {"notebook", "jupyterlab_widgets", "ipython", "jupyter-resource-usage"}
found = re.findall(r"/([\\w.-]+)-([\\w.]+)-[\\w.]+\\.conda", lock.read_text())
base = {name: version for name, version in found if name in names}
print(json.dumps({
    "python": pack.python_version,
    "base": [f"{n.removesuffix('-base')}=={v}" for n, v in base.items()],
    "files": list(pack.get_preassemble_script_files().values()),
    "first": [script for _, script in pack.get_preassemble_scripts()],
    "then": [script for _, script in pack.get_assemble_scripts()],
    "last": list(pack.get_post_build_scripts()),
}))
"""


def test_binder_has_the_exact_versions():
    """Both files are what the script makes of requirements.txt, and name no folder."""
    script = environments.load(ROOT / "scripts" / "pin_binder.py")
    for path, extras in script.FILES.items():
        assert path.read_text() == script.requirements(extras)


def test_light_lessons_need_no_tensorflow():
    """The lessons of the light environment install no extra where snnlib is missing."""
    for path in NOTEBOOKS:
        assert ("snnlib[dl]" in path.read_text()) == (path not in LIGHT), path.name


def build(name, tmp_path_factory):
    """Return the Python of an environment built as Binder builds it, and its steps."""
    checkout = tmp_path_factory.mktemp(name) / "home"
    shutil.copytree(environments.snapshot(tmp_path_factory.mktemp("git")), checkout)
    if name == "full":
        shutil.rmtree(checkout / "binder")
        shutil.copytree(checkout / "environments" / "binder-full", checkout / "binder")
    builder = environments.make_environment(
        "repo2docker",
        sys.executable,
        ("install", "jupyter-repo2docker", "setuptools<81"),
    )
    asked = subprocess.run(
        [builder, "-c", STEPS, checkout], capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    steps = json.loads(asked.stdout.splitlines()[-1])
    # What is there from an earlier time has more in it than Binder begins with.
    shutil.rmtree(environments.HOME / f"binder-{name}", ignore_errors=True)
    python = environments.make_environment(
        f"binder-{name}",
        environments.find_python(steps["python"]),
        ("install", *steps["base"]),
    )
    before = environments.versions(python)
    prefix = python.parent.parent
    env = os.environ | {
        "KERNEL_PYTHON_PREFIX": str(prefix),
        "NB_PYTHON_PREFIX": str(prefix),
        "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    # What Binder keeps from one commit to the next is built from these files alone.
    kept = tmp_path_factory.mktemp(name)
    for file in steps["files"]:
        if (checkout / file).is_file():
            (kept / file).parent.mkdir(exist_ok=True)
            shutil.copy(checkout / file, kept / file)
    start = time.monotonic()
    for folder, scripts in ((kept, steps["first"]), (checkout, steps["then"])):
        for script in scripts:
            subprocess.run(["bash", "-ec", script], cwd=folder, env=env, check=True)
    assert any("pip install" in script for script in steps["first"])
    assert not any("pip install" in script for script in steps["then"])
    for script in steps["last"]:
        Path(checkout / script).chmod(0o755)
        subprocess.run([checkout / script], cwd=checkout, env=env, check=True)
    seconds = round(time.monotonic() - start)
    megabytes = round(environments.size(python))
    environments.note(f"binder-{name}", {"seconds": seconds, "MB": megabytes})
    environments.pip(python, "check")
    after = environments.versions(python)
    assert {k: after[k] for k in before if after[k] != before[k]} == {}
    return python


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Return the Python of the environment that Binder starts by default."""
    return build("light", tmp_path_factory)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Return the Python of the environment for the lessons that need TensorFlow."""
    return build("full", tmp_path_factory)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("notebook", LIGHT, ids=lambda path: path.stem)
def test_light_lesson_runs(notebook, light, tmp_path):
    """Without TensorFlow, in less than the two gigabytes that Binder gives."""
    measured = environments.run_lesson(light, notebook, tmp_path)
    environments.note(notebook.stem, measured)
    assert measured["MiB"] < 2000
    assert environments.size(light) < 1000


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "notebook", [path for path in NOTEBOOKS if path not in LIGHT], ids=lambda p: p.stem
)
def test_full_lesson_runs(notebook, full, tmp_path):
    """With TensorFlow, in less than the two gigabytes that Binder gives."""
    measured = environments.run_lesson(full, notebook, tmp_path)
    environments.note(notebook.stem, measured)
    assert measured["MiB"] < 2000


@pytest.mark.slow
def test_full_environment_is_compiled(full):
    """No reader waits for Numba: what a prediction needs is in its cache."""
    # The button says 3.1.
    assert environments.size(full) < 3300
    package = next(full.parent.parent.glob("lib/python*/site-packages/snnlib"))
    assert list(package.glob("__pycache__/events.*.nbc"))

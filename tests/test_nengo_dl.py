"""NengoDL on a current TensorFlow: what the layer promises, and NengoDL's own tests.

``python tests/test_nengo_dl.py suite.xml`` runs NengoDL's own tests through the layer
and leaves the outcome in a JUnit file, which `test_suite` judges.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).resolve().parent.parent
KNOWN_FAILURES = ROOT / "tests" / "nengo_dl_known_failures.txt"
SUITE_NEEDS = {
    "pytest_rng": "pytest-rng",
    "click": "click",
    "pkg_resources": "setuptools<81",
}


def run(*arguments, stderr=subprocess.PIPE, **variables):
    """Run a fresh Python that knows nothing of this one's TensorFlow settings."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL"}
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), **variables},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


IMPORT = """
import json, sys
import snnlib._nengo_dl as layer
for stream in sys.stdout, sys.stderr:
    print("@", end="", file=stream, flush=True)
import keras
import keras.layers
import snnlib
facts = {
    "keras": keras.__version__,
    "engine": "keras.engine" in sys.modules,
    "legacy": hasattr(keras.layers, "BatchNormalizationV1"),
    "model": layer.tf.keras.Model.__module__,
    "public": snnlib.tf is layer.tf and snnlib.nengo_dl is layer.nengo_dl,
}
print(json.dumps(facts))
"""
IMPORT_WITHOUT_A_PACKAGE = """
import json, sys
messages = {}
for package in "tensorflow", "tf_keras", "nengo_dl":
    sys.modules[package] = None
    try:
        import snnlib._nengo_dl
    except ImportError as error:
        messages[package] = str(error)
    del sys.modules[package]
print(json.dumps(messages))
"""
USE_KERAS_3 = "import tensorflow as tf; tf.keras.Model"


def choose_keras_3():
    """Use Keras 3 before the layer, then as its error says; return both runs."""
    refused = run("-c", f"{USE_KERAS_3}\nimport snnlib._nengo_dl")
    remedy = refused.stderr.strip().rpartition("make this the first line: ")[2]
    return refused, run("-c", f"{remedy}\n{USE_KERAS_3}\nimport snnlib._nengo_dl")


@pytest.fixture(scope="module")
def runs():
    """Start what must begin in a Python of its own, two at a time, for the tests below.

    Most of the time goes into importing TensorFlow, in one thread.
    """
    # Unbuffered, what both streams print keeps its order.
    asked = {"TF_CPP_MIN_LOG_LEVEL": "0", "PYTHONUNBUFFERED": "1"}
    asked |= {"stderr": subprocess.STDOUT}
    with ThreadPoolExecutor(2) as pool:
        yield {
            "import": pool.submit(run, "-c", IMPORT),
            "missing": pool.submit(run, "-c", IMPORT_WITHOUT_A_PACKAGE),
            "fit": pool.submit(run, "tests/versions.py", "--check", **asked),
            "Keras 3": pool.submit(choose_keras_3),
        }


@pytest.fixture(scope="module")
def imported(runs):
    """What one import printed, and what it left behind."""
    done = runs["import"].result()
    assert done.returncode == 0, done.stderr
    printed, _, facts = done.stdout.partition("@")
    return json.loads(facts) | {"printed": printed + done.stderr.partition("@")[0]}


@pytest.fixture(scope="module")
def messages(runs):
    """What the import says when a package is missing, by package."""
    done = runs["missing"].result()
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_import_restores_keras(imported):
    """After the import, ``keras`` is Keras 3, with nothing of Keras 2 in it."""
    assert imported["keras"].startswith("3.")
    assert not imported["engine"]
    assert not imported["legacy"]


@pytest.mark.slow
def test_import_keeps_earlier_keras():
    """A Keras 3 imported before stays the very same module."""
    done = run(
        "-c",
        """
import sys
import keras, keras.layers
import snnlib._nengo_dl
assert sys.modules["keras"] is keras
assert sys.modules["keras.layers"] is keras.layers
assert keras.__version__.startswith("3.")
""",
    )
    assert done.returncode == 0, done.stderr


def test_import_gives_tensorflow_keras_2(imported):
    """TensorFlow's own ``tf.keras`` is Keras 2, as NengoDL needs it."""
    assert imported["model"].startswith("tf_keras.")


def test_package_gives_both_by_name(imported):
    """Whoever asks `snnlib` for NengoDL or TensorFlow gets those of the layer."""
    assert imported["public"]


def test_import_is_silent(imported):
    """Importing prints nothing, neither from Python nor from TensorFlow's libraries."""
    assert imported["printed"] == ""


def test_import_speaks_when_asked(runs):
    """Whoever sets TensorFlow's log level gets TensorFlow's messages."""
    printed = runs["fit"].result().stdout
    assert re.search(r"\.cc:\d+\]", printed.partition("imports=yes")[0]), printed


@pytest.mark.parametrize(
    ("package", "command"),
    [
        ("tensorflow", 'pip install "snnlib[dl]"'),
        ("tf_keras", 'pip install "tf-keras=='),
        ("nengo_dl", 'pip install "snnlib[dl]"'),
    ],
    ids=["tensorflow", "tf-keras", "nengo-dl"],
)
def test_missing_package_names_the_remedy(messages, package, command):
    """A missing package is answered with the command that installs it."""
    assert command in messages[package]


def test_missing_tf_keras_asks_for_tensorflows_version(messages):
    """The tf-keras asked for is that of the TensorFlow installed."""
    from importlib.metadata import version

    minor = version("tensorflow").rpartition(".")[0]
    assert f'"tf-keras=={minor}.*"' in messages["tf_keras"]


def test_keras_3_chosen_first(runs):
    """Too early a TensorFlow gets an error, whose remedy works word for word."""
    refused, followed = runs["Keras 3"].result()
    error = refused.stderr.strip().splitlines()[-1]
    assert error.startswith("ImportError: TensorFlow was imported before snnlib")
    assert "os.environ" in error.partition("make this the first line: ")[2]
    assert followed.returncode == 0, followed.stderr


def test_network_fits_and_predicts(runs):
    """A network of one LIF ensemble learns, and predicts what it has learned."""
    reached = runs["fit"].result().stdout
    assert "\nfits=yes\n" in reached, reached
    assert "\npredicts=yes\n" in reached, reached


def known_failures():
    """Return the reason for which each listed test may fail."""
    lines = KNOWN_FAILURES.read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    split = [line.partition("  # ") for line in entries]
    return {test.strip(): reason.strip() for test, _, reason in split}


def outcomes(junit):
    """Return "passed", "failed" or "skipped" for each test of a JUnit file."""
    found = {}
    for case in ET.parse(junit).iter("testcase"):
        test = f"{case.get('classname').rpartition('.')[2]}.py::{case.get('name')}"
        tags = {child.tag for child in case}
        failed = "failed" if tags & {"failure", "error"} else None
        found[test] = failed or ("skipped" if "skipped" in tags else "passed")
    return found


def test_known_failures_have_reasons():
    """Every test that may fail is listed once, and says why."""
    entries = [
        line.partition("  # ")[0]
        for line in KNOWN_FAILURES.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert len(entries) == len(set(entries))
    assert [test for test, reason in known_failures().items() if not reason] == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_suite(tmp_path):
    """NengoDL's own tests pass through the layer, except those listed with a reason."""
    missing = [pip for module, pip in SUITE_NEEDS.items() if not find_spec(module)]
    if missing:
        pytest.skip(f"NengoDL's own tests also need: pip install {' '.join(missing)}")

    junit = tmp_path / "suite.xml"
    done = run(__file__, str(junit), f"--basetemp={tmp_path / 'suite'}")
    assert junit.exists(), done.stdout + done.stderr
    found = outcomes(junit)
    failed = {test for test, outcome in found.items() if outcome == "failed"}

    assert list(found.values()).count("passed") > 300, done.stdout[-3000:]
    assert failed - set(known_failures()) == set(), done.stdout[-20000:]
    assert set(known_failures()) - set(found) == set(), "listed, but no such test"


class NengoDLConftest:
    """The settings of NengoDL's own tests, which its package does not contain."""

    def pytest_addoption(self, parser):
        """Add the options that the tests ask for."""
        parser.addoption("--dtype", default="float32")
        parser.addoption("--unroll-simulation", default=1)
        parser.addoption("--device", default=None)
        parser.addoption("--inference-only", default=False)

    def pytest_configure(self, config):
        """Declare the marks that the tests carry."""
        for mark in ("training", "performance", "gpu"):
            config.addinivalue_line("markers", f"{mark}: a mark of NengoDL")

    def pytest_collection_modifyitems(self, items):
        """Leave out what is measured against one particular machine."""
        for item in items:
            if item.get_closest_marker("performance"):
                item.add_marker(pytest.mark.skip("times of another machine"))

    @pytest.fixture(scope="session")
    def Simulator(self, request):
        """Return what NengoDL's tests call to make a simulator."""
        from nengo_dl.tests import make_test_sim

        return make_test_sim(request)

    @pytest.fixture(autouse=True)
    def fresh_session(self):
        """Start each test from the same state of Keras."""
        from snnlib._nengo_dl import tf

        tf.keras.backend.clear_session()


def main(junit, *options):
    """Run NengoDL's own tests through the layer, and return pytest's exit status."""
    import nengo
    import numpy as np

    from snnlib._nengo_dl import nengo_dl

    # Two names that the tests use as soon as they are collected. Nengo 4 has no
    # oscillator, whose test then fails; the other is what NumPy recommends instead.
    nengo.networks.Oscillator = lambda *_: object()
    np.find_common_type = lambda arrays, _: np.result_type(*arrays)  # noqa: NPY201

    site_packages = Path(nengo_dl.__file__).parent.parent
    arguments = [
        *("--pyargs", "nengo_dl", f"--rootdir={site_packages}", f"-c{os.devnull}"),
        # Nengo's own plugin asks pytest for an argument that pytest 9 has dropped.
        *("-pno:nengo", "-pno:cacheprovider", "--continue-on-collection-errors"),
        *("-oxfail_strict=true", "--disable-warnings", "--tb=short"),
        f"--junitxml={junit}",
    ]
    return pytest.main([*arguments, *options], plugins=[NengoDLConftest()])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Two simulators from outside read the exported graph and fire the same spikes."""

import csv
import re
import subprocess

import numpy as np
import pytest

import environments
from snnlib import load_digits28

nir = pytest.importorskip("nir")
# Without a refractory period, what a step leaves of its time is lost.
pytestmark = pytest.mark.filterwarnings("ignore:.*room for one spike")

ROOT = environments.ROOT
PAGE = (ROOT / "book" / "how_to_take_elsewhere.md").read_text()
TABLE = ROOT / "results" / "nir.csv"


@pytest.fixture(scope="module")
def compare_nir():
    return environments.load(ROOT / "scripts" / "compare_nir.py")


@pytest.fixture(scope="module")
def torch_python():
    """Return a Python with PyTorch and both simulators."""
    python = environments.find_python("3.11")
    packages = str(ROOT / "environments" / "simulators.txt")
    return environments.make_environment("readers", python, ("install", "-r", packages))


@pytest.mark.slow
@pytest.mark.parametrize("simulator", ["spikingjelly", "snntorch"])
def test_a_reader_fires_the_same_spikes(compare_nir, torch_python, simulator):
    """It decides as exact arithmetic does but within rounding, and no class differs."""
    images = load_digits28().data[:100].reshape(-1, 28, 28, 1).astype(np.float32)
    network = compare_nir.paper_network()
    row = compare_nir.compare(network, images, simulator, torch_python)
    spikes = sum(map(int, row["spikes_here"].split()))
    assert spikes > 1e6
    # A voltage at the threshold is rounded to either side: 24 bits, over 30 steps.
    assert float(row["furthest_from_threshold"]) < 1e-5
    assert row["rounded_spikes"] <= 1e-5 * spikes
    # The spikes that follow such a one differ as well.
    assert sum(map(int, row["differing_spikes"].split())) <= 100 * max(
        row["rounded_spikes"], 1
    )
    assert row["differing_classes"] == 0


@pytest.mark.slow
def test_the_page_can_be_followed(torch_python, tmp_path, monkeypatch, capsys):
    """Its code writes the graph here, and finds the same classes in both readers."""
    monkeypatch.chdir(tmp_path)
    write, *read = re.findall(r"^```python\n(.*?)^```$", PAGE, re.S | re.M)
    exec(write, {})
    expected = capsys.readouterr().out
    assert len(expected.split()) == 20
    assert len(read) == 2
    for code in read:
        done = subprocess.run(
            [torch_python, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == expected.strip()


def test_the_table_says_what_the_page_says(compare_nir):
    """Where nothing is left out, spikes differ by rounding at the threshold alone; each
    setting that is left out moves many."""
    rows = list(csv.DictReader(TABLE.read_text().splitlines()))
    pairs = [(name, of) for name in compare_nir.UNSAID for of in compare_nir.SIMULATORS]
    assert [(row["left_out"], row["simulator"]) for row in rows] == pairs
    for row in rows:
        differ = sum(map(int, row["differing_spikes"].split()))
        spikes = sum(map(int, row["spikes_here"].split()))
        if row["left_out"] == "nothing":
            assert differ <= 1e-4 * spikes
            assert float(row["furthest_from_threshold"]) < 1e-5
            assert row["differing_classes"] == "0"
        else:
            assert differ > 1e-3 * spikes

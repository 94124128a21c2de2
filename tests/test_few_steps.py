"""The scripts behind lesson 11 measure what they say."""

import csv
import importlib
from pathlib import Path

import numpy as np
import pytest

from snnlib.networks import TRAINABLE, draw_voltage

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    """Return a script as a module, by its name."""
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module


def test_patterns_of_voltages_share_the_range(script):
    """Tenths of [0, 1) have like shares; a window's four places stand a quarter apart.

    A tenth of 8 x 8 x 34 drawn voltages has a standard deviation of 14.
    """
    measure, shape = script("measure_few_steps"), (8, 8, 34)
    for name, pattern in measure.PATTERNS.items():
        (voltage,) = measure.voltages(pattern, [shape], 0)
        assert voltage.shape == shape, name
        counts, _ = np.histogram(voltage, bins=10, range=(0, 1))
        assert counts.sum() == voltage.size, name
        if name != "zero":
            assert np.abs(counts - voltage.size / 10).max() < 70, name
        if name.startswith("window") and "4" not in name:
            windows = voltage.reshape(4, 2, 4, 2, 34).transpose(0, 2, 4, 1, 3)
            gaps = np.diff(np.sort(windows.reshape(-1, 4)), axis=1)
            np.testing.assert_allclose(gaps, 0.25, atol=1e-12)
    ours = measure.PATTERNS["window and channels"]
    (voltage,) = measure.voltages(ours, [shape], 0)
    np.testing.assert_array_equal(voltage, draw_voltage("dither", shape, None))


def test_early_stop_is_measured_image_by_image(script, monkeypatch):
    """Two images: one is sure at once and right, the other never and wrong."""
    measure = script("measure_few_steps")
    output = np.zeros((2, 3, 2))
    output[0, :, 1], output[1, :, 0] = 1, [0, 0, 0.3]
    counts = np.array([[[5, 1]] * 3, [[2, 2]] * 3])
    monkeypatch.setattr(measure, "TOLERANCES", (0.0,))
    monkeypatch.setattr(measure, "bounds_of_sureness", lambda *_, **__: np.ones(3))
    (row,) = measure.sure_rows(output, [1, 1], (output, counts), np.array([1, 1]))
    assert row["mean_steps"] == (1 + 3) / 2
    assert row["accuracy"] == 0.5
    assert row["spikes_per_image"] == (6 + 12) / 2


def test_learned_settings_have_a_row_for_each_layer(script):
    """In the table each seed and way has the three layers; weights alone move none."""
    train = script("train_settings")
    with train.TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["learned"] for row in rows} == {*train.WAYS}
    for start in range(0, len(rows), 3):
        three = rows[start : start + 3]
        assert [row["layer"] for row in three] == ["1", "2", "3"]
        assert len({(row["seed"], row["learned"]) for row in three}) == 1
        begun = {float(train.RECIPE.get(name, 0.02)) for name in TRAINABLE}
        found = {float(row[name]) for row in three for name in TRAINABLE}
        assert (found == begun) == (three[0]["learned"] == "weights")

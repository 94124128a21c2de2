"""What takes long says how far it is, and the rest says nothing."""

import time

import pytest

from snnlib import progress


def watch(n_items, seconds, monkeypatch, soon):
    """Watch items go by that take some seconds each."""
    monkeypatch.setattr(progress, "_SOON", soon)
    for item in progress.watched(range(n_items), "counting", n_items):
        time.sleep(seconds)
        yield item


@pytest.mark.parametrize(("n_items", "soon"), [(199, 0.001), (200, 60)])
def test_what_is_soon_done_says_nothing(capsys, monkeypatch, n_items, soon):
    """Few items, or little time."""
    items = list(watch(n_items, 0.0001, monkeypatch, soon))
    assert items == list(range(n_items))
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_says_so_soon_and_then_now_and_again(capsys, monkeypatch):
    """The first line comes after a moment, the second not at once."""
    assert len(list(watch(400, 0.001, monkeypatch, 0.05))) == 400
    printed, error = capsys.readouterr()
    assert printed == ""
    assert error.count("counting: ") == 1
    assert " of 400" in error


def test_progress_needs_no_library(monkeypatch, capsys):
    """Without tqdm all is done in silence."""
    monkeypatch.setitem(__import__("sys").modules, "tqdm", None)
    assert list(progress.watched(range(300), "counting", 300)) == list(range(300))
    assert capsys.readouterr() == ("", "")

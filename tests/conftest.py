"""What every test shares: no network by default, and a summary of what was left out."""

import socket
from collections import Counter

import nengo
import pytest

# Two test runs at once would meet in Nengo's cache of decoders and be warned of it.
nengo.rc.set("decoder_cache", "enabled", "False")

HOW_TO_RUN = {
    "slow": "make test-slow",
    "network": ".venv/bin/pytest -m network",
    "browser": ".venv/bin/pytest -m browser",
}
left_out = pytest.StashKey[list]()


def pytest_deselected(items):
    """Remember which tests the marks left out."""
    for item in items:
        item.config.stash.setdefault(left_out, []).append(item)


def pytest_terminal_summary(terminalreporter, config):
    """Say how many tests of each mark were left out, and how to run them."""
    marks = Counter(
        mark
        for item in config.stash.get(left_out, [])
        for mark in HOW_TO_RUN
        if item.get_closest_marker(mark)
    )
    if marks:
        terminalreporter.section("left out")
    for mark, count in marks.items():
        terminalreporter.line(f"{count} marked {mark}; run with: {HOW_TO_RUN[mark]}")


@pytest.fixture(autouse=True)
def _offline(request, monkeypatch):
    """Refuse connections to other machines, unless the test is marked ``network``."""
    if request.node.get_closest_marker("network"):
        return
    connect = socket.socket.connect

    def connect_here(self, address):
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            assert address[0] in {"127.0.0.1", "::1", "localhost"}, (
                f"a test without the mark 'network' connects to {address}"
            )
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_here)

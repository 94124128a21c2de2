"""What every test shares: no network by default, a browser, and what was left out."""

import os
import shutil
import socket
import subprocess
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import nengo
import pytest

# Two test runs at once would meet in Nengo's cache of decoders and be warned of it.
nengo.rc.set("decoder_cache", "enabled", "False")

ROOT = Path(__file__).resolve().parent.parent
# Two workers that begin with these end at about the same time.
LONGEST = {"test_browser.py", "test_explorers.py", "test_notebooks.py"}
HOW_TO_RUN = {"slow": "make test-slow", "network": ".venv/bin/pytest -m network"}
left_out = pytest.StashKey[dict]()


def pytest_configure(config):
    """Count what the marks leave out, where a worker of xdist can send it home."""
    config.stash[left_out] = dict.fromkeys(HOW_TO_RUN, 0)
    if hasattr(config, "workeroutput"):
        config.workeroutput["left out"] = config.stash[left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Take over a worker's counts; they are the same in each, which collects all."""
    output = getattr(node, "workeroutput", {})
    node.config.stash[left_out].update(output.get("left out", {}))


def pytest_collection_modifyitems(items):
    """Put the files first that take longest, and leave the rest in its order."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_deselected(items):
    """Count which tests the marks left out."""
    for item in items:
        for mark in filter(item.get_closest_marker, HOW_TO_RUN):
            item.config.stash[left_out][mark] += 1


def pytest_terminal_summary(terminalreporter, config):
    """Say how many tests of each mark were left out, and how to run them."""
    # The run that measures time leaves nearly all out, which the one before it ran.
    if config.option.markexpr.startswith("timing"):
        return
    marks = {mark: count for mark, count in config.stash[left_out].items() if count}
    if marks:
        terminalreporter.section("left out")
    for mark, count in marks.items():
        terminalreporter.line(f"{count} marked {mark}; run with: {HOW_TO_RUN[mark]}")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(call):
    """Skip what asks for TensorFlow where it is not installed."""
    if call.excinfo is None or find_spec("tensorflow"):
        return
    error = call.excinfo.value
    while error is not None and getattr(error, "name", None) != "tensorflow":
        error = error.__cause__ or error.__context__
    if isinstance(error, ModuleNotFoundError):
        skipped = pytest.skip.Exception("needs TensorFlow", _use_item_location=True)
        skipped = skipped.with_traceback(call.excinfo.tb)
        call.excinfo = pytest.ExceptionInfo.from_exception(skipped)


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


def unavailable(reason):
    """Skip, or fail where SNNLIB_REQUIRE_BROWSER says that nothing may be missing."""
    if os.environ.get("SNNLIB_REQUIRE_BROWSER"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def book():
    """Return the folder of the built book."""
    if subprocess.run(["make", "built"], cwd=ROOT, capture_output=True).returncode:
        unavailable("the book is not built, or its sources have changed: run make book")
    return ROOT / "_build" / "html"


# Not for the session: while Playwright runs, asyncio holds a loop running in this
# thread, and what starts a loop of its own fails.
@pytest.fixture(scope="module")
def browser():
    """Return the system's Chromium, driven by Playwright."""
    if find_spec("playwright") is None:
        unavailable("Playwright is not installed")
    from playwright.sync_api import sync_playwright

    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        unavailable(f"none of {', '.join(names)} is installed")
    quiet = ("background-networking", "component-update", "gpu", "quic", "sync")
    arguments = ["--no-sandbox", "--no-first-run", *(f"--disable-{q}" for q in quiet)]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()


class SilentHandler(SimpleHTTPRequestHandler):
    """Serves files without a line on stderr for each."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def book_server(book):
    """Serve the built book on this machine; return its address."""
    handler = partial(SilentHandler, directory=book)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def open_page(browser):
    """Return a function that opens a page and listens to what goes wrong in it.

    It returns the page, and a list that grows by a line for each message on the
    console, error of a script, failed request and request that leaves ``address``.
    Options are those of Playwright's ``new_context``, such as ``color_scheme="dark"``.
    """
    contexts = {}

    def open_(address, name, **options):
        # Pages of one context share what the browser keeps of the book's scripts.
        kind = str(options)
        if kind not in contexts:
            options = {"reduced_motion": "reduce", **options}
            contexts[kind] = browser.new_context(**options)
        page = contexts[kind].new_page()
        problems = []

        def note(event, is_problem, text):
            page.on(event, lambda it: is_problem(it) and problems.append(text(it)))

        here = (address, "data:", "blob:")
        note("console", lambda it: it.type in {"error", "warning"}, lambda it: it.text)
        note("pageerror", lambda _: True, str)
        note("requestfailed", lambda _: True, lambda it: f"failed: {it.url}")
        note("request", lambda it: not it.url.startswith(here), lambda it: it.url)
        note(
            "response", lambda it: it.status >= 400, lambda it: f"{it.status}: {it.url}"
        )
        page.goto(f"{address}/{name}")
        page.evaluate("async () => await window.MathJax?.startup?.promise")
        if options.get("java_script_enabled", True):
            # Explorers come when the page has been seen; those in a fold, later.
            page.wait_for_function(
                """() => [...document.querySelectorAll(".snnlib-stage:empty")].every(
                    (stage) => stage.closest("details:not([open])"))"""
            )
        return page, problems

    yield open_
    for context in contexts.values():
        context.close()

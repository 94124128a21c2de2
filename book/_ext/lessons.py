"""Run the lessons side by side, before Sphinx reads them one after another."""

import logging
import shutil
from pathlib import Path

import nbformat
import zmq
from jupyter_cache import get_cache
from jupyter_cache.executors import load_executor
from jupyter_client.manager import KernelManager

# At this level the executor tells of each lesson as it starts and ends.
logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)
# It takes longest of all.
LONGEST = "06_mnist"


def measures_time(path):
    """Return whether a cell has the tag "timing": such a lesson runs alone, later."""
    cells = nbformat.read(path, as_version=4).cells
    return any("timing" in cell.metadata.get("tags", ()) for cell in cells)


def run_lessons(app, env, names):
    """Run the lessons that Sphinx will read, as many at a time as there are processors.

    The cache is emptied first, so a page never shows what older code computed. MyST-NB
    runs what is not in it: what is to run alone, and what failed, which it reports.
    """
    cache_folder = env.mystnb_config.execution_cache_path
    shutil.rmtree(cache_folder, ignore_errors=True)
    cache = get_cache(cache_folder)
    # Begun first, the longest ends with the others.
    for name in sorted(names, key=lambda name: not name.endswith(LONGEST)):
        path = Path(env.doc2path(name))
        if path.suffix == ".ipynb" and not measures_time(path):
            cache.add_nb_to_project(str(path))
    executor = load_executor("local-parallel", cache, logger)
    executor.run_and_cache(timeout=app.config.nb_execution_timeout)


def encrypt_kernels():
    """Let kernels be spoken to in code, where they can: without, each of them warns.

    Among a hundred such warnings nobody would see another. Nothing between Sphinx and
    the kernels takes a setting for it.
    """
    policy = getattr(KernelManager, "transport_encryption", None)
    if policy is not None and zmq.has("curve"):
        policy.default_value = "auto"


def setup(app):
    """Register with Sphinx.

    Returns
    -------
    metadata : dict
        What Sphinx wants to know of an extension.
    """
    encrypt_kernels()
    app.connect("env-before-read-docs", run_lessons)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""Warm kernels execute as papermill does, leak nothing and leave nothing behind."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
from contextlib import ExitStack
from pathlib import Path

import nbformat
import papermill
import psutil
import pytest
from tiny import marked_environment, marked_processes, wait_until, write_notebook

from snnlib import kernels as kernels_module
from snnlib import read_metrics
from snnlib.kernels import KernelsError, WarmKernels, one_line
from snnlib.notebooks import Notebook

# One pair of cells for each kind of state: what a run plants, and what the next sees.
LEAKS = {
    "variables": ("planted = 1", "'planted' in globals()"),
    "builtins": (
        "import builtins; builtins.planted = 1",
        "hasattr(builtins, 'planted')",
    ),
    "modules": ("sys.modules['planted'] = sys", "'planted' in sys.modules"),
    "imports": ("import colorsys", "'colorsys' in sys.modules"),
    "search path": ("sys.path.insert(0, 'planted')", "'planted' in sys.path"),
    "environment": ("os.environ['PLANTED'] = '1'", "os.environ.get('PLANTED')"),
    "files": (
        "open('planted', 'w').close()",
        "list(os.walk(os.getcwd().removesuffix('/sub')))",
    ),
    "folder": ("os.mkdir('sub'); os.chdir('sub')", "os.getcwd()"),
    "recursion": ("sys.setrecursionlimit(1234)", "sys.getrecursionlimit()"),
    "warnings": ("warnings.simplefilter('error')", "warnings.filters[0][0]"),
    "NumPy's errors": ("np.seterr(all='raise')", "np.geterr()['over']"),
    "NumPy's print": ("np.set_printoptions(precision=1)", "np.get_printoptions()"),
    "patches": ("np.mean = None", "np.mean is None"),
    "figures": ("plt.figure(7)", "plt.get_fignums()"),
    "style": (
        "plt.rcParams['lines.linewidth'] = 9; plt.style.use('ggplot')",
        "dict(plt.rcParams)",
    ),
    "backend": ("plt.switch_backend('svg')", "plt.get_backend()"),
    "nengo": (
        "nengo.rc.set('precision', 'bits', '16')",
        "nengo.rc.get('precision', 'bits')",
    ),
    "signals": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "signal.getsignal(15)",
    ),
    "history": ("In.append('planted')", "'planted' in In"),
}
TF_LEAKS = {
    "variables": ("v = tf.Variable([1.0]); v.assign_add(v)", "'v' in globals()"),
    "seed": ("tf.random.set_seed(5)", "context.global_seed()"),
    "Keras's type": (
        "tf.keras.backend.set_floatx('float64')",
        "tf.keras.backend.floatx()",
    ),
    "Keras's epsilon": (
        "tf.keras.backend.set_epsilon(1)",
        "tf.keras.backend.epsilon()",
    ),
    "names": (
        "[tf.keras.layers.Dense(1) for _ in range(3)]",
        "tf.keras.layers.Dense(1).name",
    ),
    "graph": (
        "with tf.compat.v1.get_default_graph().as_default():\n"
        "    tf.compat.v1.get_variable('planted', [1])",
        "tf.compat.v1.get_default_graph().get_operations()",
    ),
}


def notebook(tmp_path, *cells, name="cells"):
    """Return the text of a notebook with some cells between parameters and result."""
    code = "\n\n".join(textwrap.dedent(cell) for cell in cells)
    return write_notebook(tmp_path, name, fault=code).read_text()


def outputs(text):
    """Return all outputs of an executed notebook, without what is new in each run."""
    cells = nbformat.reads(text, as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", ())]


@pytest.fixture(scope="module")
def kernels():
    """Share one warm server among the tests."""
    kernels = WarmKernels(["import matplotlib.pyplot as plt", "import numpy as np"])
    yield kernels
    kernels.close()


@pytest.fixture
def start():
    """Return `WarmKernels`, all of which are closed after the test."""
    with ExitStack() as started:

        def start(*args, **kwargs):
            kernels = WarmKernels(*args, **kwargs)
            started.callback(kernels.close)
            return kernels

        yield start


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("first\n\n  second\r\nthird", "first second third"),
        ("\x1b[31mred\x1b[0m\x07", r"red\x07"),
        ("é 😀\u2028\x9b2J \ud800", r"é 😀 \x9b2J \ud800"),
        ("\x1b]0;title\x07 \x1b", r"]0;title\x07"),
    ],
)
def test_one_line_is_one(text, line):
    """A terminal shows it, and carries out nothing."""
    assert one_line(text) == line


def test_executed_notebook_is_papermills(kernels, tmp_path):
    """Sources, tags, outputs and figures are papermill's, to the last bit."""
    path = write_notebook(
        tmp_path,
        fault="""
        import matplotlib.pyplot as plt
        import numpy as np

        plt.semilogy(np.arange(1, 9) ** power, label=label)
        print(x, flush=True)
        """,
    )
    parameters = {"x": 3.5, "power": 3, "offset": None, "label": "a'b", "exact": False}
    outcome = kernels.run(path.read_text(), parameters)
    papermill.execute_notebook(
        path, tmp_path / "out.ipynb", parameters, progress_bar=False
    )
    ours = nbformat.reads(outcome["notebook"], as_version=4)
    theirs = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    assert outcome["error"] is None
    assert len(ours.cells) == len(theirs.cells) == 5
    for our, their in zip(ours.cells, theirs.cells, strict=True):
        assert our.source == their.source
        assert our.metadata.tags == their.metadata.tags
        assert our.outputs == their.outputs
        assert our.execution_count == their.execution_count
    assert any("image/png" in o.get("data", {}) for o in outputs(outcome["notebook"]))
    assert ours.metadata.papermill.parameters == theirs.metadata.papermill.parameters


def test_failed_notebook_is_papermills(kernels, tmp_path):
    """The traceback, the banner and the skipped cells are those of papermill."""
    path = write_notebook(tmp_path, fault="1 / 0")
    outcome = kernels.run(path.read_text(), {"x": 2.0})
    with pytest.raises(papermill.PapermillExecutionError):
        papermill.execute_notebook(
            path, tmp_path / "out.ipynb", {"x": 2.0}, progress_bar=False
        )
    assert outcome["error"] == "ZeroDivisionError: division by zero"
    theirs = nbformat.read(tmp_path / "out.ipynb", as_version=4)
    ours = nbformat.reads(outcome["notebook"], as_version=4)
    assert [cell.source for cell in ours.cells] == [c.source for c in theirs.cells]
    (error,) = outputs(outcome["notebook"])
    assert error.ename == "ZeroDivisionError"


def test_figures_can_be_left_out(kernels, tmp_path):
    """They are closed unseen; the metrics are the same and the notebook is small."""
    text = notebook(
        tmp_path,
        "import matplotlib.pyplot as plt\nax = plt.subplots()[1]\nax.plot([1])",
    )
    (tmp_path / "with.ipynb").write_text(kernels.run(text, {})["notebook"])
    outcome = kernels.run(text, {}, figures=False)
    (tmp_path / "without.ipynb").write_text(outcome["notebook"])
    assert outcome["error"] is None
    assert "image/png" in (tmp_path / "with.ipynb").read_text()
    assert "image/png" not in outcome["notebook"]
    assert read_metrics(tmp_path / "with.ipynb") == read_metrics(
        tmp_path / "without.ipynb"
    )


def check_leaks(kernels, tmp_path, setup, leaks):
    """Plant each kind of state in one run, and look for it in the next."""
    setup = f"from snnlib import record\nrecord({{'result': 1}})\n{setup}"
    look = "\n".join(f"print({k!r}, repr({seen}))" for k, (_, seen) in leaks.items())
    plant = "\n".join(planted for planted, _ in leaks.values())

    def printed(*cells):
        outcome = kernels.run(notebook(tmp_path, setup, *cells), {})
        assert outcome["error"] is None, outcome["error"]
        shown = [o for o in outputs(outcome["notebook"]) if o.get("name") == "stdout"]
        # Each run has a folder of its own.
        text = re.sub(r"snnlib-\w+/\w+", "folder", "".join(o.text for o in shown))
        return text.splitlines()

    untouched = printed(look)
    # In one and the same run, each kind would be found.
    twice = printed(look, plant, look)
    assert twice[: len(leaks)] == untouched
    for before, after in zip(untouched, twice[len(leaks) :], strict=True):
        assert before != after
    assert printed(look) == untouched


def test_nothing_leaks_from_one_run_to_the_next(start, tmp_path):
    """What a notebook does to its process, the next one does not see."""
    setup = (
        "import builtins, nengo, os, signal, sys, warnings\n"
        "import matplotlib.pyplot as plt\nimport numpy as np"
    )
    kernels = start(setup.splitlines())
    check_leaks(kernels, tmp_path, setup, LEAKS)


@pytest.mark.slow
def test_nothing_of_tensorflow_leaks(start, tmp_path):
    """TensorFlow, imported before the fork, is as good as new in every run."""
    setup = (
        "import os\nfrom snnlib import nengo_dl, tf\n"
        "from tensorflow.python.eager import context"
    )
    kernels = start(setup.splitlines())
    check_leaks(kernels, tmp_path, setup, TF_LEAKS)
    # It calculates too, and draws numbers of its own in each run.
    draw = "print(float((tf.random.uniform([1, 9]) @ tf.ones([9, 1]))[0, 0]))"
    texts = [
        outputs(kernels.run(notebook(tmp_path, setup, draw), {})["notebook"])[0].text
        for _ in range(2)
    ]
    assert texts[0] != texts[1]


def test_unseeded_draws_differ_between_runs(kernels, tmp_path):
    """The forked kernels share no state of any global generator."""
    text = notebook(
        tmp_path, "import random, numpy as np\nprint(random.random(), np.random.rand())"
    )
    drawn = [
        outputs(kernels.run(text, {})["notebook"])[0].text.split() for _ in range(2)
    ]
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


def test_libraries_get_their_number_of_threads(start, tmp_path):
    """Two runs on two cores shall not start four threads."""
    kernels = start(["import numpy"], threads=3)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    text = notebook(tmp_path, f"import os\nprint([os.environ[n] for n in {names}])")
    (printed, *_) = outputs(kernels.run(text, {})["notebook"])
    assert printed.text.strip() == str(["3"] * 3)


def test_hanging_run_is_stopped_where_it_hangs(kernels, tmp_path):
    """The traceback shows the line; one that will not be interrupted is killed."""
    text = notebook(tmp_path, "import time\ntime.sleep(1000)")
    outcome = kernels.run(text, {}, timeout=2)
    assert outcome["error"] == "it had not ended after 2 s"
    (error,) = outputs(outcome["notebook"])
    assert error.ename == "KeyboardInterrupt"
    assert "time.sleep" in "".join(error.traceback)


@pytest.mark.slow
def test_run_that_ignores_the_interrupt_is_killed(kernels, tmp_path):
    """After some seconds it is not asked any more."""
    text = notebook(
        tmp_path,
        "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True:\n    pass",
    )
    outcome = kernels.run(text, {}, timeout=1)
    assert outcome["error"] == "it had not ended after 1 s"
    (error,) = outputs(outcome["notebook"])
    assert error.ename == "DeadKernelError"


def test_greedy_run_is_killed(kernels, tmp_path):
    """The limit is in the reason, and the next run is as good as any."""
    text = notebook(tmp_path, "hoard = bytearray(10**9)\nimport time\ntime.sleep(1000)")
    outcome = kernels.run(text, {}, memory_limit=0.8e9)
    assert outcome["error"] == "it used more than its 0.8 GB of memory"
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import os; os._exit(3)", "DeadKernelError: Kernel died"),
        ("import os; os.kill(os.getpid(), 9)", "DeadKernelError: Kernel died"),
        ("import os; os.killpg(0, 9)", "the process that ran papermill was killed"),
    ],
    ids=["exits", "is killed", "kills its group"],
)
def test_kernel_that_dies_is_a_failed_run(kernels, tmp_path, code, error):
    """The server goes on."""
    outcome = kernels.run(notebook(tmp_path, code), {})
    assert outcome["error"] == error
    assert nbformat.reads(outcome["notebook"], as_version=4).cells
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None


def test_run_leaves_no_process_and_no_file(kernels, tmp_path):
    """What the notebook started ends with the run, and its folder goes."""
    code = """
    import os, subprocess, sys

    sleeper = [sys.executable, "-c", "import time; time.sleep(1000)"]
    print(os.getcwd(), os.getpid(), os.getppid())
    print(subprocess.Popen(sleeper).pid)
    print(subprocess.Popen(sleeper, start_new_session=True).pid)
    """
    outcome = kernels.run(notebook(tmp_path, code), {})
    folder, *pids = "".join(
        o.text for o in outputs(outcome["notebook"]) if "text" in o
    ).split()
    assert outcome["error"] is None
    assert len(pids) == 4
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)
    assert not os.path.exists(os.path.dirname(folder))  # noqa: PTH110, PTH120


def test_unwanted_run_is_stopped(start, tmp_path):
    """The server goes too, and is started again by the next run."""
    kernels = start()
    text = notebook(tmp_path, "import time\ntime.sleep(1000)")
    with pytest.raises(KernelsError, match="nobody waits for it"):
        kernels.run(text, {}, unwanted=lambda: True)
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None


@pytest.mark.parametrize(
    "warm",
    [
        pytest.param(True, id="warm"),
        pytest.param(False, id="cold", marks=pytest.mark.slow),
    ],
)
def test_nothing_survives_the_caller(tmp_path, warm):
    """Kill -9 of the caller ends server, papermill, kernel and what it started."""
    (tmp_path / "in.ipynb").write_text(
        notebook(
            tmp_path,
            """
            import subprocess, sys, time

            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"])
            open(FAULT, "w").close()
            while True:
                pass
            """,
        )
    )
    code = (
        "import sys; from snnlib.kernels import WarmKernels; "
        f"WarmKernels(warm={warm}).run(open(sys.argv[1]).read(), {{}})"
    )
    mark, environment = marked_environment()
    caller = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "in.ipynb"], env=environment
    )
    wait_until((tmp_path / "fault.py").exists)
    assert len(marked_processes(mark)) == 5
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    wait_until(lambda: not marked_processes(mark), seconds=20)


def test_killed_server_is_reported(start, tmp_path):
    """The error says how it ended; a further run starts another."""
    kernels = start()
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None
    kernels._process.kill()
    kernels._process.wait()
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None
    stopper = f"import os; os.kill({kernels._process.pid}, 9)\nwhile True:\n    pass"
    with pytest.raises(KernelsError, match="server of kernels ended with exit code -9"):
        kernels.run(notebook(tmp_path, stopper), {})


def test_killed_server_leaves_no_file(start, tmp_path, monkeypatch):
    """Its folder goes with it, though it has no time to see to that."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    kernels = start()
    assert kernels.run(notebook(tmp_path, ""), {})["error"] is None
    assert len(list(folder.iterdir())) == 1
    kernels._process.kill()
    kernels._process.wait()
    kernels.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("length", "is_deep"), [(20, False), (65, False), (75, True)])
def test_kernel_has_a_port_only_where_its_folder_is_deep(
    start, tmp_path, monkeypatch, length, is_deep
):
    """Systems have sockets with the names of files up to some hundred letters."""
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        folder = Path(short.ljust(length, "x")) if length > len(short) else Path(short)
        folder.mkdir(exist_ok=True)
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        ports = """
            import psutil

            found = psutil.Process().net_connections("tcp")
            print(sum(it.status == "LISTEN" for it in found))
        """
        done = start().run(notebook(tmp_path, ports), {})
        assert done["error"] is None
        # One is ipykernel's, for what a notebook's own processes print.
        expected = "6" if is_deep else "1"
        assert outputs(done["notebook"])[0]["text"] == f"{expected}\n"
        shutil.rmtree(folder)
        Path(short).mkdir(exist_ok=True)


@pytest.mark.parametrize(("n_deaths", "is_done"), [(1, True), (2, True), (3, False)])
def test_kernel_that_dies_at_birth_is_replaced(start, tmp_path, n_deaths, is_done):
    """Somebody else may have taken its port: that says nothing about the notebook."""
    # The server carries it out as one of its imports, and all kernels come from there.
    fatal = f"""
import os
from pathlib import Path
from snnlib import kernels
become = kernels._become_kernel
log = Path({str(tmp_path)!r}, "births")
def born(*arguments):
    with log.open("a") as births:
        births.write("+")
    if len(log.read_text()) <= {n_deaths}:
        os._exit(1)
    become(*arguments)
kernels._become_kernel = born
"""
    done = start([fatal]).run(notebook(tmp_path, ""), {})
    assert (tmp_path / "births").read_text() == "+" * min(n_deaths + 1, 3)
    assert (done["error"] is None) == is_done
    if not is_done:
        assert done["error"].startswith("RuntimeError: Kernel died before replying")


@pytest.mark.parametrize(
    ("module", "name"),
    [(subprocess, "Popen"), (tempfile, "TemporaryFile"), (kernels_module, "Pipe")],
    ids=["process", "file", "pipe"],
)
def test_server_that_cannot_be_started_is_reported(
    start, tmp_path, monkeypatch, module, name
):
    """The error gives the system's reason, and nothing stays open."""

    def refuse(*_, **__):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    kernels, text = start(), notebook(tmp_path, "")
    n_open = psutil.Process().num_fds()
    with monkeypatch.context() as patched:
        patched.setattr(module, name, refuse)
        with pytest.raises(KernelsError, match=r"cannot be started: \[Errno 11\] Reso"):
            kernels.run(text, {})
    assert psutil.Process().num_fds() == n_open
    kernels.close()


def test_server_that_hangs_up_and_lives_is_killed(start, tmp_path, monkeypatch):
    """It is not waited for longer than a moment."""

    def sleeper(*_):
        code = "import time; time.sleep(1000)"
        return subprocess.Popen([sys.executable, "-c", code])

    kernels = start()
    monkeypatch.setattr(kernels_module, "_GRACE", 0.1)
    monkeypatch.setattr(kernels, "_popen", sleeper)
    with pytest.raises(KernelsError, match="does not answer, and was killed"):
        kernels.run(notebook(tmp_path, ""), {})


def test_runner_that_cannot_be_forked_is_a_failed_run(monkeypatch):
    """The server goes on, and its run has the system's reason."""

    def refuse():
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    task = ("the notebook", {}, True)
    outcome = kernels_module._supervise(None, True, None, task, None, None)
    assert outcome["notebook"] == "the notebook"
    assert outcome["error"].startswith("BlockingIOError: [Errno 11]")


@pytest.mark.parametrize(("warm", "devices"), [(True, "-1"), (False, "0,1")])
def test_warm_kernels_see_no_gpu(start, monkeypatch, warm, devices):
    """One that was opened before a fork cannot be used after it; a cold one can."""
    environments = []

    def popen(*_, env, **__):
        environments.append(env)
        raise OSError

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(KernelsError, match="cannot be started"):
        start(warm=warm).run("", {})
    assert environments[0]["CUDA_VISIBLE_DEVICES"] == devices


def test_system_that_cannot_fork_is_refused_with_the_way_out():
    """The module is there for what needs no fork, and says which systems have it."""
    code = """
        import os, sys
        sys.modules["fcntl"] = None
        del os.fork
        from snnlib.kernels import KernelsError, WarmKernels
        try:
            WarmKernels().run("", {})
        except KernelsError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"runs are forked, which \w+ cannot do: .* \(WSL\)\.\n", said)


@pytest.mark.slow
def test_cold_kernels_give_the_same(start, tmp_path):
    """A kernel started anew for each run has the same outputs."""
    text = notebook(tmp_path, "print(x)")
    cold, warm = (start(warm=warm) for warm in (False, True))
    found = [outputs(k.run(text, {"x": 2.5})["notebook"]) for k in (cold, warm)]
    assert found[0] == found[1]


def test_imports_that_fail_are_left_to_the_notebook(start, tmp_path):
    """The run says which module there is not."""
    path = write_notebook(tmp_path, fault="import no_such_module")
    kernels = start(Notebook(path).imports)
    outcome = kernels.run(path.read_text(), {})
    assert outcome["error"] == ("ModuleNotFoundError: No module named 'no_such_module'")


@pytest.mark.parametrize("warm", [True, False])
def test_output_beyond_a_limit_is_cut(tmp_path, start, warm):
    """What a run prints without end is not kept; its metrics are."""
    text = notebook(tmp_path, "for _ in range(30): print('a' * 1_000_000, flush=True)")
    kernels = start(warm=warm)
    for _ in range(2):
        outcome = kernels.run(text, {})
        assert outcome["error"] is None
        assert 5e6 < len(outcome["notebook"]) < 11e6
        assert outcome["notebook"].count("output cut: a run shows 10 MB at most") == 1
        path = tmp_path / "executed.ipynb"
        path.write_text(outcome["notebook"])
        assert read_metrics(path)


def test_run_without_figures_has_no_explorer(tmp_path, kernels):
    """An explorer's page and picture would be most of a sweep's size."""
    text = notebook(tmp_path, "from snnlib import lif_explorer\nlif_explorer()")
    outcome = kernels.run(text, {}, figures=False)
    assert outcome["error"] is None
    assert "text/html" not in outcome["notebook"]
    assert len(outcome["notebook"]) < 20_000

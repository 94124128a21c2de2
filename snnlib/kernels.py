"""Kernels that start warm: forked from a process that has done the imports.

Starting a kernel and importing what a notebook imports takes longer than most runs.
Here one process, the server, imports once. For each run it forks a runner, which forks
a kernel and has papermill execute the notebook in it::

    caller (`WarmKernels`) - server (imports) - runner (papermill) - kernel (notebook)

Runner and kernel live for one run, so nothing that a notebook does to its process can
reach the next. Each ends when the one before it does, even when that is killed.
"""

import contextlib
import ctypes
import gc
import json
import os
import platform
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from functools import partial
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

# Threads of one run, by every library that counts for itself.
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
# A kernel sets this before matplotlib is imported. The server imports it first.
_INLINE_BACKEND = "module://matplotlib_inline.backend_inline"
# What papermill and the kernel would do for themselves in each run.
_ALWAYS = (
    "import papermill, ipykernel.kernelspec",
    "import ipykernel.kernelapp, ipykernel.ipkernel, ipykernel.debugger",
    "import IPython.core.completerlib, IPython.core.debugger, IPython.core.oinspect",
    "import IPython.extensions.storemagic, tornado.platform.asyncio",
    # A run without figures sets its backend, whether the notebook draws or not.
    # Not the inline one itself, which joins the kernel that imports it.
    "import matplotlib.pyplot, matplotlib.backends.backend_agg",
    # It compiles the schema of notebooks.
    "import nbformat; nbformat.validate(nbformat.v4.new_notebook())",
    # It looks through all installed packages for other ways to start a kernel.
    "from jupyter_client.provisioning import KernelProvisionerFactory as Factory\n"
    "Factory.instance()",
)

# Bytes of output that a run's notebook keeps.
_MOST_OUTPUT = 10_000_000
# Seconds between two looks at a run, that an interrupted notebook gets to end, and that
# a kernel gets to listen.
_TICK = 0.25
_GRACE = 5.0
_START = 60.0
# What a kernel says that never began, and how often another is started: a port that
# was free can be taken before the kernel has it.
_STILLBORN = "Kernel died before replying to kernel_info"
_MOST_STARTS = 3
# Letters of a socket's name that all systems take.
_LONGEST_SOCKET = 100
# What a terminal takes for colours, and for other orders.
_ORDER = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~])?")


def thread_limits(threads):
    """Return the environment in which numerical libraries use so many threads."""
    return dict.fromkeys(_THREAD_VARIABLES, str(threads))


def one_line(text):
    """Return a text in one line, of letters that can be printed.

    Parameters
    ----------
    text : str
        Such as the words of anybody's error.

    Returns
    -------
    line : str
    """
    line = " ".join(_ORDER.sub("", text).split())
    return "".join(it if it.isprintable() else ascii(it)[1:-1] for it in line)


class KernelsError(RuntimeError):
    """A server of kernels that cannot start, or ended while it was needed."""


class KernelsEndedError(KernelsError):
    """A server of kernels that had started, and ended."""


class KernelsUnwantedError(KernelsError):
    """A run that was stopped, for nobody waits for it."""


def system_problem():
    """Return why no run can be carried out on this system, in a sentence, or None."""
    if hasattr(os, "fork"):
        return None
    return (
        f"runs are forked, which {platform.system() or 'this system'} cannot do: use "
        "Linux or macOS or, on Windows, its Subsystem for Linux (WSL)."
    )


class WarmKernels:
    """A server of kernels, started when it is first asked for a run.

    It does not run two notebooks at once: use one server for each.

    Parameters
    ----------
    imports : sequence of str
        Import statements to be carried out once, before the first run. Those that
        fail are left to the notebook, which will say so.
    warm : bool, default=True
        Whether to fork the kernels. If not, each run starts a kernel of its own, which
        is slower, and right for libraries that do not survive a fork.
    threads : int, default=1
        Number of threads that a run's numerical libraries may use.
    """

    def __init__(self, imports=(), *, warm=True, threads=1):
        self.imports = tuple(imports)
        self.warm = warm
        self.threads = threads
        self._process = None

    def run(
        self,
        notebook,
        parameters,
        *,
        figures=True,
        timeout=None,
        memory_limit=None,
        unwanted=None,
    ):
        """Execute a notebook with papermill, in an empty folder.

        Parameters
        ----------
        notebook : str
            Content of the notebook's file.
        parameters : dict
            Values for its parameters.
        figures : bool, default=True
            Whether to draw figures. A warm kernel can leave them out, which is quicker
            and keeps the executed notebook small.
        timeout : float, optional
            Seconds after which the run is interrupted, and if need be killed.
        memory_limit : float, optional
            Resident memory, in bytes, above which the run is killed.
        unwanted : callable, optional
            Asked again and again whether nobody waits for the run any more. If so it is
            killed, and the server with it.

        Returns
        -------
        outcome : dict
            ``notebook``, the executed notebook as text; ``error``, None or what went
            wrong in one line; ``wall_time`` in seconds.

        Raises
        ------
        KernelsEndedError
            If the server has ended.
        KernelsUnwantedError
            If the run is unwanted.
        KernelsError
            If it cannot be started.
        """
        try:
            self._start()
            self._link.send(((notebook, parameters, figures), timeout, memory_limit))
            while not self._link.poll(_TICK):
                if unwanted is not None and unwanted():
                    self.close()
                    msg = "the run was stopped, for nobody waits for it."
                    raise KernelsUnwantedError(msg)
            return self._link.recv()
        except (EOFError, OSError) as error:
            if self._process is None:
                msg = f"the server of kernels cannot be started: {error}"
                raise KernelsError(msg) from error
            msg = self._how_it_ended()
            self.close()
            raise KernelsEndedError(msg) from error

    def close(self):
        """End the server and any run with it. The next run starts it again."""
        if self._process is not None:
            # The server looks after its end of the link, and takes all down with it.
            self._link.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=_GRACE)
            self._process.kill()
            self._process.wait()
            self._complaints.close()
            # The server does it itself, unless it was killed.
            shutil.rmtree(self._folder, ignore_errors=True)
            self._process = None

    def _start(self):
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        if problem := system_problem():
            raise KernelsError(problem)
        with contextlib.ExitStack() as opened:
            link, theirs = map(opened.enter_context, Pipe())
            complaints = opened.enter_context(tempfile.TemporaryFile())
            self._folder = tempfile.mkdtemp(prefix="snnlib-")
            opened.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._process = self._popen(theirs.fileno(), complaints)
            theirs.close()
            # From here on, `close` closes them.
            opened.pop_all()
        self._link, self._complaints = link, complaints
        self._link.send((self.imports, self.warm, self._folder))

    def _popen(self, fd, complaints):
        code = "import sys; from snnlib.kernels import serve; serve(int(sys.argv[1]))"
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(fd)],
            env=self._environment(),
            pass_fds=[fd],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            # Ctrl-C in a terminal is for the caller, who ends the runs in order.
            start_new_session=True,
        )

    def _environment(self):
        environment = {**os.environ, **thread_limits(self.threads)}
        if self.warm:
            # A GPU that was opened before a fork cannot be used after it.
            environment |= {"MPLBACKEND": _INLINE_BACKEND, "CUDA_VISIBLE_DEVICES": "-1"}
        return environment

    def _how_it_ended(self):
        try:
            code = self._process.wait(timeout=_GRACE)
        except subprocess.TimeoutExpired:
            return "the server of kernels does not answer, and was killed"
        self._complaints.seek(0)
        last = self._complaints.read().decode(errors="replace").strip().splitlines()
        why = f": {last[-1]}" if last else ""
        if code == -signal.SIGKILL:
            # It has no time for a word of its own.
            why = ", as the system does when memory runs out: try fewer workers"
        return f"the server of kernels ended with exit code {code}{why}"


# In the server.


def serve(fd):
    """Import what is asked for, then carry out runs until the caller is gone.

    Parameters
    ----------
    fd : int
        File descriptor of the link to `WarmKernels`, which starts this process.
    """
    link = Connection(fd)
    _adopt_orphans()
    home = None
    try:
        imports, warm, home = link.recv()
        if warm:
            _import_all((*_ALWAYS, *imports))
        while True:
            link.send(_supervise(link, warm, home, *link.recv()))
    except (EOFError, OSError):
        return
    finally:
        if home is not None:
            shutil.rmtree(home, ignore_errors=True)


def _import_all(statements):
    """Carry out import statements, leaving those that fail to the notebook."""
    for statement in statements:
        with contextlib.suppress(Exception):
            exec(statement, {})
    # What is here now is never garbage; untouched, its pages stay shared.
    gc.collect()
    gc.freeze()


def _supervise(link, warm, home, task, timeout, memory_limit):
    """Have a runner carry out a task, and return the outcome."""
    start = time.monotonic()
    try:
        for _ in range(_MOST_STARTS):
            executed, error = _run_in_fork(
                link, warm, home, task, timeout, memory_limit
            )
            if _STILLBORN not in (error or ""):
                break
    except OSError as problem:
        # No process, pipe or folder could be had: the next run may be luckier.
        executed, error = None, f"{type(problem).__name__}: {problem}"
    return {
        "notebook": executed or task[0],
        "error": error and one_line(error),
        "wall_time": round(time.monotonic() - start, 3),
    }


def _run_in_fork(link, warm, home, task, timeout, memory_limit):
    """Fork a runner and watch over it; return what `_watch` does."""
    with tempfile.TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
        result, theirs = Pipe(duplex=False)
        with result:
            with theirs:
                pid = os.fork()
                if pid == 0:
                    link.close()
                    result.close()
                    _in_child(_carry_out, warm, task, Path(folder), theirs)
            try:
                return _watch(pid, result, link, timeout, memory_limit)
            finally:
                _end_all()


def _watch(pid, result, link, timeout, memory_limit):
    """Wait for a runner; return the executed notebook and what went wrong, or None."""
    deadline = time.monotonic() + timeout if timeout else float("inf")
    # First ask, so that the traceback shows where it hung; then do not ask.
    means = [
        partial(_signal_kernel, pid, signal.SIGINT),
        partial(_signal_kernel, pid, signal.SIGKILL),
        partial(os.killpg, pid, signal.SIGKILL),
    ]
    stopped, due = None, float("inf")
    while True:
        ready = wait([result, link], timeout=_TICK)
        if link in ready:
            # Nothing is sent while a run goes on: the caller is gone.
            raise EOFError
        if result in ready:
            try:
                executed, error = result.recv()
            except EOFError:
                return None, stopped or "the process that ran papermill was killed"
            return executed, stopped or error
        now = time.monotonic()
        if stopped is None and memory_limit and _memory(pid) > memory_limit:
            stopped = f"it used more than its {memory_limit / 1e9:g} GB of memory"
            due = now
            del means[0]
        elif stopped is None and now > deadline:
            stopped = f"it had not ended after {timeout:g} s"
            due = now
        if now >= due and means:
            means.pop(0)()
            due = now + _GRACE


def _memory(pid):
    """Return the resident memory of a runner and all it started, in bytes."""
    import psutil

    used = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        runner = psutil.Process(pid)
        for process in [runner, *runner.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                used += process.memory_info().rss
    return used


def _signal_kernel(pid, number):
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for kernel in psutil.Process(pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                kernel.send_signal(number)


def _end_all():
    """Kill what is left of a runner, its kernel and what the notebook started."""
    import psutil

    # Killing one may hand its children over to this process, so look again.
    while left := psutil.Process().children(recursive=True):
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)


def _adopt_orphans():
    """Become the parent of whatever a run leaves behind, where Linux offers it."""
    set_child_subreaper = 36
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


# In the runner.


def _in_child(function, *args):
    """Call a function as all that a forked process does."""
    code = 1
    try:
        function(*args)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _carry_out(warm, task, folder, result):
    """Execute a notebook and send it back with what went wrong, if anything."""
    notebook, parameters, figures = task
    os.setpgid(0, 0)
    kernel = _WaitingKernel(result, figures) if warm else None
    threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    result.send(_execute(notebook, parameters, folder, kernel))


def _follow(parent):
    """End this process and its kernel as soon as the server is gone."""
    while os.getppid() == parent:
        time.sleep(_TICK)
    os.killpg(0, signal.SIGKILL)


def _execute(notebook, parameters, folder, kernel):
    """Have papermill execute a notebook; return it and what went wrong, or None."""
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    os.chdir(folder)
    _cap_output()
    manager = {"kernel_manager_class": _forked_manager(kernel, folder)}
    started = []
    try:
        Path("work").mkdir()
        Path("notebook.ipynb").write_text(notebook, encoding="utf-8")
        execute_notebook(
            "notebook.ipynb",
            "executed.ipynb",
            parameters=parameters,
            cwd="work",
            kernel_name="python3",
            progress_bar=False,
            # It would write the notebook twice for each cell.
            request_save_on_cell_execute=False,
            on_notebook_start=lambda notebook: started.append(notebook),
            shutdown_kernel="immediate",
            **(manager if kernel else {}),
        )
    except PapermillExecutionError as failure:
        # papermill has put the traceback into the notebook.
        error = f"{failure.ename}: {failure.evalue}"
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
        return _mark(started[0], failure) if started else None, error
    else:
        error = None
    return Path("executed.ipynb").read_text(encoding="utf-8"), error


def _cap_output():
    """Have the client leave out what is shown beyond a limit, but for metrics."""
    from nbclient import NotebookClient
    from nbformat.v4 import new_output

    from snnlib.recording import MIME_TYPE

    keep, n_left = NotebookClient.output, [_MOST_OUTPUT]

    def output(self, outs, message, *arguments):
        content = message["content"]
        is_needed = message["msg_type"] == "error" or MIME_TYPE in content.get(
            "data", {}
        )
        size = len(json.dumps(content, default=str))
        if is_needed or size <= n_left[0]:
            n_left[0] -= 0 if is_needed else size
            return keep(self, outs, message, *arguments)
        if n_left[0] >= 0:
            n_left[0] = -1
            text = f"output cut: a run shows {_MOST_OUTPUT / 1e6:g} MB at most\n"
            outs.append(new_output("stream", name="stderr", text=text))
        return None

    NotebookClient.output = output


def _mark(notebook, failure):
    """Show, in the cell that ran last, why its kernel could not go on."""
    import nbformat

    ran = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.papermill["start_time"]
    ]
    name, text = type(failure).__name__, str(failure)
    shown = nbformat.v4.new_output(
        "error", ename=name, evalue=text, traceback=[f"{name}: {text}"]
    )
    for cell in ran[-1:]:
        cell.outputs.append(shown)
    return nbformat.writes(notebook)


def private_manager(folder):
    """Return a class of kernel managers that talk to a kernel within a folder.

    Parameters
    ----------
    folder : path-like
        A folder of this user alone.

    Returns
    -------
    Manager : type
        Where the system has no sockets with the names of files, or the folder's is too
        long for one, it takes ports as others do.
    """
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        def __init__(self, **options):
            file, socket = str(Path(folder, "kernel.json")), str(Path(folder, "k"))
            # No port can be taken meanwhile, and no other user can listen.
            if len(f"{socket}-1") <= _LONGEST_SOCKET and system_problem() is None:
                options |= {"transport": "ipc", "ip": socket, "connection_file": file}
            super().__init__(**options)

    return Manager


def _forked_manager(kernel, folder):
    """Return a class of kernel managers that start the waiting kernel."""
    from jupyter_client.provisioning import LocalProvisioner

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd, **_):
            kernel.start(cmd)
            self.process = kernel
            return self.connection_info

        async def kill(self, restart=False):
            await super().kill(restart)
            # It would look every 0.1 s whether the kernel has ended.
            kernel.wait()

    class Manager(private_manager(folder)):
        def __init__(self, **options):
            super().__init__(**options)
            self.provisioner = Provisioner(parent=self, kernel_spec=self.kernel_spec)

        def client(self, **options):
            client = super().client(**options)
            client.wait_for_ready = partial(_wait_for_answer, client)
            return client

    return Manager


async def _wait_for_answer(client, timeout):
    """Wait until a kernel that listens has answered a question and is idle.

    The client's own way waits until nothing was heard for 0.2 s.
    """
    end = time.monotonic() + (timeout or float("inf"))
    while time.monotonic() < end:
        question = client.kernel_info()
        with contextlib.suppress(queue.Empty):
            await client.get_shell_msg(timeout=1)
            # What it publishes is lost until the kernel knows who listens.
            while not _says_idle(await client.get_iopub_msg(timeout=0.2), question):
                pass
            return
        if not await client.is_alive():
            break
    raise RuntimeError(_STILLBORN)


def _says_idle(message, question):
    """Return whether a kernel says with a message that it is done with a question."""
    is_answer = message["parent_header"].get("msg_id") == question
    return is_answer and message["content"].get("execution_state") == "idle"


class _WaitingKernel:
    """A kernel that waits to be told its connection; to jupyter_client, a Popen."""

    stdin = stdout = stderr = None
    returncode = None

    def __init__(self, result, figures):
        orders, self._orders = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._orders.close()
            result.close()
            _in_child(_become_kernel, orders, figures)
        orders.close()

    def start(self, command):
        # Who asks it next will find that it is dead.
        with contextlib.suppress(BrokenPipeError):
            self._orders.send((command, str(Path.cwd())))
        # It hangs up as soon as it listens, or dies. Who connects before would have to
        # try again a tenth of a second later.
        self._orders.poll(_START)

    def poll(self):
        return self._collect(os.WNOHANG)

    def wait(self):
        return self._collect(0)

    def _collect(self, how):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, how)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def terminate(self):
        self.send_signal(signal.SIGTERM)


# In the kernel.


def _become_kernel(orders, figures):
    """Wait for the connection, then serve it as any IPython kernel would."""
    command, folder = orders.recv()
    os.chdir(folder)
    with Path(os.devnull).open("r+") as nothing:
        for fd in (0, 1, 2):
            os.dup2(nothing.fileno(), fd)
    _forget_shared_randomness()
    from ipykernel.kernelapp import IPKernelApp

    arguments = command[command.index("-f") :]
    sys.argv = ["ipykernel_launcher", *arguments]
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(arguments)
    if not figures:
        _draw_nothing(app.shell)
    orders.close()
    app.start()


def _draw_nothing(shell):
    """Have matplotlib's inline backend close figures unseen, and no explorer drawn."""
    # A notebook of a run needs no slider; explorers would be most of its size.
    os.environ["SNNLIB_EXPLORERS"] = "text"
    with contextlib.suppress(ImportError):
        from matplotlib_inline.config import InlineBackend

        # Before a notebook does it: pyplot would otherwise draw first, close later.
        shell.enable_matplotlib("inline")
        InlineBackend.instance(parent=shell).figure_formats = set()


def _forget_shared_randomness():
    """Seed NumPy's global generator anew; Python's own does so by itself at a fork."""
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()

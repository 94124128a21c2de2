"""A cluster takes no stranger, and a sweep outlives its workers."""

import logging
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Event, Thread

import pytest
from clusters import Cluster
from tiny import (
    GRID,
    marked_processes,
    snnlib,
    wait_until,
    write_definition,
    write_notebook,
)

from snnlib import workers
from snnlib.collected import collect_runs
from snnlib.definitions import SweepError
from snnlib.plans import make_plan, read_plan
from snnlib.sweep import run_sweep

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
WAITS = """
    import time
    from pathlib import Path

    from snnlib import record

    while Path(WAIT).exists():
        time.sleep(0.1)
    record({"result": x**2, "label": label})
"""


class Certificates:
    """An authority, and a certificate of it for this machine, in files."""

    def __init__(self, folder):
        trustme = pytest.importorskip("trustme")
        folder.mkdir()
        authority = trustme.CA()
        self.ca, self.cert, self.key = (
            folder / f"{name}.pem" for name in ("ca", "cert", "key")
        )
        ours = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(self.ca)
        ours.cert_chain_pems[0].write_to_path(self.cert)
        ours.private_key_pem.write_to_path(self.key)

    @property
    def options(self):
        """Return options of ``snnlib sweep``."""
        return [
            *("--tls-ca", str(self.ca), "--tls-cert", str(self.cert)),
            *("--tls-key", str(self.key)),
        ]

    @property
    def options_of_dask(self):
        """Return options of ``dask scheduler`` and ``dask worker``."""
        return [option.replace("--tls-ca", "--tls-ca-file") for option in self.options]

    @property
    def environment(self):
        """Return the variables by which Dask is configured."""
        before = "DASK_DISTRIBUTED__COMM__TLS__"
        return {
            f"{before}CA_FILE": str(self.ca),
            f"{before}CLIENT__CERT": str(self.cert),
            f"{before}CLIENT__KEY": str(self.key),
        }

    def security(self):
        """Return what `run_sweep` takes."""
        from distributed import Security

        return Security(
            tls_ca_file=str(self.ca),
            tls_client_cert=str(self.cert),
            tls_client_key=str(self.key),
            require_encryption=True,
        )


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return the certificates of the cluster."""
    return Certificates(tmp_path_factory.mktemp("ours") / "tls")


@pytest.fixture(scope="module")
def safe(certificates, tmp_path_factory):
    """Return a cluster that lets in who has a certificate."""
    cluster = Cluster(
        tmp_path_factory.mktemp("safe") / "cluster",
        threads=(1, 1),
        options=certificates.options_of_dask,
    )
    yield cluster
    cluster.end()


@pytest.fixture
def cluster(tmp_path):
    """Return a cluster of two workers, which is ended after the test."""
    cluster = Cluster(tmp_path / "cluster", threads=(1, 1))
    yield cluster
    cluster.end()


def sweep(folder, *options, **environment):
    """Carry out a sweep of six runs from the command line."""
    return subprocess.run(
        snnlib("sweep", write_definition(folder), "--out", folder / "out", *options),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("way", ["options", "configuration", "security"])
def test_sweep_with_a_certificate_is_let_in(safe, certificates, tmp_path, way):
    """By the options, by Dask's own configuration, and from Python."""
    there = ["--scheduler", safe.address]
    if way == "security":
        plan = read_plan(write_definition(tmp_path))
        summary = run_sweep(
            plan,
            tmp_path / "out",
            scheduler=safe.address,
            security=certificates.security(),
        )
        assert summary.failed == {}
    elif way == "options":
        done = sweep(tmp_path, *there, *certificates.options)
        assert done.returncode == 0, done.stderr
    else:
        done = sweep(tmp_path, *there, **certificates.environment)
        assert done.returncode == 0, done.stderr
    assert len(collect_runs(tmp_path / "out").rows) == 6


CODE = """
import sys
from distributed import Client, Security

security = Security(**dict(zip(sys.argv[2::2], sys.argv[3::2])))
try:
    with Client(sys.argv[1], security=security or None, timeout=5) as client:
        client.run_on_scheduler(open, "proof", "w")
finally:
    import os
    os._exit(0)
"""


@pytest.mark.parametrize("who", ["without", "with another authority's", "over tcp"])
def test_stranger_runs_no_code(safe, certificates, tmp_path, who):
    """Neither without a certificate nor with one of another authority."""
    other = Certificates(tmp_path / "other")
    address = safe.address
    shown = {
        "without": ["tls_ca_file", certificates.ca],
        "with another authority's": [
            *("tls_ca_file", certificates.ca, "tls_client_cert", other.cert),
            *("tls_client_key", other.key),
        ],
        "over tcp": [],
    }[who]
    if who == "over tcp":
        address = address.replace("tls://", "tcp://")
    subprocess.run(
        [sys.executable, "-c", CODE, address, *map(str, shown)],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert not list(safe.folder.rglob("proof"))
    # Who has a certificate can, so that it is no accident.
    ours = [
        *("tls_ca_file", certificates.ca, "tls_client_cert", certificates.cert),
        *("tls_client_key", certificates.key),
    ]
    subprocess.run(
        [sys.executable, "-c", CODE, safe.address, *map(str, ours)],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    (proof,) = safe.folder.rglob("proof")
    proof.unlink()


def test_sweep_without_a_certificate_is_refused_in_a_sentence(safe, tmp_path):
    """At once, with the code of what cannot be done."""
    start = time.monotonic()
    done = sweep(tmp_path, "--scheduler", safe.address)
    assert done.returncode == 2
    assert time.monotonic() - start < 20
    said = done.stderr.splitlines()[-1]
    assert said.startswith("snnlib: no Dask scheduler answers at 'tls://")
    assert "Traceback" not in done.stderr


def test_cluster_listens_to_this_machine_only(safe):
    """Neither the scheduler nor a worker has a port that others reach."""

    def listening():
        return [
            connection.laddr.ip
            for process in marked_processes(safe.mark)
            for connection in process.net_connections("inet")
            if connection.status == "LISTEN"
        ]

    # A scheduler, two workers with their nannies, and their web servers.
    assert len(wait_until(lambda: len(listening()) >= 6 and listening())) >= 6
    assert set(listening()) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "address",
    ["foo", "http://127.0.0.1:9", "tcp://nohost.invalid:1", "tls://127.0.0.1:9"],
)
def test_mistyped_address_ends_the_process_at_once(tmp_path, address):
    """No connection that was never made is waited for."""
    start = time.monotonic()
    done = sweep(tmp_path, "--scheduler", address)
    assert done.returncode == 2
    assert address in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start < 15


@pytest.fixture
def waiting(tmp_path):
    """Return a plan whose runs wait until a file is gone, and the file."""
    wait = tmp_path / "wait"
    wait.touch()
    notebook = write_notebook(
        tmp_path, check="", fault="", result=WAITS.replace("WAIT", repr(str(wait)))
    )
    return make_plan(notebook, grid=GRID, figures=False), wait


def kernels(cluster):
    """Return the servers of kernels on the cluster."""
    found = []
    for process in marked_processes(cluster.mark):
        if any("snnlib.kernels" in word for word in process.cmdline()):
            parent = process.parent()
            # Runners and kernels are forks of a server, and have its words.
            if parent and not any("snnlib.kernels" in w for w in parent.cmdline()):
                found.append(process)
    return found


def test_sweep_whose_workers_are_gone_says_so_and_gives_up(
    cluster, waiting, tmp_path, monkeypatch, caplog
):
    """Again and again, until its patience is at an end; what is finished is kept."""
    plan, _ = waiting
    monkeypatch.setattr(workers, "_LOOK", 1)
    caplog.set_level(logging.INFO, "snnlib")

    def kill_workers():
        wait_until(lambda: kernels(cluster))
        for worker in cluster.workers:
            worker.kill()

    thread = Thread(target=kill_workers)
    thread.start()
    with pytest.raises(SweepError, match=r"no worker has been left for 4 s\. What is"):
        run_sweep(plan, tmp_path / "out", scheduler=cluster.address, patience=4)
    thread.join()
    said = [record.message for record in caplog.records]
    n_said = said.count("The scheduler has no workers. Waiting for one.")
    assert 2 <= n_said <= 6


def test_run_of_a_killed_worker_begins_again(cluster, waiting, tmp_path):
    """In another worker, or in one that comes later; nothing is failed."""
    plan, wait = waiting

    def kill_workers():
        wait_until(lambda: len(kernels(cluster)) == 2)
        for worker in cluster.workers:
            worker.kill()
            worker.wait()
        wait.unlink()
        cluster.workers.append(cluster.start_worker())

    thread = Thread(target=kill_workers)
    thread.start()
    summary = run_sweep(plan, tmp_path / "out", scheduler=cluster.address)
    thread.join()
    assert (summary.n_done, summary.failed) == (6, {})


def test_run_that_kills_its_workers_fails_in_plain_words(
    cluster, tmp_path, monkeypatch
):
    """The others are done before, although it takes many workers with it."""
    monkeypatch.setattr(workers, "_MOST_ROUNDS", 2)
    kills = """
        import os, signal, psutil
        from snnlib import record

        if x == 3:
            for process in psutil.Process().parents():
                if "worker" in process.cmdline():
                    process.send_signal(signal.SIGKILL)
        record({"result": x})
    """
    notebook = write_notebook(tmp_path, check="", fault="", result=kills)
    plan = make_plan(notebook, grid={"x": [1, 2, 3, 4]}, figures=False)
    is_over = Event()

    def fill_up():
        while not is_over.wait(0.2):
            n_living = sum(worker.poll() is None for worker in cluster.workers)
            if n_living < 2:
                cluster.workers.append(cluster.start_worker(1, "--no-nanny"))

    thread = Thread(target=fill_up)
    thread.start()
    try:
        summary = run_sweep(plan, tmp_path / "out", scheduler=cluster.address)
    finally:
        is_over.set()
        thread.join()
    ((_, why),) = summary.failed.items()
    assert why == "x = 3.0: each worker that it was given to died"
    assert summary.n_done == 3


def test_worker_that_comes_late_and_is_unfit_is_sent_away(
    cluster, waiting, tmp_path, caplog
):
    """With a word; its run is done by another."""
    plan, wait = waiting
    package = tmp_path / "other" / "snnlib"
    shutil.copytree(Path(workers.__file__).parent, package)
    neurons = package / "neurons.py"
    neurons.write_text(neurons.read_text() + "\nANOTHER = 1\n")

    def add_worker():
        wait_until(lambda: len(kernels(cluster)) == 2)
        late = cluster.start_worker(2, PYTHONPATH=str(package.parent))
        cluster.workers.append(late)
        late.wait(60)
        wait.unlink()

    thread = Thread(target=add_worker)
    thread.start()
    caplog.set_level(logging.INFO, "snnlib")
    summary = run_sweep(plan, tmp_path / "out", scheduler=cluster.address)
    thread.join()
    assert (summary.n_done, summary.failed) == (6, {})
    assert cluster.workers[-1].returncode is not None
    (said,) = [r.message for r in caplog.records if "cannot take part" in r.message]
    assert re.search(
        r"^The worker at tcp://\S+ cannot take part, and is sent away: it has another "
        r"code of snnlib",
        said,
    )


def test_scheduler_with_another_snnlib_is_named(waiting, tmp_path):
    """One that cannot read what is sent to it is no worker's fault."""
    plan, _ = waiting
    package = tmp_path / "other" / "snnlib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    cluster = Cluster(
        tmp_path / "cluster",
        threads=(1,),
        environment={"PYTHONPATH": str(package.parent)},
    )
    try:
        with pytest.raises(SweepError, match="needs the same snnlib as there is here"):
            run_sweep(plan, tmp_path / "out", scheduler=cluster.address)
    finally:
        cluster.end()


def test_two_sweeps_keep_their_warm_kernels(cluster, tmp_path):
    """Each starts one server of kernels in each worker, however they take turns."""
    pids = """
        import os, psutil
        from snnlib import record

        servers = [
            process.pid
            for process in psutil.Process().parents()
            if "snnlib.kernels" in " ".join(process.cmdline())
        ]
        record({"server": servers[-1], "which": WHICH})
    """
    folders = [tmp_path / name for name in ("one", "other")]
    plans = []
    for folder in folders:
        folder.mkdir()
        notebook = write_notebook(
            folder,
            check="",
            fault="",
            result=pids.replace("WHICH", repr(folder.name)),
        )
        plans.append(make_plan(notebook, grid={"x": [*range(12)]}, figures=False))
    threads = [
        Thread(
            target=run_sweep,
            args=(plan, folder / "out"),
            kwargs={"scheduler": cluster.address},
        )
        for plan, folder in zip(plans, folders, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for folder in folders:
        rows = collect_runs(folder / "out").rows
        assert len(rows) == 12
        assert 1 <= len({row["server"] for row in rows}) <= 2


# SLURM.

SBATCH = """#!/bin/bash
# A queue of one machine: starts a job's script, and says its number.
cp "${@: -1}" "JOBS/script-$$"
setsid bash "JOBS/script-$$" > "JOBS/log-$$" 2>&1 < /dev/null &
echo $! > "JOBS/pid-$$"
echo "Submitted batch job $$"
"""
SCANCEL = """#!/bin/bash
for job in "$@"; do kill -- "-$(cat "JOBS/pid-$job")"; done
"""


def test_page_runs_on_slurm(tmp_path):
    """Its script is given to dask-jobqueue itself; only the queue is one of ours."""
    pytest.importorskip("dask_jobqueue")
    jobs = tmp_path / "jobs"
    jobs.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (jobs / name).write_text(text.replace("JOBS", str(jobs)))
        (jobs / name).chmod(0o755)
    page = Path(__file__).parents[1] / "book" / "how_to_sweep.md"
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.S | re.M)
    (script,) = [block for block in blocks if "SLURMCluster" in block]
    folder = tmp_path / "home"
    folder.mkdir()
    write_definition(folder).rename(folder / "small.yaml")
    (folder / "slurm.py").write_text(script)
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "activate").touch()
    done = subprocess.run(
        [sys.executable, "slurm.py"],
        cwd=folder,
        env={
            **os.environ,
            "PATH": f"{jobs}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(workers.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout.splitlines()[-1:] == ["6 of 6"], done.stderr
    assert len(collect_runs(folder / "runs" / "slurm").rows) == 6
    (script, *_) = [path.read_text() for path in sorted(jobs.glob("script-*"))]
    assert "#SBATCH -p normal" in script
    assert "--lifetime" in script

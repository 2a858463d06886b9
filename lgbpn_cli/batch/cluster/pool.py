"""Where workers come from: started on this machine, or found at a scheduler."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.errors import DeviceError, UsageError
from lgbpn_cli.machine.memory import PROGRAM_BYTES, READER_BYTES, SHARE_OF_FREE, free_bytes

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

FIRST_CONNECTION_S = 30
SCHEDULER_PATIENCE_S = 600.0
"""How long a scheduler that went away may take to come back."""
RESTART_PATIENCE_S = 600
"""How long a worker that died here may take to start again; dask's own 15 s are too few on a busy machine."""
DASK_LOGGERS = ("distributed", "distributed.client")
"""Those to which dask gives levels of their own; the second tells of each lost connection by a traceback."""
DASK_VARIABLES = ("__DASK_PARENT_PID", "DASK_PARENT", "PYTHONHASHSEED")
"""Of the environment; dask sets them where it starts workers, for the titles of their processes and their hashes."""


@dataclass(frozen=True)
class Pool:
    """The workers of a run."""

    number: int | None = None
    """How many processes are started here; None with `scheduler`."""
    scheduler: str | None = None
    """Address of a scheduler whose workers are used."""
    gpus: Sequence[str] = ()
    """What the workers started here get as CUDA_VISIBLE_DEVICES, one each."""

    def __str__(self) -> str:
        """Return the pool as a user reads it."""
        if self.scheduler is not None:
            return f"the workers at {self.scheduler}"
        return f"{self.number} workers" + (f" on {len(self.gpus)} GPUs" if self.gpus else " on the CPU")


def choose_pool(number: int | None, scheduler: str | None, device: str) -> Pool:
    """Return the workers asked for; without a number one for each GPU that `device` allows, or one on the CPU.

    Raises UsageError for a device that is a single GPU, which workers cannot share.
    """
    if scheduler is not None:
        return Pool(scheduler=scheduler)
    if ":" in device:
        cause = "is one GPU, and each worker here gets one of its own"
        raise UsageError(f"`device` {device}", cause, "Use `device=cuda`, and set CUDA_VISIBLE_DEVICES.")
    if device in ("cpu", "mps"):
        return Pool(number or 1)
    from lgbpn_cli.machine.device import probe_hardware

    found = len(probe_hardware().cuda)
    allowed = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    gpus = tuple(allowed[:found]) if len(allowed) >= found else tuple(map(str, range(found)))
    return Pool(number or max(1, found), gpus=gpus)


def share_memory(settings: InferenceConfig, pool: Pool) -> InferenceConfig:
    """Return the settings with each worker's part of the memory, where several share that of this machine.

    Raises UsageError for more workers than it has memory for.
    """
    if pool.number is None or pool.number == 1:
        return settings
    whole = settings.max_memory_bytes or int(SHARE_OF_FREE * free_bytes())
    most = whole // (PROGRAM_BYTES + READER_BYTES)
    if pool.number > most:
        cause = f"there is memory for {most} of them at most: {whole / 1e9:.1f} GB"
        raise UsageError(f"`workers` {pool.number}", cause, "Start fewer.")
    if pool.gpus:
        return settings
    return replace(settings, max_memory_bytes=whole // pool.number)


@contextmanager
def connected(pool: Pool) -> Iterator[Connection]:
    """Return the connection to the pool's scheduler, started before and ended after where it is one's own.

    Raises UsageError where dask.distributed is missing, DeviceError where no scheduler answers.
    """
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "workers", "they need dask.distributed, which is not installed", 'pip install "lgbpn[cluster]"'
        ) from error
    # Its lines about lost workers and connections are said again, in words for users.
    for name in DASK_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if pool.scheduler is not None:
        connection = Connection(pool.scheduler)
        try:
            yield connection
        finally:
            connection.close()
        return
    with _environment_kept(), _local_cluster(pool) as cluster:
        connection = Connection(cluster.scheduler_address, cluster, pool.number or 1)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def _environment_kept() -> Iterator[None]:
    """Leave this process's environment as it was before dask came."""
    before = {name: os.environ.get(name) for name in DASK_VARIABLES}
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class Connection:
    """A client of a scheduler; a new one is made where the old one has lost it."""

    def __init__(self, address: str, own: LocalCluster | None = None, number: int = 0) -> None:
        """Connect. `own` is the cluster that was started for it, of so many workers. DeviceError where that fails."""
        self._address = address
        self._own = own
        self._number = number
        self.client = self._connect(FIRST_CONNECTION_S)

    @property
    def starts_workers(self) -> bool:
        """Whether the workers are one's own."""
        return self._own is not None

    def is_lost(self) -> bool:
        """Whether the scheduler went away."""
        return bool(self.client.status != "running")

    def renew(self) -> None:
        """Wait until the scheduler is there again. DeviceError where it does not come back."""
        self.close()
        self.client = self._connect(SCHEDULER_PATIENCE_S)

    def replace_lost_workers(self) -> None:
        """Start workers in the place of those that were given up, where they are one's own."""
        if self._own is not None:
            self._own.scale(self._number)

    def close(self) -> None:
        """Leave the scheduler, which may not answer any more."""
        with suppress(TimeoutError):
            self.client.close(timeout=2)

    def number_of_workers(self) -> int | None:
        """Return how many there are now; None where the scheduler does not answer."""
        try:
            return len(self.client.nthreads())
        except (OSError, TimeoutError):
            return None

    def resources(self) -> dict[str, int] | None:
        """Return what a task asks of a worker: a GPU, where workers say that they have one."""
        workers = self.client.scheduler_info()["workers"].values()
        return {"GPU": 1} if any(worker.get("resources", {}).get("GPU") for worker in workers) else None

    def _connect(self, patience_s: float) -> Client:
        from distributed import Client

        end = time.monotonic() + patience_s
        while True:
            try:
                return Client(self._address, timeout=5, set_as_default=False)
            except (OSError, TimeoutError, ValueError) as error:
                if time.monotonic() > end or isinstance(error, ValueError):
                    cause = "no scheduler answers there"
                    raise DeviceError(self._address, cause, "Start one: dask scheduler.") from error
                time.sleep(1)


def _local_cluster(pool: Pool) -> LocalCluster:
    """Return a scheduler in this process and its workers, each in a process of its own that is replaced if it dies."""
    import dask
    from distributed import LocalCluster

    class OwnWorkers(LocalCluster):  # type: ignore[misc]  # dask is an extra: mypy does not look into it
        """Gives each worker a GPU of its own."""

        def new_worker_spec(self) -> Any:
            spec = super().new_worker_spec()
            for name, worker in spec.items():
                options = dict(worker["options"])
                if pool.gpus:
                    gpu = pool.gpus[int(name) % len(pool.gpus)]
                    options["env"] = {**options["env"], "CUDA_VISIBLE_DEVICES": gpu}
                    options["resources"] = {"GPU": 1}
                spec[name] = {**worker, "options": options}
            return spec

    number = pool.number or 1
    threads = max(1, _threads() // number)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    # Whoever dies is blamed once and at once: `run` tries again itself, and more precisely.
    dask.config.set(
        {
            "distributed.scheduler.allowed-failures": 0,
            # What workers do, sampled for a dashboard: 10 MB a minute, of which 1,000 s are kept.
            "distributed.worker.profile.enabled": False,
            "distributed.deploy.lost-worker-timeout": f"{RESTART_PATIENCE_S}s",
            # dask would put these into this process's own environment, too, and leave them there.
            "distributed.nanny.pre-spawn-environ": {},
        }
    )
    cluster = OwnWorkers(
        n_workers=0,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",  # None is one port, which only one run can have
        worker_dashboard_address="127.0.0.1:0",  # never on this machine's other addresses
        memory_limit=None,  # lgbpn plans its memory itself
        env={name: str(threads) for name in names},
        silence_logs=logging.CRITICAL,
    )
    cluster.sync(_block_ctrl_c)
    cluster.scale(number)
    return cluster


async def _block_ctrl_c() -> None:
    """Keep Ctrl-C, which a terminal sends to all processes of a run, from workers that are started by this thread.

    The command hears it, and ends them; they would only tell of it, at length.
    """
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # it would unblock it again
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # which processes and threads inherit


def _threads() -> int:
    """Return how many threads this process would compute with."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

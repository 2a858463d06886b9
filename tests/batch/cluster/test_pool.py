"""Workers that are started here are replaced for as long as the run lasts."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from contextlib import ExitStack, suppress

import psutil
import pytest

from lgbpn_cli.batch.cluster.pool import DASK_VARIABLES, Connection, Pool, connected

DASHBOARD_PORT = 8787
"""What dask would take unless told otherwise, with a warning where it is taken, which is an error here."""


def addresses_listened_at() -> set[str]:
    """The addresses at which this process and those below it can be reached."""
    this = psutil.Process()
    found = [
        connection for one in (this, *this.children(recursive=True)) for connection in one.net_connections()
    ]
    return {connection.laddr.ip for connection in found if connection.status == psutil.CONN_LISTEN}


@pytest.mark.slow
@pytest.mark.process
def test_a_worker_that_dask_gave_up_is_replaced_and_nobody_else_can_connect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in DASK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    environment = dict(os.environ)
    with ExitStack() as other_run:
        with suppress(OSError):  # some program has it anyway
            other_run.enter_context(socket.create_server(("127.0.0.1", DASHBOARD_PORT)))
        lose_a_worker()
    assert dict(os.environ) == environment


def lose_a_worker() -> None:
    with connected(Pool(1)) as connection:
        assert not logging.getLogger("distributed.client").isEnabledFor(logging.ERROR)
        assert connection.client.submit(len, "one").result() == 3
        assert addresses_listened_at() == {"127.0.0.1"}
        if hasattr(signal, "pthread_sigmask"):  # Ctrl-C is for the command alone
            blocked = connection.client.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
            assert blocked == {signal.SIGINT}
            assert not signal.pthread_sigmask(signal.SIG_BLOCK, [])
        own = connection._own
        assert own is not None
        own.sync(own.workers.pop(0).close)  # as dask does with one that did not start again in time
        assert connection.number_of_workers() == 0
        connection.replace_lost_workers()
        end = time.monotonic() + 120
        while not connection.number_of_workers() and time.monotonic() < end:
            time.sleep(0.1)
        assert connection.client.submit(len, "four").result() == 4


def test_a_scheduler_that_does_not_answer_any_more_is_left_all_the_same() -> None:
    asked: list[float] = []

    class Client:
        status = "running"

        def close(self, timeout: float) -> None:
            asked.append(timeout)
            raise TimeoutError

    connection = object.__new__(Connection)
    connection.client = Client()
    connection.close()
    assert asked

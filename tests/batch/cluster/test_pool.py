"""Workers that are started here are replaced for as long as the run lasts."""

from __future__ import annotations

import time

import pytest

from lgbpn_cli.batch.cluster.pool import Pool, connected


@pytest.mark.slow
@pytest.mark.process
def test_a_worker_that_dask_gave_up_is_replaced() -> None:
    with connected(Pool(1)) as connection:
        assert connection.client.submit(len, "one").result() == 3
        own = connection._own
        assert own is not None
        own.sync(own.workers.pop(0).close)  # as dask does with one that did not start again in time
        assert connection.number_of_workers() == 0
        connection.replace_lost_workers()
        end = time.monotonic() + 120
        while not connection.number_of_workers() and time.monotonic() < end:
            time.sleep(0.1)
        assert connection.client.submit(len, "four").result() == 4

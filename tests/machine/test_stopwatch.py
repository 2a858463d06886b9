"""Parts of a command's time: each moment is one part's, and nothing is noted where nobody asked."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from lgbpn_cli.machine import stopwatch
from lgbpn_cli.machine.stopwatch import Stopwatch, during, start_watch


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    monkeypatch.setattr(stopwatch, "_running", None)
    return start_watch("start", time.time())


def test_a_part_within_a_part_has_its_own_time(watch: Stopwatch) -> None:
    with during("outer"):
        time.sleep(0.05)
        with during("inner"):
            time.sleep(0.1)
    watch.switch_to("end")
    spent = {name: each.seconds for name, each in watch.spent.items()}
    assert 0.05 <= spent["outer"] < spent["inner"]
    assert spent["inner"] >= 0.1


def test_all_parts_together_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopwatch, "_running", None)
    began = time.time() - 1
    watch = start_watch("start", began)
    with during("a"), during("b"):
        pass
    watch.switch_to("end")
    whole = sum(each.seconds for each in watch.spent.values())
    assert whole == pytest.approx(time.time() - began, abs=0.2)
    assert watch.spent["start"].seconds >= 1


def test_an_error_ends_its_part(watch: Stopwatch) -> None:
    with pytest.raises(ValueError, match="x"), during("a"):
        raise ValueError("x")
    assert watch.switch_to("end") == "start"


def test_other_threads_change_nothing(watch: Stopwatch) -> None:
    def work() -> None:
        with during("beside"):
            pass

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    watch.switch_to("end")
    assert "beside" not in watch.spent


def test_nothing_is_noted_where_nobody_asked() -> None:
    code = (
        "from lgbpn_cli.machine import stopwatch\nwith stopwatch.during('a'): pass\nprint(stopwatch._running)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"

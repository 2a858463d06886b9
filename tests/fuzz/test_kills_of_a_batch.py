"""A short campaign of kills; `kills.py` beside this file runs long ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kills import PHOTO_TIME_NS, make_batch, missing_and_left_over, run

KILLS = int(os.environ.get("LGBPN_FUZZ_KILLS", "5"))


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="kills a group of processes")
def test_a_batch_that_is_killed_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    found = run(KILLS, 12, 1, tmp_path, longest_s=4.0)
    assert found.kills == KILLS
    assert found.faults == []


def test_what_is_wrong_with_results_is_found(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    names = make_batch(source, 4)
    target.mkdir()
    (target / "0.jpg").write_bytes((source / "0.jpg").read_bytes()[:300])
    os.utime(target / "0.jpg", ns=(PHOTO_TIME_NS, PHOTO_TIME_NS))
    (target / "1.xmp").write_text("half")
    (target / ".lgbpn-1.part").touch()
    faults = "\n".join(missing_and_left_over(names, source, target))
    for words in (
        "1.png is missing", ".lgbpn-1.part is left over", "1.xmp is not the photo's sidecar", "truncated",
        "0.jpg is there without its sidecar", "0.jpg does not say what made it",
    ):  # fmt: skip
        assert words in faults

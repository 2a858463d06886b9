"""`lgbpn denoise --watch` as a process of its own: photos as they arrive, until Ctrl-C."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from small_photos import Lgbpn, MakePhoto, negative_of, pixels_of

WAIT_S = 120


def wait_for(path: Path) -> None:
    end = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not come"
        time.sleep(0.1)


def test_photos_are_denoised_as_they_arrive_and_ctrl_c_ends_it(
    start_lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path
) -> None:
    first = make_photo("inbox/a.png")
    process = start_lgbpn("denoise", tmp_path / "inbox", "-o", tmp_path / "out", "--watch", "--strength", 1)
    wait_for(tmp_path / "out" / "a.png")
    (tmp_path / "inbox" / "bad.png").write_bytes(b"no photo")
    second = make_photo("inbox/bb.png")
    wait_for(tmp_path / "out" / "bb.png")
    time.sleep(5)  # the bad one is not tried again and again
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130, said
    for photo in (first, second):
        assert (pixels_of(tmp_path / "out" / photo.name) == negative_of(photo)).all()
    assert said.count("watching for photos; Ctrl-C ends it") == 1
    assert "2 photos denoised" in said
    assert "1 failed" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "bb.png"]


@pytest.mark.parametrize("option", [["-n"], ["--html", "page.html"], ["--workers", "2"]])
def test_what_does_not_go_together_is_refused(lgbpn: Lgbpn, make_photo: MakePhoto, option: list[str]) -> None:
    result = lgbpn("denoise", make_photo("a.png").parent, "--watch", *option)
    assert result.exit_code == 2
    assert result.stderr.startswith("lgbpn: --watch: cannot be combined with")


def test_a_folder_that_is_not_there_is_refused(lgbpn: Lgbpn, tmp_path: Path) -> None:
    assert lgbpn("denoise", tmp_path / "inbox", "--watch").exit_code == 2

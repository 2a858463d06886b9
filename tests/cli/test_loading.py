"""The model is loaded while a large first photo is read; small ones come first, for they may be damaged."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from small_photos import Lgbpn, MakePhoto

from lgbpn_cli import app
from lgbpn_cli.batch import work


def test_loading_does_not_wait_for_the_first_photo(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading = threading.Event()
    prepare, open_first = app._prepare, app.open_first

    def prepare_and_tell(*arguments: Any) -> Any:
        loading.set()
        return prepare(*arguments)

    def open_when_loading(*arguments: Any) -> Any:
        assert loading.wait(20), "the photo was waited for"
        return open_first(*arguments)

    monkeypatch.setattr(app, "_prepare", prepare_and_tell)
    monkeypatch.setattr(app, "open_first", open_when_loading)
    photo = make_photo("in/a.png")
    monkeypatch.setattr(work, "LARGE_FILE_BYTES", photo.stat().st_size)
    done = lgbpn("denoise", photo)
    assert done.exit_code == 0, done.stderr
    assert "1 photo denoised" in done.stderr


@pytest.mark.parametrize("large_bytes", [0, 1_000_000])
def test_a_model_that_is_not_there_is_said_all_the_same(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch, large_bytes: int
) -> None:
    monkeypatch.setattr(work, "LARGE_FILE_BYTES", large_bytes)
    done = lgbpn("denoise", make_photo("in/a.png"), "-m", "missing")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "'missing'" in done.stderr


def test_nothing_is_loaded_for_a_small_photo_that_is_damaged(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("loaded in vain")

    photo = make_photo("in/a.png")
    photo.write_bytes(b"damaged")
    monkeypatch.setattr(app, "_prepare", refuse)
    done = lgbpn("denoise", photo)
    assert done.exit_code == 1
    assert str(photo) in done.stderr

"""What a model makes of noisy photos: kept on disk, made anew where it is of something else or damaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lgbpn_cli.config import PRESETS
from lgbpn_cli.models.load import Model
from lgbpn_cli.training.student.estimates import PRESETS_ASKED, cut_tiles, estimate_tile


def test_estimates_are_those_of_the_network_and_are_kept(
    teacher: Model, photos: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.npz"
    first = estimate_tile(photos[0], teacher, kept)
    image = torch.from_numpy(photos[0]).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = teacher.network(image, PRESETS[PRESETS_ASKED[0]].first)[0].permute(1, 2, 0) * 255
    np.testing.assert_allclose(first[0], expected.numpy().astype(np.float16), rtol=2e-3)
    moment = kept.stat().st_mtime_ns
    again = estimate_tile(photos[0], teacher, kept)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert kept.stat().st_mtime_ns == moment


def test_estimates_of_another_photo_or_teacher_are_made_anew(
    teacher: Model, photos: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.npz"
    first = estimate_tile(photos[0], teacher, kept)
    assert not np.array_equal(first[0], estimate_tile(photos[1], teacher, kept)[0])
    moment = kept.stat().st_mtime_ns
    estimate_tile(photos[1], replace(teacher, sha256="6" * 64), kept)
    assert kept.stat().st_mtime_ns != moment


def test_an_estimate_cut_off_by_a_kill_is_made_anew(
    teacher: Model, photos: tuple[np.ndarray, ...], tmp_path: Path
) -> None:
    kept = tmp_path / "kept.npz"
    first = estimate_tile(photos[0], teacher, kept)
    kept.write_bytes(kept.read_bytes()[:1000])
    assert np.array_equal(estimate_tile(photos[0], teacher, kept)[0], first[0])


def test_large_photos_are_cut_into_whole_tiles() -> None:
    photo = np.arange(600 * 1100 * 3, dtype=np.uint32).reshape(600, 1100, 3).astype(np.uint8)
    tiles = cut_tiles(photo)
    assert [tile.shape for tile in tiles] == [(512, 512, 3)] * 2
    assert np.array_equal(tiles[1], photo[:512, 512:1024])
    assert np.array_equal(cut_tiles(photo[:100, :200])[0], photo[:100, :200])

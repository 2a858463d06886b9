"""A miniature of benchmarks/raw.py: on synthetic raw files the shipped raw network is ahead of the demosaiced way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import raw as benchmark
from synthetic_raw import canon_5d4, developed, write_linear_dng

from lgbpn_cli import load_model
from lgbpn_cli.models.manifest import all_models


@pytest.fixture(autouse=True)
def at_the_data(monkeypatch: pytest.MonkeyPatch, data_root: Path) -> None:
    monkeypatch.setenv("LGBPN_DATA", str(data_root))


def test_the_scenes_of_the_benchmark_are_kept_out_of_the_recipe(repo_root: Path) -> None:
    recipe = (repo_root / "recipes" / "raw.toml").read_text()
    assert all(f'"{name}"' in recipe for name in benchmark.KEPT_OUT)


def test_noise_follows_the_iso() -> None:
    noises = [canon_5d4(iso) for iso in (1600, 6400, 25600, 102400)]
    assert [round(each.shot, 5) for each in noises] == [0.00022, 0.0009, 0.00358, 0.01434]
    assert sorted(each.read for each in noises) == [each.read for each in noises]


def test_a_synthetic_raw_develops_like_its_scene(tmp_path: Path) -> None:
    scene = benchmark.scenes(128, 0.7, 1)[0]
    write_linear_dng(tmp_path / "clean.dng", scene.light)
    benchmark.write_cfa_dng(tmp_path / "raw.dng", benchmark.taken(scene, canon_5d4(100), hot=False), iso=100)
    clean, raw = developed(tmp_path / "clean.dng"), developed(tmp_path / "raw.dng")
    assert (
        np.abs(clean.mean(axis=(0, 1)) - raw.mean(axis=(0, 1))).max() < 257 * 2
    )  # a saturated colour, which noise clips at black
    assert benchmark.psnr_db(raw, clean) > 28


def test_the_raw_network_is_ahead() -> None:
    assert "raw" in all_models()["lgbpn-base"].parts
    found = benchmark.scenes(256, 0.0, 3)
    ways = ["noisy, AHD", "demosaiced", "mosaic"]
    table = benchmark.measure(
        found, canon_5d4(25600), ways, model=load_model(quality="fast", device="cpu"), hot=False, crops=None
    )
    noisy, demosaiced, mosaic = (np.mean([psnr for psnr, *_ in table[way].values()]) for way in ways)
    assert mosaic > demosaiced + 0.3
    assert mosaic > noisy + 5


def test_the_noise_of_a_photograph_is_measured() -> None:
    """A miniature of benchmarks/raw.py noise: textured leaves, one megapixel in place of six."""
    scene = benchmark.frame("elementary_Leaves.jpg", 1.0)
    for hot in (False, True):
        off = benchmark.errors(scene, canon_5d4(25600), hot=hot)
        assert max(abs(each - 1) for each in off) < benchmark.TOLERANCE


def test_flat_patches_are_those_without_detail() -> None:
    noise = canon_5d4(6400)
    rows, columns = np.indices((128, 256))
    light = np.repeat((0.1 + 0.001 * columns)[..., None], 3, axis=2).astype(np.float32)
    assert benchmark.flat_share(benchmark.Scene("slope", light), noise) == 1
    light[:, 128:] += 0.1 * ((rows + columns) // 2 % 2)[:, 128:, None]
    assert benchmark.flat_share(benchmark.Scene("half", light), noise) == 0.5

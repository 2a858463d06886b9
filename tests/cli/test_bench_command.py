"""`lgbpn bench`: the real command over small pictures, and its figures over what is known."""

from __future__ import annotations

import json
import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from warm_processes import run_lgbpn_cli

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.research.bench import flops_per_pixel, load_for_bench, measure_agreement, seam_score


def bench(*options: object) -> subprocess.CompletedProcess[str]:
    return run_lgbpn_cli("bench", "--device", "cpu", *options)


def test_each_setting_is_measured_in_a_process_of_its_own_and_is_a_line_of_json() -> None:
    done = bench(
        "-m", "untrained:student", "--megapixels", "0.01", "--megapixels", "0.02", "--repeats", "1", "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    small, large = map(json.loads, done.stdout.splitlines())
    assert (small["megapixels"], large["megapixels"]) == (0.01, 0.019881)
    for speed in (small, large):
        assert speed["megapixels_per_second"] == pytest.approx(speed["megapixels"] / speed["seconds"])
        assert speed["share_of_peak"] > 0
        assert 0 < speed["convolution_share"] < 1
        assert speed["peak_resident_bytes"] > 100_000_000
        assert speed["precision"] in speed["plan"]


def test_the_agreement_of_tiles_is_told_for_each_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 150, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    done = bench("-m", "untrained:student", "--agreement", tmp_path / "a.png", "--tile", 64, "--tile", 96)
    assert done.returncode == 0
    first, second = done.stdout.splitlines()
    assert first.startswith("tiles of 64 px, halo 96 px: 0.0000 % of pixels differ")
    assert second.startswith("tiles of 96 px")


def test_what_is_not_measured_is_null(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "a.png")
    done = bench("-m", "untrained:student", "--agreement", tmp_path / "a.png", "--tile", 64, "--json")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    assert json.loads(done.stdout, parse_constant=refuse)["seam_score"] is None


def test_borders_in_flat_areas_have_no_seam_score() -> None:
    flat = np.zeros((64, 64, 3), np.float32)
    assert np.isnan(seam_score(flat, flat, [32], [32]))


def test_tiles_without_a_halo_do_not_agree() -> None:
    model = load_for_bench("untrained:student", None, choose_device("cpu"))
    image = np.random.default_rng(0).random((128, 128, 3), dtype=np.float32)
    (row,) = measure_agreement(image, model, InferenceConfig(halo_px=0), [64])
    assert (row.tile_px, row.tiles) == (64, 4)
    assert row.largest_steps > 0.1


def test_a_step_along_a_border_raises_the_seam_score() -> None:
    whole = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    stepped = whole.copy()
    stepped[32:] += 0.5
    assert seam_score(whole, whole, [32], [32]) == 1
    assert seam_score(stepped, whole, [32], [32]) > 1.3
    assert seam_score(stepped, whole, [16], [16]) == pytest.approx(1)
    assert np.isnan(seam_score(whole, whole, [], []))


@pytest.mark.slow
def test_the_operations_of_the_default_student_are_counted() -> None:
    model = load_for_bench("untrained:student", None, choose_device("cpu"))
    widths = model.network.config.widths  # type: ignore[union-attr]
    steps = [(above, below, 4 ** (level + 2)) for level, (above, below) in enumerate(pairwise(widths))]
    blocks = sum(
        (1 if level == len(widths) - 1 else 2) * 2 * 9 * width**2 / 4 ** (level + 1)
        for level, width in enumerate(widths)
    )
    ends = 2 * 9 * 12 * widths[0] / 4
    down_and_up = sum((4 + 1) * above * below / spacing for above, below, spacing in steps)
    in_32_bits = InferenceConfig(precision="float32")
    flops_per_pixel(model, in_32_bits)  # the first call tries PyTorch's own calls, too
    assert flops_per_pixel(model, in_32_bits) == pytest.approx(2 * (blocks + ends + down_and_up))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-m", "untrained:huge"], "lgbpn: --model untrained:huge: there is no such shape"),
        (["-m", "missing"], "lgbpn: model 'missing'"),
        (["--precision", "int8"], "lgbpn: --precision: 'int8' is unknown"),
        (["--quality", "great"], "lgbpn: --quality: 'great' is unknown"),
        (["--megapixels", "0"], "lgbpn: --megapixels: not a size"),
        (["--megapixels", "nan"], "lgbpn: --megapixels: not a size"),
        (["--megapixels", "inf"], "lgbpn: --megapixels: not a size"),
        (["--tile", "64", "--tile", "128"], "lgbpn: --tile: only one is possible"),
        (["-m", "untrained:student", "--quality", "teacher"], "lgbpn: --quality teacher: "),
        (["--whole", "."], "lgbpn: --whole .: it is a folder"),
        (["--whole", "a.jpg", "--megapixels", "2"], "lgbpn: --whole: the photo has a size of its own"),
    ],
)
def test_a_wrong_command_is_one_line_and_exit_code_2(options: list[str], message: str) -> None:
    done = bench(*options)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(message)


def test_the_whole_command_is_the_sum_of_its_parts(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 150, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    done = bench("--whole", tmp_path / "a.jpg", "--repeats", 1, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    (whole,) = map(json.loads, done.stdout.splitlines())
    parts = whole["parts"]
    assert list(parts)[:5] == ["start", "load", "decode", "measure", "network"]
    assert sum(part["seconds"] for part in parts.values()) == pytest.approx(whole["seconds"])
    assert sum(part["cpu_seconds"] for part in parts.values()) <= whole["cpu_seconds"] + 0.1
    assert all(part["seconds"] > 0 for part in parts.values())
    assert whole["over_network"] == pytest.approx(whole["seconds"] / parts["network"]["seconds"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg"]


def test_the_whole_command_has_a_bar_for_each_part(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "a.jpg")
    done = bench("--whole", tmp_path / "a.jpg", "--repeats", 1)
    first, _, *rows = done.stdout.splitlines()
    assert first.startswith(f"{tmp_path / 'a.jpg'}, 0.0 megapixels: ")
    assert [row.split("  ")[0] for row in rows][:6] == [
        "start",
        "load",
        "decode",
        "measure",
        "network",
        "colours",
    ]
    assert max(row.count("#") for row in rows) == 40


def test_the_whole_command_fails_as_denoise_does(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no photo")
    done = bench("--whole", tmp_path / "a.jpg", "--repeats", 1)
    assert done.returncode == 1
    assert str(tmp_path / "a.jpg") in done.stderr
    assert "Traceback" not in done.stderr

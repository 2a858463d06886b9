"""`lgbpn eval` through the real command, with a network that gives the negative of a photo."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_photos import PAIR_NAMES, PAIR_SIZE, Lgbpn, MakePhoto, negative_of, pixels_of, psnr, save_pixels

from lgbpn_cli.config import QUALITIES, InferenceConfig


def answer(lgbpn: Lgbpn, *arguments: object) -> dict[str, Any]:
    result = lgbpn("eval", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def labels(found: dict[str, Any]) -> list[str]:
    return [method["label"] for method in found["methods"]]


def test_the_means_are_those_of_the_photos(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders)
    noisy, clean = folders
    before = [psnr(pixels_of(noisy / name), pixels_of(clean / name)) for name in PAIR_NAMES]
    after = [psnr(negative_of(noisy / name), pixels_of(clean / name)) for name in PAIR_NAMES]
    assert found["noisy"] == pytest.approx(np.mean(before), abs=5e-5)
    assert found["denoised"] == pytest.approx(np.mean(after), abs=5e-5)
    assert found["photos"] == 3


def test_the_json_tells_how_it_was_measured(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "-m", "other", "--preset", "dnd", "--device", "cpu")
    assert (
        found["command"]
        == f"lgbpn eval {folders[0]} {folders[1]} --model other --preset dnd --device cpu --json"
    )
    assert found["methods"][1]["sha256"] == "sum of other teacher"
    assert found["versions"].keys() >= {"lgbpn", "python", "numpy", "torch"}
    assert "7x7" in found["protocol"]["ssim_skimage7"]


def test_models_qualities_and_presets_become_rows(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    options = ["-m", "fake", "-m", "other", "--quality", "teacher", "--quality", "teacher-r3"]
    assert labels(answer(lgbpn, *folders, *options, "--preset", "sidd", "--preset", "dnd")) == [
        "noisy",
        *(
            f"{model} {quality} {preset}"
            for model in ("fake", "other")
            for quality in ("teacher", "teacher-r3")
            for preset in ("sidd", "dnd")
        ),
    ]


def test_strength_0_is_the_noisy_photo(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "--strength", "0")
    assert found["denoised"] == found["noisy"]


def test_rows_of_one_label_are_told_apart(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "-m", "fake", "-m", "fake")
    assert labels(found)[1:] == ["fake teacher auto", "fake teacher auto (2)"]


def test_two_models_are_compared_photo_by_photo(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    for name in PAIR_NAMES:
        save_pixels(tmp_path / "other" / name, pixels_of(folders[1] / name) // 2)
    (found,) = answer(lgbpn, *folders, "-m", "fake", "--denoised", tmp_path / "other")["comparisons"]
    assert (found["first"], found["second"]) == ("fake teacher auto", "other")
    assert (found["wins"], found["losses"], found["ties"]) == (3, 0, 0)
    assert found["low"] <= found["mean_difference"] <= found["high"]


def test_finished_results_need_no_model(lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path) -> None:
    for name in PAIR_NAMES:
        save_pixels(tmp_path / "tool" / name, pixels_of(folders[1] / name) - np.uint8(0))
    found = answer(lgbpn, *folders, "--denoised", tmp_path / "tool")
    assert labels(found) == ["noisy", "tool"]
    assert found["denoised"] is None  # infinite
    assert found["methods"][1]["figures"]["mae_8bit"]["mean"] == 0


def test_photos_that_are_their_own_references_do_not_spoil_the_mean(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    first = PAIR_NAMES[0]
    for name in PAIR_NAMES:
        source = folders[1] if name == first else folders[0]
        save_pixels(tmp_path / "mixed" / name, pixels_of(source / name))
    found = answer(lgbpn, tmp_path / "mixed", folders[1], "--denoised", folders[1])
    alone = {row["photo"]: row["psnr_db"] for row in found["methods"][0]["files"]}
    assert alone.pop(Path(first).stem) is None
    assert found["noisy"] == pytest.approx(np.mean(list(alone.values())), abs=1e-3)
    shown = lgbpn("eval", tmp_path / "mixed", folders[1], "--denoised", folders[1]).stderr
    assert f"noisy: 1 photo is its reference, pixel by pixel, so without a PSNR: {Path(first).stem}" in shown
    assert " inf" not in shown


def test_results_in_a_folder_called_noisy_are_a_row_of_their_own(
    lgbpn: Lgbpn, folders: tuple[Path, Path]
) -> None:
    found = answer(lgbpn, *folders, "--denoised", folders[0])
    assert labels(found) == ["noisy", "noisy (2)"]
    assert found["noisy"] == found["denoised"]


def test_a_baseline_stands_beside_the_model(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "--baseline", "nlm")
    assert (labels(found)[2], found["methods"][2]["settings"][:10]) == ("nlm", "patch 5 px")


def test_every_ssim_convention_is_named(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    result = lgbpn("eval", *folders, "--ssim", "skimage7,wang11", "--ssim", "matlab3d")
    assert [name in result.stderr for name in ("SSIM skimage7", "SSIM wang11", "SSIM matlab3d")] == [True] * 3


def test_float_measures_between_the_levels(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    options = ["--strength", "0.003"]
    assert (
        answer(lgbpn, *folders, *options, "--float")["denoised"]
        != answer(lgbpn, *folders, *options)["denoised"]
    )


def test_the_table_names_the_worst_photo(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    result = lgbpn("eval", *folders)
    (row,) = [line for line in result.stderr.splitlines() if line.startswith("fake teacher auto")]
    assert "(c)" in row
    assert result.stdout == ""


def test_what_is_left_out_is_named_and_the_rest_measured(
    lgbpn: Lgbpn, folders: tuple[Path, Path], make_photo: MakePhoto, tmp_path: Path
) -> None:
    noisy, clean = folders
    make_photo("noisy/alone.png")
    make_photo("noisy/size.png", (9, 9))
    make_photo("clean/size.png", (9, 10))
    (noisy / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    make_photo("clean/damaged.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(noisy / "depth.png")
    Image.fromarray(np.zeros((8, 8), np.uint16)).save(clean / "depth.png")
    result = lgbpn("eval", noisy, clean, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert found["photos"] == 3
    assert "4 left out" in result.stderr
    for name in ("alone.png", "size.png", "damaged.png", "depth.png"):
        assert sum(name in problem for problem in found["problems"]) == 1
        assert name in result.stderr


def test_a_missing_result_is_named(lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path) -> None:
    save_pixels(tmp_path / "tool" / "a.png", pixels_of(folders[1] / "a.png"))
    result = lgbpn("eval", *folders, "--denoised", tmp_path / "tool", "--json")
    assert result.exit_code == 1
    assert [method["photos"] for method in json.loads(result.stdout)["methods"]] == [3, 1]


def test_many_photos_without_a_partner_are_counted_and_all_of_them_are_in_the_json(
    lgbpn: Lgbpn, folders: tuple[Path, Path], make_photo: MakePhoto
) -> None:
    for number in range(9):
        make_photo(f"noisy/alone{number}.png", PAIR_SIZE)
    result = lgbpn("eval", *folders, "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["problems"]) == 9
    assert "9 left out" in result.stderr
    assert "alone2.png, and 6 more" in result.stderr
    assert "alone3.png" not in result.stderr


def test_only_and_exclude_choose_photos(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "--only", "a", "--only", "[bc]", "--exclude", "b")
    assert [score["photo"] for score in found["methods"][1]["files"]] == ["a", "c"]
    assert "--only a --only '[bc]' --exclude b" in found["command"]


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_quality_can_be_measured(quality: str, lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "--quality", quality)
    assert found["methods"][1]["quality"] == quality


def test_presets_are_for_the_qualities_that_have_some(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    options = ["--quality", "fast", "--quality", "teacher", "--preset", "sidd", "--preset", "dnd"]
    assert labels(answer(lgbpn, *folders, *options))[1:] == [
        "fake fast",
        "fake teacher sidd",
        "fake teacher dnd",
    ]
    result = lgbpn("eval", *folders, "--quality", "fast", "--preset", "sidd")
    assert result.exit_code == 2
    assert "--preset" in result.stderr


def test_what_is_measured_is_what_denoise_writes(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    options = ["--quality", "fast", "--strength", "0.6", "--seed", "3"]
    lgbpn("denoise", folders[0], "-o", tmp_path / "results", *options)
    found = answer(lgbpn, *folders, *options, "-m", "fake", "--denoised", tmp_path / "results")
    first, second = (
        [{**score, "seconds": 0} for score in method["files"]] for method in found["methods"][1:]
    )
    assert first == second


def test_results_in_a_folder_with_a_dot_keep_their_name(
    lgbpn: Lgbpn, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "results 0.5").symlink_to(folders[1])
    assert labels(answer(lgbpn, *folders, "--denoised", tmp_path / "results 0.5"))[1:] == ["results 0.5"]


def _break_the_network(
    number: int, fake_rooms: dict[str, ModuleType], give: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Let the network's answer to the photo of this number, from 1 on, be another."""
    room: Any = fake_rooms["lgbpn_cli.inference.run"]
    real, calls = room.run_network, count(1)

    def run_network(image: np.ndarray, *arguments: Any, into: Any, **options: Any) -> np.ndarray:
        if next(calls) != number:
            return real(image, *arguments, into=into, **options)
        into[:, :] = given = give(image)
        return given

    room.run_network = run_network


def test_an_error_inside_the_network_costs_one_result(
    lgbpn: Lgbpn, folders: tuple[Path, Path], fake_rooms: dict[str, ModuleType]
) -> None:
    def fail(image: np.ndarray) -> np.ndarray:
        raise RuntimeError("the tensors disagree")

    _break_the_network(2, fake_rooms, fail)
    result = lgbpn("eval", *folders, "--baseline", "nlm", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1
    assert [method["photos"] for method in found["methods"]] == [3, 2, 3]
    (problem,) = found["problems"]
    assert problem.startswith(
        f"fake teacher auto: {folders[0] / 'b.png'}: unexpected RuntimeError: the tensors"
    )
    assert "Traceback" not in result.stderr


def test_values_that_are_no_numbers_are_no_result(
    lgbpn: Lgbpn, folders: tuple[Path, Path], fake_rooms: dict[str, ModuleType]
) -> None:
    _break_the_network(2, fake_rooms, lambda image: np.full(image.shape, np.nan, np.float32))
    result = lgbpn("eval", *folders, "--json")
    assert result.exit_code == 1
    assert "not numbers" in json.loads(result.stdout)["problems"][0]
    assert json.loads(result.stdout)["methods"][1]["photos"] == 2


def test_names_may_differ_by_a_pattern(lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path) -> None:
    make_photo("a_noisy.png", PAIR_SIZE)
    make_photo("a_clean.png", PAIR_SIZE)
    assert answer(lgbpn, tmp_path, tmp_path, "--pair-pattern", "{}_noisy={}_clean")["photos"] == 1


def test_live_attention_reaches_the_network(
    lgbpn: Lgbpn, folders: tuple[Path, Path], fake_rooms: dict[str, ModuleType]
) -> None:
    seen = []
    room: Any = fake_rooms["lgbpn_cli.inference.run"]
    real = room.run_network

    def run_network(image: Any, model: Any, config: InferenceConfig, **options: Any) -> Any:
        seen.append(config.attention)
        return real(image, model, config, **options)

    room.run_network = run_network
    answer(lgbpn, *folders)
    assert set(seen) == {"frozen"}
    seen.clear()
    answer(lgbpn, *folders, "--attention", "live")
    assert set(seen) == {"live"}
    assert lgbpn("eval", *folders, "--attention", "dead").exit_code == 2


def test_the_seed_is_that_of_the_model_and_of_the_intervals(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    found = answer(lgbpn, *folders, "--seed", "7")
    assert found["methods"][1]["seed"] == 7
    assert found["protocol"]["interval"].endswith("seed 7")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ([], "--no-reference"),
        (["REFERENCE", "--no-reference"], "--no-reference"),
        (["REFERENCE", "--ssim", "ssim"], "--ssim"),
        (["REFERENCE", "--baseline", "median"], "--baseline"),
        (["REFERENCE", "--quality", "superb"], "--quality"),
        (["REFERENCE", "--pair-pattern", "{}_noisy"], "--pair-pattern"),
        (["REFERENCE", "--csv", "figures.txt"], "--csv"),
        (["REFERENCE", "--html", "report"], "--html"),
        (["REFERENCE", "--report-size", "0"], "--report-size"),
        (["REFERENCE", "--device", "mps"], "--device"),
        (["REFERENCE", "-m", "unknown"], "unknown"),
    ],
)
def test_a_wrong_call_is_explained(
    options: list[str], named: str, lgbpn: Lgbpn, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    noisy, clean = folders
    result = lgbpn("eval", noisy, *(clean if option == "REFERENCE" else option for option in options))
    assert result.exit_code == 2
    assert named in result.stderr


def test_ctrl_c_ends_with_exit_code_130(
    lgbpn: Lgbpn, folders: tuple[Path, Path], fake_rooms: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["lgbpn_cli.inference.run"], "run_network", stopped)
    assert lgbpn("eval", *folders).exit_code == 130


def test_ctrl_c_keeps_the_photos_that_are_measured(
    lgbpn: Lgbpn, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The second photo's second method is interrupted: its first one is left out, too."""
    denoise = sys.modules["lgbpn_cli.inference.run"]
    real, calls = denoise.run_network, []

    def stopped_at_the_fourth(*arguments: object, **options: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(*arguments, **options)

    monkeypatch.setattr(denoise, "run_network", stopped_at_the_fourth)
    report = tmp_path / "figures.csv"
    result = lgbpn("eval", *folders, "-m", "fake", "-m", "other", "--json", "--csv", report)
    assert result.exit_code == 130
    document = json.loads(result.stdout)
    assert document["photos"] == 1
    rows = [line for line in report.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(rows) == 1 + 3
    assert document["problems"] == [f"stopped: 1 of {len(list(folders[0].iterdir()))} photos are measured"]
    assert "stopped: 1 of " in result.stderr


def test_a_burst_has_no_reference_to_leave_out(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    result = lgbpn("eval", folders[0], "--burst", "--no-reference")
    assert result.exit_code == 2
    assert "--burst: cannot be combined with --no-reference" in result.stderr


def test_a_burst_of_other_photos_is_refused(lgbpn: Lgbpn, folders: tuple[Path, Path]) -> None:
    result = lgbpn("eval", folders[0], "--burst")
    assert result.exit_code == 2
    assert "not a camera raw file" in result.stderr
    assert "None" not in result.stderr

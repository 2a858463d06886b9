"""Fine-tuning on raw files: mosaics as their own targets, judged on those held out, kept only where better."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from raw_samples import GBRG, RGGB, mosaic_of, write_raw
from stopped_clock import Clock

from lgbpn_cli.cli.finetune import _say_outcome
from lgbpn_cli.config import RawConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.device import Device, Hardware, choose_device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import read_manifest
from lgbpn_cli.network.raw import RawNetwork
from lgbpn_cli.photos.shot import Shot
from lgbpn_cli.training import workshop
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.finetune import raw
from lgbpn_cli.training.finetune.folder import Call
from lgbpn_cli.training.finetune.mosaics import CROP_SITES, KeptMosaic, held_out_of, read_mosaics
from lgbpn_cli.training.finetune.photos import INDEX_NAME
from lgbpn_cli.training.finetune.raw_folder import _groups, finetune_raw_folder
from lgbpn_cli.training.finetune.recorrupted import ADDED, at_sites, blind, recorrupted
from lgbpn_cli.training.raw.sensor import mosaic_of as sites_of

SHOT_NOISE, READ_NOISE = 3e-3, 1e-5
LEVELS = np.tile(np.array([SHOT_NOISE, READ_NOISE], np.float32), (3, 1))
GAINS = np.array([2.0, 1.0, 1.5], np.float32)


@pytest.fixture
def cpu() -> Device:
    return choose_device("cpu", Hardware())


def scene(side: int, phase: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    waves = [0.15 + 0.1 * np.sin(rows / 19 + phase + k) * np.cos(columns / 23 - k) for k in range(3)]
    return np.stack(waves, axis=2).astype(np.float32)


def noisy(light: np.ndarray, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    noise = np.sqrt(SHOT_NOISE * light + READ_NOISE) * random.standard_normal(light.shape)
    return (light + noise).astype(np.float32)


def kept(number: int) -> KeptMosaic:
    crops = np.stack([noisy(sites_of(scene(CROP_SITES, number)), 10 * number + k) for k in range(3)])
    return KeptMosaic(Shot("Testmaker One", 6400), crops, LEVELS, GAINS)


def test_the_two_copies_have_independent_noise_round_the_scene() -> None:
    light = np.full((400, 400), 0.2, np.float32)
    planes = torch.from_numpy(noisy(light, 0)).reshape(1, 4, 200, 200)
    noise, gains = torch.from_numpy(LEVELS)[None], torch.from_numpy(GAINS)[None]
    lesson = recorrupted(planes, noise, gains, torch.Generator().manual_seed(0))
    seen, wanted = (each.flatten() - 0.2 for each in (lesson.seen, lesson.wanted))
    assert abs(float(torch.corrcoef(torch.stack([seen, wanted]))[0, 1])) < 0.01
    assert abs(float(wanted.mean())) < 5e-4
    told = float(lesson.noise[0, 1] @ torch.tensor([0.2, 1.0]))
    assert float(seen.var()) == pytest.approx(told, rel=0.03)
    assert told == pytest.approx((1 + ADDED**2) * (SHOT_NOISE * 0.2 + READ_NOISE))


def test_hidden_sites_are_not_seen_and_they_alone_count() -> None:
    planes = torch.rand(1, 4, 32, 32) * 0.5
    noise, gains = torch.from_numpy(LEVELS)[None], torch.from_numpy(GAINS)[None]
    lesson = blind(planes, noise, gains, place=3)
    hidden = lesson.counts > 0
    assert float(lesson.counts.mean()) == pytest.approx(1 / 16)
    assert (lesson.seen[~hidden] == planes[~hidden]).all()
    assert (lesson.seen[hidden] != planes[hidden]).all()


def test_sites_see_their_own_colour() -> None:
    light = torch.arange(3 * 4 * 4, dtype=torch.float32).reshape(1, 3, 4, 4)
    expected = sites_of(light[0].permute(1, 2, 0).numpy())
    sites = at_sites(light)[0]
    assert sites[0, 0, 0] == expected[0, 0]
    assert sites[1, 1, 0] == expected[2, 1]
    assert sites[2, 0, 1] == expected[1, 2]
    assert sites[3, 1, 1] == expected[3, 3]


def finetuned(
    mosaics: list[KeptMosaic], base: Model, config: FinetuneConfig, folder: Path, device: Device
) -> raw.RawReport:
    """Return the report of a run below `folder`, where its model is put, too."""
    return raw.finetune_raw(
        mosaics, base, config, run_folder=folder / "run", models_folder=folder, device=device, command="x"
    )


def test_a_network_that_learns_is_better_on_the_scene_and_is_kept(
    cpu: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(raw, "LEARNING_RATE", 4e-3)
    base = Model("weights-in-a-file", "", "sidd", RawNetwork(RawConfig(widths=(8, 12))).eval(), cpu)
    mosaics = [kept(number) for number in range(4)]
    config = FinetuneConfig("mine", steps=60, batch=2)
    report = finetuned(mosaics, base, config, tmp_path, cpu)
    assert report.verdict.accepted, report.verdict.words()
    assert not (tmp_path / "run").exists()
    entry = read_manifest(tmp_path)["mine"]
    assert set(entry.parts) == {"raw", "student"}
    assert entry.cameras == (("Testmaker One", 6400),)
    tuned = load_model(str(entry.part_path("raw")), device=cpu).network
    light = scene(CROP_SITES, 9.5)
    planes = torch.from_numpy(raw.packed(noisy(sites_of(light), 99)))[None]
    told = torch.from_numpy(LEVELS)[None], torch.from_numpy(GAINS)[None]
    with torch.no_grad():
        results = [net(planes, *told)[0].permute(1, 2, 0).numpy() for net in (base.network, tuned)]
    off = [float(np.square(each - light).mean()) for each in results]
    assert off[1] < 0.8 * off[0]


def test_steps_leave_the_time_that_judging_takes(
    cpu: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, two_errors, loss = Clock(monkeypatch), raw._two_errors, raw.MosaicTrainer.loss

    def judged(*arguments: Any) -> tuple[float, float]:
        clock.now += 0.5
        return two_errors(*arguments)

    def learned(self: raw.MosaicTrainer) -> torch.Tensor:
        clock.now += 1.0
        return loss(self)

    monkeypatch.setattr(raw, "_two_errors", judged)
    monkeypatch.setattr(raw.MosaicTrainer, "loss", learned)
    base = Model("lgbpn-base", "", "sidd", RawNetwork(RawConfig(widths=(4, 6))).eval(), cpu)
    config = FinetuneConfig("mine", batch=1, time_limit_s=20.0)
    report = finetuned([kept(1), kept(2)], base, config, tmp_path, cpu)
    assert report.steps > 3
    assert 15 <= clock.now <= 20
    clock.now = 0.0
    judged_in_time = raw.judge(base.network, base.network, [kept(2), kept(3)], cpu, 0, ends_at=3.5)  # type: ignore[arg-type]
    assert (judged_in_time.crops, clock.now) == (3, 3.0)


def test_what_is_no_better_is_not_kept(cpu: Device, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raw, "LEARNING_RATE", 0.5)
    base = Model("lgbpn-base", "", "sidd", RawNetwork(RawConfig(widths=(4, 6))).eval(), cpu)
    worse = RawNetwork(RawConfig(widths=(4, 6))).eval()
    torch.nn.init.normal_(worse.exit.weight, std=0.05)
    judged = [kept(1)]
    assert not raw.judge(base.network, base.network, judged, cpu, 0).accepted
    verdict = raw.judge(base.network, worse, judged, cpu, 0)
    assert not verdict.accepted
    assert "not kept" in verdict.words()
    config = FinetuneConfig("mine", steps=12, batch=1)
    report = finetuned([kept(1), kept(2)], base, config, tmp_path, cpu)
    assert report.entry is None
    assert read_manifest(tmp_path) == {}


def raw_folder(folder: Path, count: int, pattern: bytes = RGGB) -> list[Path]:
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    paths = []
    for number in range(count):
        samples = mosaic_of(scene(CROP_SITES + 30, number) * 2, pattern)
        samples = (samples + random.normal(scale=150, size=samples.shape)).clip(0, 16383).astype(np.uint16)
        paths.append(write_raw(folder / f"{number}.dng", samples, pattern=pattern))
    return paths


def test_mosaics_are_read_from_red_on_and_copies_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = raw_folder(tmp_path / "raws", 2, GBRG)
    copy = paths[0].with_name("copy.dng")
    copy.write_bytes(paths[0].read_bytes())
    broken = paths[0].with_name("broken.dng")
    broken.write_bytes(paths[0].read_bytes()[:2000])
    said: list[str] = []
    mosaics = read_mosaics([*paths, copy, broken], 0, said.append)
    assert len(mosaics) == 2
    assert any("1 given twice" in line for line in said)
    assert any("broken.dng" in line for line in said)
    red, blue = (np.mean([each.crops[:, k::2, k::2].mean() for each in mosaics]) for k in (0, 1))
    assert red == pytest.approx(0.15, rel=0.25)  # light of 0.3, which red sees half of, blue two thirds
    assert blue > 1.1 * red
    learned, judged = held_out_of(mosaics, 0)
    assert (len(learned), len(judged)) == (1, 1)
    clock = Clock(monkeypatch)
    clock.now = 9.0  # too late from the beginning: the two that there must be are read, and no third
    assert len(read_mosaics([*paths, *raw_folder(tmp_path / "more", 3)], 0, said.append, ends_at=8.0)) == 2
    assert said[-1].endswith(
        "more raw files were not looked at: reading them would take too much of the time"
    )


@pytest.mark.parametrize("wrong", ["resume", "scratch", "one", "dark", "twice"])
def test_what_cannot_work_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    raw_folder(tmp_path / "raws", 1 if wrong == "one" else 2)
    base = "scratch" if wrong == "scratch" else None
    expected = {
        "resume": "raw files takes only minutes",
        "scratch": "network for camera raw",
        "one": "at least two are needed",
        "dark": "known without frames",
        "twice": "another process is making a model of this name",
    }
    lock = workshop.finetune_run_folder("mine").parent / ".mine.lock"
    lock.parent.mkdir(parents=True)
    other_run = FileLock(lock) if wrong == "twice" else nullcontext()
    with other_run, pytest.raises(UsageError, match=expected[wrong]):
        workshop.finetune(
            tmp_path / "raws",
            FinetuneConfig("mine", base=base, steps=1, dark="." if wrong == "dark" else None),
            command="x",
            device="cpu",
            resume=wrong == "resume",
        )


def test_a_run_on_raw_files_without_a_bayer_mosaic_goes_on_where_it_was(tmp_path: Path, cpu: Device) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / INDEX_NAME).touch()
    call = Call(run_folder=tmp_path / "run", models_folder=tmp_path, device=cpu, command="x", resume=True)
    assert finetune_raw_folder(tmp_path, [tmp_path / "a.raf"], FinetuneConfig("mine"), call) is None


def test_a_camera_with_one_raw_file_is_told_of() -> None:
    alone = replace(kept(2), shot=Shot("Testmaker One", 800))
    notes: list[str] = []
    config = FinetuneConfig("mine", per_camera=True)
    groups = _groups(Path("raws"), [kept(0), kept(1), alone], config, notes.append)
    assert [len(group) for group in groups.values()] == [2]
    assert len(notes) == 1
    assert "iso800" in notes[0]
    assert "one raw file of its camera and ISO, and at least two" in notes[0]


def test_it_is_said_that_no_model_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = raw.RawVerdict(1.01, 1.01, 0.0, 0.01, 0.0, 0.01, 12)
    report = raw.RawReport(None, verdict, 100)
    assert _say_outcome("mine", report, "2 min", "the model that ships", "") == 0
    said = capsys.readouterr().err
    assert "mine: no model is made and nothing has changed; the model that ships stays the best" in said


@pytest.mark.parametrize(
    ("gain", "uncertainty", "accepted"), [(0.01, 1e-3, True), (0.01, 0.01, False), (1e-4, 1e-6, False)]
)
def test_a_gain_is_certain_and_worth_having(gain: float, uncertainty: float, accepted: bool) -> None:
    assert raw.RawVerdict(1.01, 1.01 - gain, gain, uncertainty, 0.0, 0.01, 12).accepted == accepted

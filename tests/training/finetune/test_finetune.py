"""Fine-tuning a tiny network on photos with noise made from a seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image
from stopped_clock import Clock
from tiny_training import FINETUNE_STEPS, NETWORK, noisy_photo, save_noisy_photo

from lgbpn_cli.config import NetworkConfig
from lgbpn_cli.errors import TrainingError, UsageError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.manifest import read_manifest
from lgbpn_cli.training.config import FinetuneConfig, TrainingConfig
from lgbpn_cli.training.engine.distributed import ProcessGroup
from lgbpn_cli.training.finetune import run as finetune_module
from lgbpn_cli.training.finetune import teacher as teacher_module
from lgbpn_cli.training.finetune.folder import BEGINNING_NAME, Call, Listener, finetune_folder
from lgbpn_cli.training.finetune.teacher import CHECKPOINT_NAME, FinetuneTrainer
from lgbpn_cli.training.finetune.teacher_verdict import TeacherVerdict
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource


@pytest.fixture
def every_teacher_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was learned in a few steps counts as better."""
    monkeypatch.setattr(TeacherVerdict, "accepted", True)


@pytest.mark.usefixtures("every_teacher_accepted")
def test_a_better_network_becomes_a_model_with_a_card(run: Any, tmp_path: Path) -> None:
    report = run()["mine"]
    assert report.verdict.new.loss_8bit < report.verdict.base.loss_8bit
    entry = read_manifest(tmp_path / "models")["mine"]
    card = (tmp_path / "models" / entry.card).read_text("utf-8")
    assert "3 noisy photos, 1 of them held out" in card
    assert ".png" not in card
    assert not (tmp_path / "run").exists()


def test_a_network_that_is_no_better_leaves_everything_as_it_was(run: Any, tmp_path: Path) -> None:
    report = run(learning_rate=1e-12)["mine"]
    assert report.entry is None
    assert read_manifest(tmp_path / "models") == {}


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    loaded: dict[str, torch.Tensor] = torch.load(folder / CHECKPOINT_NAME, weights_only=True)["weights"]
    return loaded


def test_an_interrupted_run_goes_on_to_the_same_weights(run: Any, tmp_path: Path) -> None:
    ends = []

    def keep_the_end(progress: Any) -> None:
        if progress.step == FINETUNE_STEPS:
            ends.append(weights_of(tmp_path / "run"))

    def stop_at_seven(progress: Any) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    run(listener=Listener(step=keep_the_end))
    assert run(listener=Listener(step=stop_at_seven), overwrite=True)["mine"].interrupted
    run(resume=True, listener=Listener(step=keep_the_end))
    whole, resumed = ends
    assert all(torch.equal(resumed[name], value) for name, value in whole.items())


@pytest.mark.usefixtures("every_teacher_accepted")
def test_ctrl_c_keeps_the_best_state_so_far(run: Any, tmp_path: Path) -> None:

    def stop_at_seven(progress: Any) -> None:
        if progress.step == 7:
            raise KeyboardInterrupt

    report = run(listener=Listener(step=stop_at_seven))["mine"]
    assert (report.interrupted, report.steps) == (True, 5)
    assert "mine" in read_manifest(tmp_path / "models")


def stop(progress: Any) -> None:
    raise KeyboardInterrupt


def test_resuming_with_other_options_is_refused(run: Any) -> None:
    run(listener=Listener(step=stop))
    with pytest.raises(UsageError, match="other options"):
        run(resume=True, learning_rate=1e-5)


def test_resuming_with_another_folder_is_refused_naming_the_first(run: Any, folder: Path) -> None:
    run(listener=Listener(step=stop))
    with pytest.raises(UsageError, match=f"'mine' began with the photos in {folder}"):
        run(resume=True, photos=folder.parent)
    folder.rename(folder.parent / "moved")  # their tiles were kept
    assert not run(resume=True, photos=folder / ".." / folder.name)["mine"].interrupted


def test_resuming_without_per_camera_leaves_the_unfinished_runs_alone(run: Any, tmp_path: Path) -> None:
    run(listener=Listener(step=stop), per_camera=True)
    before = {path for path in (tmp_path / "run").rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="'mine' began with it"):
        run(resume=True)
    assert {path for path in (tmp_path / "run").rglob("*") if path.is_file()} == before


def test_a_run_goes_on_with_the_time_limit_of_its_beginning(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = []

    def remember(*arguments: Any, **options: Any) -> Any:
        limits.append(arguments[3].time_limit_s)
        return finetune_module.finetune(*arguments, **options)

    run(listener=Listener(step=stop), time_limit_s=7200)
    monkeypatch.setattr("lgbpn_cli.training.finetune.folder.finetune", remember)
    run(listener=Listener(step=stop), resume=True)
    assert 7000 < limits[0] <= 7200


def test_the_time_ends_a_run_whatever_its_steps(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    one_step = FinetuneTrainer.loss

    def loss(self: FinetuneTrainer) -> torch.Tensor:
        clock.now += 5.0
        return one_step(self)

    monkeypatch.setattr(FinetuneTrainer, "loss", loss)
    steps: list[int] = []

    def note_step(progress: Any) -> None:
        steps.append(progress.step)
        if len(steps) > 2:
            clock.now += 20.0  # something else keeps the machine busy

    run(steps=None, time_limit_s=300.0, started=0.0, listener=Listener(step=note_step))
    # The rest is the student's, which this base has not; a step that has begun is ended.
    assert 0.25 * 300 < clock.now < 0.35 * 300 + 5 + 25
    assert len(steps) < 10


def test_cameras_share_the_time_that_is_left(run: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in (10, 11):
        save_noisy_photo(folder / f"{seed}.png", seed, camera="Canon EOS 5D", iso=3200)
    clock, limits = Clock(monkeypatch), []

    def quick(*arguments: Any, **options: Any) -> Any:
        limits.append(arguments[3].time_limit_s)
        clock.now += 10.0
        return finetune_module.Report(None, None, 0)

    monkeypatch.setattr("lgbpn_cli.training.finetune.folder.finetune", quick)
    run(per_camera=True, time_limit_s=100.0, started=0.0)
    assert limits == [50.0, 90.0]


def test_a_run_of_an_older_version_goes_on(run: Any, folder: Path, tmp_path: Path) -> None:
    run(listener=Listener(step=stop))
    (tmp_path / "run" / BEGINNING_NAME).unlink()
    assert not run(resume=True, photos=folder.parent)["mine"].interrupted


def test_a_damaged_beginning_is_named(run: Any, tmp_path: Path) -> None:
    run(listener=Listener(step=stop))
    (tmp_path / "run" / BEGINNING_NAME).write_text("[")
    with pytest.raises(TrainingError, match="the notes on how the run began are damaged"):
        run(resume=True)


@pytest.mark.usefixtures("every_teacher_accepted")
def test_the_folder_of_the_photos_is_kept_in_no_model(run: Any, folder: Path, tmp_path: Path) -> None:
    run()
    written = [path for path in (tmp_path / "models").iterdir() if path.is_file()]
    assert written
    assert not any(str(folder).encode() in path.read_bytes() for path in written)


@pytest.mark.usefixtures("every_teacher_accepted")
def test_a_loss_that_is_no_number_ends_the_run_with_the_best_state(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FinetuneTrainer.loss

    def loss(self: FinetuneTrainer) -> torch.Tensor:
        return real(self) * (float("nan") if self.step == 7 else 1.0)

    monkeypatch.setattr(FinetuneTrainer, "loss", loss)
    report = run()["mine"]
    assert "the loss became nan" in report.trouble
    assert report.steps == 5
    kept = weights_of(tmp_path / "run")
    assert all(bool(value.isfinite().all()) for value in kept.values())


@pytest.mark.usefixtures("every_teacher_accepted")
def test_names_that_are_taken_are_refused(run: Any) -> None:
    run()
    with pytest.raises(UsageError, match="already"):
        run()
    with pytest.raises(UsageError, match="no unfinished run"):
        run(resume=True)
    run(overwrite=True)


@pytest.mark.usefixtures("every_teacher_accepted")
def test_each_camera_becomes_a_model(run: Any, folder: Path, tmp_path: Path) -> None:
    for seed in (10, 11):
        save_noisy_photo(folder / f"{seed}.png", seed, camera="Canon EOS 5D", iso=3200)
    save_noisy_photo(folder / "12.png", 12, camera="Canon EOS 5D", iso=100)
    notes: list[str] = []
    reports = run(per_camera=True, listener=Listener(note=notes.append))
    assert sorted(reports) == ["mine-canon-eos-5d-iso3200", "mine-unknown"]
    assert read_manifest(tmp_path / "models")["mine-canon-eos-5d-iso3200"].cameras == (
        ("Canon EOS 5D", 3200),
    )
    assert "left out: Canon EOS 5D, ISO 100: a single photo" in notes


def test_the_preview_shows_noisy_before_and_now(run: Any, tmp_path: Path) -> None:
    seen = []

    def note(text: str) -> None:
        if text.startswith("preview"):
            with Image.open(tmp_path / "run" / "preview.png") as picture:
                seen.append(picture.size)

    run(listener=Listener(note=note))
    assert seen == [(3 * 200, 170)]


@pytest.mark.parametrize("case", ["one", "ten the same", "clean", "none"])
def test_too_few_photos_are_refused_before_anything_is_done(
    case: str, tiny_base: Path, tmp_path: Path, cpu: Device
) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    if case in ("one", "ten the same"):
        for number in range(1 if case == "one" else 10):
            save_noisy_photo(folder / f"{number}.png", 1)
    if case == "clean":
        for number in range(3):
            Image.fromarray(np.full((200, 200, 3), 90 + number, np.uint8)).save(folder / f"{number}.png")
    with pytest.raises(UsageError, match="at least two are needed"):
        finetune_folder(
            folder,
            FinetuneConfig("mine", base=str(tiny_base)),
            Call(run_folder=tmp_path / "run", models_folder=tmp_path / "models", device=cpu, command=""),
        )
    assert not (tmp_path / "run").exists()


def test_a_run_that_was_killed_before_judging_judges_its_state_first(run: Any, tmp_path: Path) -> None:
    def stop_at_five(progress: Any) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    run(listener=Listener(step=stop_at_five))
    (tmp_path / "run" / "best.pt").unlink()  # as if killed right after the checkpoint
    notes: list[str] = []
    run(resume=True, listener=Listener(note=notes.append))
    assert any(text.startswith("step 5: loss on photos held out") for text in notes)


def test_a_full_disk_is_named_and_an_older_checkpoint_stands(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def sync_until_full(descriptor: int) -> None:
        synced.append(descriptor)
        if len(synced) > 1:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("lgbpn_cli.training.engine.checkpoint.os", SimpleNamespace(fsync=sync_until_full))
    monkeypatch.setattr(teacher_module, "blind_losses", lambda *_: (255.0,))  # nothing becomes the best
    with pytest.raises(TrainingError, match="No space left"):
        run()
    assert weights_of(tmp_path / "run")


@pytest.mark.parametrize("written", ["write_index", "write_teacher", "learn_teacher"])
@pytest.mark.usefixtures("every_teacher_accepted")
def test_a_full_disk_anywhere_else_is_named_too(
    written: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device", "there.npz")

    module = "folder" if written == "write_index" else "run"
    with monkeypatch.context() as patch:
        patch.setattr(f"lgbpn_cli.training.finetune.{module}.{written}", full)
        with pytest.raises(TrainingError, match=r"there\.npz: cannot be written \(No space left"):
            run()
    assert run(resume=written != "write_index")["mine"].entry is not None


SHARED_RUN = """
import sys, json, torch
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from test_finetune import losses_of_a_shared_run
from lgbpn_cli.training.engine.distributed import joined_group
torch.set_num_threads(1)
with joined_group(4) as group:
    losses = losses_of_a_shared_run(group)
    if group.leads:
        Path(sys.argv[2]).write_text(json.dumps(losses))
"""


def losses_of_a_shared_run(group: ProcessGroup) -> list[float]:
    from lgbpn_cli.machine.device import Hardware, choose_device

    source = NoisySource("waves", tuple(noisy_photo(90, 110, seed) for seed in range(3)), 1.0)
    sampler = CropSampler([source], batch=4, crop_px=40, seed=0)
    config = TrainingConfig(steps=5, batch=4, crop_px=40, warmup_steps=1, learning_rate=3e-3)
    network: NetworkConfig = NETWORK
    trainer = FinetuneTrainer(None, network, config, sampler, choose_device("cpu", Hardware()), group)
    return [trainer._train_step() for _ in range(5)]


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    script, result = tmp_path / "shared.py", tmp_path / "losses.json"
    script.write_text(SHARED_RUN)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [*command, str(script), str(Path(__file__).parent), str(result)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(result.read_text()) == pytest.approx(losses_of_a_shared_run(ProcessGroup()), rel=1e-4)


def test_a_name_is_one_run_s_at_a_time(run: Any, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".run.lock"),
        pytest.raises(UsageError, match="another process is making a model of this name"),
    ):
        run()
    assert not (tmp_path / "models").exists()

"""`-m auto`: each photo by the user's model for its camera; and where the work is done when a GPU gives up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from reference.devices import CpuAsGpu
from reference.networks import TINY

from lgbpn_cli.app import denoise_folder
from lgbpn_cli.batch.order import Order
from lgbpn_cli.batch.outcome import Job, Listener, Outcome, Status
from lgbpn_cli.batch.pipeline import Steps, run_jobs
from lgbpn_cli.config import InferenceConfig, OutputConfig, StudentConfig
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256, user_folder
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.network.student import Student
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record

CAMERA, ISO = "Canon EOS 5D", 3200
NETWORK = replace(TINY, value_range=1.0)


class Heard(Listener):
    """Keeps what became of the photos."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


@pytest.fixture
def my_camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """The user's model for a camera, with a teacher and a student."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = user_folder()
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    shape = StudentConfig(widths=(4, 8))
    write_weights(folder / "teacher.safetensors", LGBPN(NETWORK).state_dict(), NETWORK, "sidd")
    write_weights(folder / "student.safetensors", Student(shape).state_dict(), shape, "sidd")
    parts = {
        kind: ModelPart(f"{kind}.safetensors", file_sha256(folder / f"{kind}.safetensors"))
        for kind in ("teacher", "student")
    }
    entry = ModelEntry("mine", "sidd", parts, cameras=((CAMERA, ISO),), folder=folder)
    add_entry(entry)
    return entry


@pytest.mark.parametrize(
    ("preset", "part"), [("dnd", "teacher"), (None, "student")], ids=["with a preset", "without"]
)
def test_a_preset_holds_for_the_models_of_cameras_too(
    my_camera: ModelEntry, tmp_path: Path, preset: Any, part: str
) -> None:
    photo = tmp_path / "a.png"
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", CAMERA
    exif.get_ifd(0x8769)[34855] = ISO
    Image.effect_noise((96, 96), 30).convert("RGB").save(photo, exif=exif)
    output, heard = OutputConfig(output=str(tmp_path / "out")), Heard()
    denoise_folder([photo], Order(output, InferenceConfig(preset=preset), "auto", "cpu"), heard)
    assert [each.status for each in heard.outcomes] == [Status.DONE], heard.outcomes
    record = read_record(tmp_path / "out/a.png")
    assert record is not None
    settings = json.loads(record.settings)
    assert (record.model, settings["part"]) == ("mine", part)
    assert settings.get("preset") == preset


class NoMemoryGpu(CpuAsGpu):
    """A GPU without any room."""

    def upload(self, pixels: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")


def test_the_device_that_is_told_is_the_one_that_did_the_photo(tmp_path: Path) -> None:
    gpu = NoMemoryGpu("cuda:0", "Small GPU (cuda:0)", False, automatic=True)
    torch.manual_seed(0)
    model = Model("student", "0" * 64, "sidd", Student(StudentConfig(widths=(4, 4))).eval(), gpu)
    denoiser = Denoiser(model, InferenceConfig(quality="fast", strength=1.0))
    jobs = []
    for name in ("a.png", "b.png"):
        Image.effect_noise((64, 48), 40).convert("RGB").save(tmp_path / name)
        jobs.append(Job(tmp_path / name, tmp_path / f"result_{name}"))
    steps = Steps(
        read=read_photo, run=lambda photo, _: denoiser.denoise(photo), write=lambda denoised, target: None
    )
    heard = Heard()
    run_jobs(jobs, steps, heard)
    assert [each.device for each in heard.outcomes] == ["cpu", "cpu"]
    assert model.device.name == "cpu"

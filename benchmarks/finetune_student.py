"""What the student of `lgbpn finetune` should learn from: its own results, or also the teacher's; in how many rounds.

    python benchmarks/finetune_student.py [--camera A --camera B --camera C] [--steps 300] [--teacher-steps 300]

Photos of low noise, kept out of training, get the noise of a simulated camera and become JPEGs. A teacher is fine-tuned
on these twelve, as `lgbpn finetune` does; then the shipped student learns from targets that are results of its own,
or three tenths the new teacher's, and in a second round from the results of what it became. PSNR in dB against the
photos without that noise: of the targets, of the student (mean, and the worst photo).
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from detail import low_noise_photos
from measure_presets import psnr_8bit
from PIL import Image

from lgbpn_cli.device import Device, choose_device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.config import FinetuneConfig, TrainingConfig
from lgbpn_cli.training.engine.distributed import ProcessGroup
from lgbpn_cli.training.finetune.student import ROUNDS, SOURCE, student_trainer
from lgbpn_cli.training.finetune.teacher import FinetuneTrainer
from lgbpn_cli.training.noise.camera import NoiseRanges, draw_camera, photograph, through_jpeg
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource
from lgbpn_cli.training.student.distil import Earlier, clean_photos
from lgbpn_cli.training.student.pairs import CleanedPhotos

CAMERAS = {"A": (1, 2e-3, 92), "B": (2, 8e-3, 95), "C": (3, 4e-3, 85)}
"""Seed, variance of the shot noise at full scale, JPEG quality."""
PHOTOS = 12
PHOTO_PX = 384
TEACHER_SHARE = 0.3

Pair = tuple[np.ndarray, np.ndarray]
"""A noisy photo, (h, w, 3) uint8, and the same without noise, 0..1."""


def photographed(seed: int, shot: float, jpeg_quality: int) -> list[Pair]:
    """Return what a camera makes of crops of the photos, reduced."""
    random = np.random.default_rng(seed)
    camera = draw_camera(random, NoiseRanges(shot=(shot, 1.01 * shot), jpeg_share=0))
    pairs = []
    paths = low_noise_photos()
    for number in range(PHOTOS):
        with Image.open(paths[number % len(paths)]) as opened:
            picture = np.asarray(opened.convert("RGB").reduce(2 + number % 3))
        side = min(PHOTO_PX, *picture.shape[:2])
        top, left = (int(random.integers(length - side + 1)) for length in picture.shape[:2])
        clean = picture[top : top + side, left : left + side].astype(np.float32) / 255
        noisy = np.rint(photograph(clean, camera, random).clip(0, 1) * 255).astype(np.uint8)
        pairs.append((through_jpeg(noisy, jpeg_quality, 2), clean))
    return pairs


def fine_tuned(photos: list[np.ndarray], steps: int, device: Device) -> Model:
    """Return the shipped teacher after so many steps on the photos, with the defaults of `lgbpn finetune`."""
    base = load_model(DEFAULT_MODEL, part="teacher", device=device)
    usual = FinetuneConfig("measured")
    config = TrainingConfig(
        steps=steps,
        batch=usual.batch,
        crop_px=usual.crop_px,
        learning_rate=usual.learning_rate,
        ema_decay=0.99,
        warmup_steps=steps // 10,
    )
    sampler = CropSampler(
        [NoisySource("photos", tuple(photos), 1.0)], batch=usual.batch, crop_px=usual.crop_px, seed=0
    )
    state = {name: value.clone() for name, value in base.network.state_dict().items()}
    trainer = FinetuneTrainer(state, base.network.config, config, sampler, device, ProcessGroup())  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        trainer.network.load_state_dict(trainer.run(Path(folder) / "teacher.pt"))
    return replace(base, network=trainer.network.eval(), sha256="fine-tuned")


def cleaned_by(
    photos: list[np.ndarray], teacher: Model, student: Model, teacher_share: float
) -> CleanedPhotos:
    with tempfile.TemporaryDirectory() as folder:
        return clean_photos(
            photos, SOURCE, teacher, Path(folder), earlier=Earlier(student, 1 - teacher_share)
        )


def taught(student: Model, cleaned: CleanedPhotos, steps: int, device: Device) -> Model:
    """Return what becomes of the student in so many steps."""
    trainer = student_trainer(student, cleaned, steps, device)
    new = Student(student.network.config).eval()  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        new.load_state_dict(trainer.run(Path(folder) / "student.pt"))
    return replace(student, network=new, sha256="taught")


@torch.inference_mode()
def psnrs(student: Model, pairs: list[Pair]) -> list[float]:
    """Return the PSNR of each photo in one pass."""
    found = []
    for noisy, clean in pairs:
        image = torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255
        with student.device.autocast():
            result = student.network(image).float()
        found.append(psnr_8bit(result[0].permute(1, 2, 0).numpy(), clean))
    return found


def main() -> None:
    """Print a row for each camera and target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--camera", action="append", choices=CAMERAS)
    parser.add_argument("--steps", type=int, default=300, help="of the student in each round")
    parser.add_argument("--teacher-steps", type=int, default=300)
    arguments = parser.parse_args()
    device = choose_device("cpu")
    print(
        "| camera | targets | round | PSNR of the targets | of the student | worst |\n|---|---|---|---|---|---|"
    )
    for camera in arguments.camera or CAMERAS:
        pairs = photographed(*CAMERAS[camera])
        photos = [noisy for noisy, _ in pairs]
        shipped = load_model(DEFAULT_MODEL, part="student", device=device)
        before = psnrs(shipped, pairs)
        print(f"| {camera} | - | 0 | - | {np.mean(before):.2f} | {min(before):.2f} |", flush=True)
        teacher = fine_tuned(photos, arguments.teacher_steps, device)
        for name, share in (("its own", 0.0), ("three tenths the teacher's", TEACHER_SHARE)):
            now = shipped
            for number in range(1, ROUNDS + 1):
                cleaned = cleaned_by(photos, teacher, now, share if number == 1 else 0.0)
                of_targets = [
                    psnr_8bit(target.astype(np.float32) / 255, clean)
                    for target, (_, clean) in zip(cleaned.targets, pairs, strict=True)
                ]
                now = taught(now, cleaned, arguments.steps, device)
                found = psnrs(now, pairs)
                print(
                    f"| {camera} | {name} | {number} | {np.mean(of_targets):.2f} | {np.mean(found):.2f} "
                    f"| {min(found):.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

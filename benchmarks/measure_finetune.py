"""What fine-tuning on the noisy halves of a set brings, measured with its references; the model is deleted after.

    python benchmarks/measure_finetune.py renoir-even --time-limit-minutes 20
    python benchmarks/measure_finetune.py polyu --photos 'Canon80D*' --time-limit-minutes 10
    python benchmarks/measure_finetune.py ring --time-limit-minutes 5

The set is found below LGBPN_DATA (default ../shared/data), or is taken with one of three made cameras, whose noise no
recipe draws: colours and spectra of their own. Their scenes are parts of photographs that no network was trained on; of
each photograph one part is learned from, and another, which fine-tuning never gets, is measured as well.

Fine-tuning runs as `lgbpn finetune` does, then `lgbpn eval` on the shipped and the new model: the fast students of
both, where there is a new one, on all photos, and the teachers, each at the strength the photo asks for and at full
strength, on those that --only names. The verdicts are printed above the change in dB, to show whether they were right:
a teacher that was not accepted is measured too.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sets import REAL_PAIRS, data_root, files_kept_out

from lgbpn_cli.config.file_names import NamePatterns
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.manifest import find_model
from lgbpn_cli.models.names import DEFAULT_MODEL
from lgbpn_cli.models.weight_file import read_weights, write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.config import FinetuneConfig
from lgbpn_cli.training.finetune.folder import Call, Listener, finetune_folder

NAME = "measured"
LEARNED_PX, UNSEEN_PX = 576, 192
DARKEST = 0.03

Amplitude = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Of cycles a pixel down and to the right."""


def ring(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-(((np.hypot(down, right) - 0.22) / 0.09) ** 2)) + 0.15)


def pink(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / np.sqrt(1 + (np.hypot(down, right) / 0.05) ** 2))


def white(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ones_like(down + right)


def streak(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.25 + np.exp(-((down / 0.1) ** 2)) * np.exp(-((right / 0.35) ** 2)))


def soft(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.exp(-2 * (np.pi * 0.9 * np.hypot(down, right)) ** 2) + 0.05)


def check(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = (np.abs(down) - 0.5) ** 2 + (np.abs(right) - 0.5) ** 2
    return np.asarray(0.35 + 0.9 * np.exp(-corner / 0.03) + 0.6 * np.exp(-(down**2 + right**2) / 0.02))


@dataclass(frozen=True)
class MadeCamera:
    """Noise of three components, each with a spectrum, mixed into the channels."""

    mix: tuple[tuple[float, float, float], ...]
    """Of each channel, how much of each component is in it."""
    spectra: tuple[Amplitude, Amplitude, Amplitude]
    level: float
    """In 8-bit levels, at middle brightness."""
    growth: float
    """Exponent of brightness."""
    jpeg_quality: int | None = None

    def photo(self, scene: NDArray[np.uint8], seed: list[int]) -> NDArray[np.uint8]:
        """Return a scene (h, w, 3) as this camera takes it."""
        random, mix = np.random.default_rng(seed), np.array(self.mix)
        height, width, _ = scene.shape
        down, right = np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None]
        components = []
        for spectrum in self.spectra:
            gain = spectrum(down, right)
            drawn = np.fft.fft2(random.standard_normal((height, width))) * gain / np.sqrt((gain**2).mean())
            components.append(np.fft.ifft2(drawn).real)
        noise = np.stack(components, axis=-1) @ (mix / np.sqrt((mix**2).sum() / 3)).T
        growth = ((scene / 255 + DARKEST) / (0.5 + DARKEST)) ** self.growth
        levels = np.clip(np.rint(scene + self.level * growth * noise), 0, 255).astype(np.uint8)
        if self.jpeg_quality is None:
            return levels
        file = io.BytesIO()
        Image.fromarray(levels).save(file, "JPEG", quality=self.jpeg_quality, subsampling=2)
        return np.asarray(Image.open(file))


CAMERAS = {
    "ring": MadeCamera(
        ((0.30, 0.62, 0.10), (0.55, -0.05, 0.25), (-0.2, 0.30, 0.45)), (ring, pink, white), 9, 0.3
    ),
    "streak": MadeCamera(
        ((0.8, 0.35, 0.0), (0.8, -0.25, 0.1), (0.75, 0.2, -0.4)), (streak, pink, soft), 12, -0.1, 90
    ),
    "check": MadeCamera(
        ((0.8, -0.45, 0.1), (0.12, 0.15, 0.2), (-0.3, 0.85, 0.1)), (check, ring, white), 7, 0.5
    ),
}


def write_photos(camera: MadeCamera, folder: Path) -> None:
    """Write `learned` and `unseen` below a folder, each with `noisy` photos and their `reference`."""
    for seed, path in enumerate(files_kept_out("photos")):
        picture = np.asarray(Image.open(path).convert("RGB"))
        random, middle = np.random.default_rng(seed), picture.shape[1] // 2
        for name, side, columns in (
            ("learned", LEARNED_PX, (0, middle)),
            ("unseen", UNSEEN_PX, (middle, 2 * middle)),
        ):
            top = int(random.integers(len(picture) - side))
            left = int(random.integers(columns[0], columns[1] - side))
            scene = picture[top : top + side, left : left + side]
            photo = camera.photo(scene, [seed, len(name)])
            for kind, pixels in (("noisy", photo), ("reference", scene)):
                (folder / name / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / name / kind / f"{seed:02}.png")


def finetuned(photos: Path, only: str, minutes: float, folder: Path) -> Path | None:
    """Return the weight file of the run's best state, accepted or not; None where no state was better."""
    run_folder, best = folder / "run", folder / "best.pt"

    def note(text: str) -> None:
        print(text, file=sys.stderr)
        if (run_folder / best.name).exists():  # the run removes it when it is finished
            shutil.copy(run_folder / best.name, best)

    began = time.monotonic()
    reports = finetune_folder(
        photos,
        FinetuneConfig(NAME, time_limit_s=60 * minutes, names=NamePatterns(only=(only,))),
        Call(
            run_folder=run_folder,
            models_folder=folder / "models",
            device=choose_device("auto"),
            command="benchmark",
            listener=Listener(note=note),
        ),
    )
    report = reports[NAME]
    print(f"took {time.monotonic() - began:.0f} s; student: {report.student_tried or 'not tried'}")
    for part, verdict in (("teacher", report.verdict), ("student", report.student_verdict)):
        print(f"{part}: no better state" if verdict is None else f"{part} {verdict.words()}", flush=True)
    if not best.exists():
        return None
    network, preset = read_weights(find_model(DEFAULT_MODEL).part_path("teacher"))
    weights = torch.load(best, weights_only=True)["weights"]
    config = network_as(network, LGBPN).config
    write_weights(folder / f"{NAME}.safetensors", weights, config, preset)
    return folder / f"{NAME}.safetensors"


def print_scores(photos: Path, models: tuple[object, ...], quality: str, strength: str, only: str) -> None:
    """Print the mean PSNR of each model over the photos that `only` names."""
    command = ["eval", photos / "noisy", photos / "reference", "--only", only, "--json"]
    command += ["--quality", quality, "--strength", strength]
    command += [part for model in models for part in ("-m", model)]
    done = subprocess.run(
        [sys.executable, "-m", "lgbpn_cli", *map(str, command)], stdout=subprocess.PIPE, text=True
    )
    before: list[float] = []
    for method in json.loads(done.stdout)["methods"]:
        scores = [score["psnr_db"] for score in method["files"]]
        before = before or scores
        gains = [after - first for after, first in zip(scores, before, strict=True)]
        print(
            f"{quality}, strength {strength}: {method['label']}: {fmean(scores):.2f} dB, worst photo "
            f"{min(scores):.2f} dB, over {len(scores)} photos; gains {min(gains):+.2f} to {max(gains):+.2f} dB",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=(*REAL_PAIRS, *CAMERAS))
    parser.add_argument("--time-limit-minutes", type=float, default=20)
    parser.add_argument(
        "--photos", default="*", help="photos to learn from and to measure on, as lgbpn eval --only"
    )
    parser.add_argument("--only", default="*", help="photos to measure the teachers on, as lgbpn eval --only")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        sets = [data_root() / arguments.set]
        if arguments.set in CAMERAS:
            write_photos(CAMERAS[arguments.set], folder)
            sets = [folder / "learned", folder / "unseen"]
        teacher = finetuned(sets[0] / "noisy", arguments.photos, arguments.time_limit_minutes, folder)
        student = folder / "models" / f"{NAME}-student.safetensors"
        if student.exists():
            print(f"the student's file has {student.stat().st_size} bytes")
            for photos in sets:
                print_scores(photos, (DEFAULT_MODEL, student), "fast", "auto", arguments.photos)
        if teacher is not None:
            for strength in ("auto", "1"):
                print_scores(sets[0], (DEFAULT_MODEL, teacher), "teacher", strength, arguments.only)


if __name__ == "__main__":
    main()

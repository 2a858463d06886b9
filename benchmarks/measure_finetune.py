"""What fine-tuning on the noisy halves of a set brings, measured with its references; the model is deleted after.

    python benchmarks/measure_finetune.py renoir-even --time-limit-minutes 20
    python benchmarks/measure_finetune.py polyu --photos 'Canon80D*' --time-limit-minutes 10
    python benchmarks/measure_finetune.py ring --time-limit-minutes 5

The set is found below LGBPN_DATA (default ../shared/data), or is one of the cameras of made_cameras.py, which are also
measured on photos that fine-tuning did not get. Fine-tuning runs as `lgbpn finetune` does, then `lgbpn eval`
on the shipped and the new model: the fast students of both, where there is a new one, on all photos, and the teachers,
each at the strength the photo asks for and at full strength, on those that --only names. The verdicts are printed above
the change in dB, to show whether they were right: a teacher that was not accepted is measured too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean

import torch
from made_cameras import CAMERAS, write_photos
from sets import REAL_PAIRS, data_root

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

"""The quality table of the shipped models: `lgbpn eval` on the three sets, photos kept out of training first.

    python benchmarks/measure_quality.py [--model NAME] [--quality standard --quality best] [--json FILE]

The sets are found below LGBPN_DATA (default ../shared/data). Kept out of training are the images 33, 35, 37, 39 of
sidd-val-odd, the photos 34, 36, 38, 40 of renoir-even, and all of polyu. Each row is the mean over photos of one
command, which is printed above the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import fmean

from lgbpn_cli.training.recipe import data_root

SETS: dict[str, tuple[str, ...] | None] = {
    "sidd-val-odd": ("33_", "35_", "37_", "39_"),
    "renoir-even": ("34", "36", "38", "40"),
    "polyu": None,
}
"""Beginnings of the names kept out of training; None: nothing of the set was trained on."""


def evaluate(name: str, model: str | None, qualities: list[str]) -> dict:
    """Return what `lgbpn eval --json` says of one set."""
    folder = data_root() / name
    command = ["eval", str(folder / "noisy"), str(folder / "reference"), "--json"]
    for quality in qualities:
        command += ["--quality", quality]
    if model is not None:
        command += ["--model", model]
    print("lgbpn", *command, file=sys.stderr)
    # Exit code 1 says that photos without a reference were left out: sidd-val-odd has one for every fourth.
    done = subprocess.run([sys.executable, "-m", "lgbpn_cli", *command], stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)
    return json.loads(done.stdout)


def rows(name: str, document: dict) -> list[tuple[str, str, int, float, float, float]]:
    """Return (photos, method, count, noisy dB, dB, mean shift in levels) for each group of each method."""
    kept_out = SETS[name]
    noisy = {score["photo"]: score["psnr_db"] for score in document["methods"][0]["files"]}
    table = []
    for method in document["methods"][1:]:
        scores = {score["photo"]: score for score in method["files"]}
        groups = {
            f"{name}, never trained on": [
                photo for photo in scores if kept_out is None or photo.startswith(kept_out)
            ]
        }
        if kept_out is not None:
            groups[f"{name}, noisy halves trained on"] = [
                photo for photo in scores if not photo.startswith(kept_out)
            ]
            groups[f"{name}, all"] = list(scores)
        for group, photos in groups.items():
            shift = fmean(fmean(scores[photo]["shift_8bit"]) for photo in photos)
            before, after = (
                fmean(values[photo] for photo in photos)
                for values in (noisy, {key: score["psnr_db"] for key, score in scores.items()})
            )
            table.append((group, method["label"], len(photos), before, after, shift))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--quality", action="append", choices=("teacher", "teacher-r3"))
    parser.add_argument("--set", dest="sets", action="append", choices=tuple(SETS))
    parser.add_argument("--json", type=Path, help="keep all that lgbpn eval said")
    arguments = parser.parse_args()
    qualities = arguments.quality or ["teacher", "teacher-r3"]
    documents = {name: evaluate(name, arguments.model, qualities) for name in arguments.sets or SETS}
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(documents))
    print(
        "| photos | method | number | noisy dB | denoised dB | mean shift, levels |\n|---|---|---|---|---|---|"
    )
    table = [row for name, document in documents.items() for row in rows(name, document)]
    for group, label, count, before, after, shift in sorted(
        table, key=lambda row: not row[0].endswith("never trained on")
    ):
        print(f"| {group} | {label} | {count} | {before:.2f} | {after:.2f} | {shift:+.2f} |")


if __name__ == "__main__":
    main()

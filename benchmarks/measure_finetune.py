"""What fine-tuning on the noisy halves of a set brings, measured with its references; the model is deleted after.

    python benchmarks/measure_finetune.py renoir-even --time-limit 20m
    python benchmarks/measure_finetune.py polyu --time-limit 2h

The set is found below LGBPN_DATA (default ../shared/data). `lgbpn finetune` runs as a user would run it, with a data
folder of its own, then `lgbpn eval` on the shipped and the new model, each at the strength the photo asks for and at
full strength. The verdict is printed beside the change in dB, so that it is seen whether the decision was right; a model
that was not accepted is measured from the run's best state.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

import torch

from lgbpn_cli.models.load import DEFAULT_MODEL
from lgbpn_cli.models.manifest import find_model
from lgbpn_cli.models.weight_file import read_weights, write_weights
from lgbpn_cli.training.recipe import data_root

NAME = "measured"


def lgbpn(*arguments: object, data: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lgbpn_cli", *map(str, arguments)]
    print("lgbpn", *map(str, arguments), file=sys.stderr)
    return subprocess.run(
        command, env={**os.environ, "XDG_DATA_HOME": str(data)}, stdout=subprocess.PIPE, text=True
    )


def candidate(data: Path) -> Path | None:
    """Return the weight file to measure: the accepted model, or the best state of a run that is unfinished."""
    accepted = data / "lgbpn/models" / f"{NAME}.safetensors"
    if accepted.exists():
        return accepted
    best = data / "lgbpn/finetune" / NAME / "best.pt"
    if not best.exists():
        return None
    network, preset = read_weights(find_model(DEFAULT_MODEL).part_path("teacher"))
    target = data / "best.safetensors"
    write_weights(target, torch.load(best, weights_only=True)["weights"], network.config, preset)
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", choices=("renoir-even", "polyu", "sidd-val-odd"))
    parser.add_argument("--time-limit", default="20m")
    parser.add_argument("--only", default="*", help="photos to measure, as lgbpn eval --only")
    arguments = parser.parse_args()
    folder = data_root() / arguments.set
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        done = lgbpn(
            "finetune", folder / "noisy", "-o", NAME, "--time-limit", arguments.time_limit, data=data
        )
        print(f"lgbpn finetune ended with {done.returncode} (0: accepted, 1: not accepted)")
        new = candidate(data)
        if new is None:
            print("no state was better on the photos held out: nothing to measure")
            return
        for strength in ("auto", "1"):
            answer = lgbpn(
                *("eval", folder / "noisy", folder / "reference", "--only", arguments.only, "--json"),
                *("--quality", "teacher", "--strength", strength, "-m", DEFAULT_MODEL, "-m", new),
                data=data,
            )
            for method in json.loads(answer.stdout)["methods"]:
                scores = [score["psnr_db"] for score in method["files"]]
                print(
                    f"strength {strength}: {method['label']}: {fmean(scores):.2f} dB over {len(scores)} photos"
                )


if __name__ == "__main__":
    main()

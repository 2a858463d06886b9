"""A batch with sidecars that is killed again and again; no test itself.

    python tests/fuzz/kills.py 200 --seed 3

starts the command, with a network that costs nothing, kills it at a random moment (half of the time with the process
that reads its photos, half without), and starts it again, until so many kills are done; then once more to the end.
Every photo has to be there, whole, with its sidecar and its times, and nothing else. Exit code 1 where it is not so.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import read_record

COMMAND = Path(__file__).parents[1] / "cli" / "fake_network.py"
ENDINGS = (".jpg", ".png", ".tif", ".webp")
PHOTO_TIME_NS = 1_500_000_000_000_000_000
LAST_RUN_S = 600


@dataclass
class Kills:
    """What a campaign found."""

    kills: int = 0
    ends: int = 0
    """Runs that had ended before they were killed: their results were removed, to go on."""
    faults: list[str] = field(default_factory=list)


def run(kills: int, photos: int, seed: int, folder: Path, longest_s: float) -> Kills:
    """Kill a batch over so many photos in `folder` so many times, each within `longest_s`, and look at it each time."""
    rng = random.Random(seed)
    source, target = folder / "in", folder / "out"
    names = make_batch(source, photos)
    found = Kills()
    while found.kills < kills:
        process = _start(source, target, seconds_per_tile=0.05)
        try:
            process.wait(rng.uniform(0.1, 1.0) * longest_s)
            found.ends += 1
            for path in target.glob("[!.]*"):
                path.unlink()
        except subprocess.TimeoutExpired:
            rng.choice((os.kill, os.killpg))(process.pid, signal.SIGKILL)
            process.wait()
            found.kills += 1
        found.faults += [f"after {found.kills} kills: {fault}" for fault in _half_results(target)]
    process = _start(source, target, seconds_per_tile=0.0)
    if process.wait(LAST_RUN_S) != 0:
        found.faults.append(f"the last run ended with {process.returncode}")
    found.faults += missing_and_left_over(names, source, target)
    return found


def make_batch(source: Path, photos: int) -> list[str]:
    """Make photos of several kinds, each with a sidecar, and return their names."""
    source.mkdir()
    rng = np.random.default_rng(0)
    names = [f"{number}{ENDINGS[number % len(ENDINGS)]}" for number in range(photos)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(source / name)
        (source / name).with_suffix(".xmp").write_text(f"<stars of='{name}'/>" * 500)
        os.utime(source / name, ns=(PHOTO_TIME_NS, PHOTO_TIME_NS))
    return names


def missing_and_left_over(names: list[str], source: Path, target: Path) -> list[str]:
    """Return what is wrong with the results of all photos."""
    expected = {*names, *(Path(name).with_suffix(".xmp").name for name in names)}
    there = {path.name for path in target.iterdir()}
    faults = [f"{name} is missing" for name in sorted(expected - there)]
    faults += [f"{name} is left over" for name in sorted(there - expected)]
    for name in sorted(expected & there):
        if name.endswith(".xmp"):
            if (target / name).read_bytes() != (source / name).read_bytes():
                faults.append(f"{name} is not the photo's sidecar")
        elif (target / name).stat().st_mtime_ns != PHOTO_TIME_NS:
            faults.append(f"{name} has not its photo's time")
    return faults + _half_results(target)


def _half_results(target: Path) -> list[str]:
    faults = []
    for path in sorted(target.glob("[!.]*")):
        if path.suffix in ENDINGS:
            try:
                read_photo(path)
            except PhotoError as error:
                faults.append(str(error))
            if read_record(path) is None:
                faults.append(f"{path.name} does not say what made it")
            if not path.with_suffix(".xmp").exists():
                faults.append(f"{path.name} is there without its sidecar")
    return faults


def _start(source: Path, target: Path, *, seconds_per_tile: float) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "FAKE_SECONDS_PER_TILE": str(seconds_per_tile)}
    command = [
        sys.executable,
        str(COMMAND),
        "denoise",
        str(source),
        "-o",
        str(target),
        "-q",
        "--preserve-times",
    ]
    return subprocess.Popen(command, env=environment, start_new_session=True)


def main() -> None:
    """Run a campaign and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("kills", type=int)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--longest", type=float, default=6.0, help="seconds after which a run is killed at last"
    )
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = run(options.kills, options.photos, options.seed, Path(folder), options.longest)
    print(f"{found.kills} kills and {found.ends} ended runs in {time.perf_counter() - start:.0f} s")
    for fault in found.faults:
        print(f"FAULT {fault}")
    sys.exit(1 if found.faults else 0)


if __name__ == "__main__":
    main()

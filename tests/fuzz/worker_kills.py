"""A run on workers that are killed again and again, and so is the command; no test itself.

    python tests/fuzz/worker_kills.py --photos 2000 --workers 2 --photos-between-kills 60

makes small photos, three of them harmful (one kills the process that denoises it, one that which decodes it, one
never ends), and denoises them. A random worker is killed whenever so many results more are there, which on an idle
machine is every few seconds, and once the command. The same command again, under the same fire: then every photo has
to be there once, whole, the harmful ones named, and nothing else. Exit code 1 where it is not so. `--fake-network`
takes a network that costs nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from harmful_lgbpn import FAKE_NETWORK, HARMFUL
from PIL import Image

COMMAND = Path(__file__).with_name("harmful_lgbpn.py")
SIZE_PX = (64, 48)
FOLDERS = 10


def make_photos(folder: Path, number: int) -> None:
    """Make so many noisy photos below `folder`, each with pixels of its own."""
    rng = np.random.default_rng(0)
    names = [*HARMFUL, *(f"IMG_{index:05d}" for index in range(number - len(HARMFUL)))]
    for index, name in enumerate(names):
        path = folder / f"{index * 7 % FOLDERS}" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene = np.linspace(60, 180, SIZE_PX[0])[:, None] + rng.uniform(-40, 40, 3)
        noisy = scene + rng.normal(0, 12, (SIZE_PX[1], SIZE_PX[0], 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path)


@dataclass
class Fire:
    """Kills workers of a command while it runs."""

    rng: random.Random
    photos_between_kills: int
    kills: int = 0

    def run(self, command: list[str], report: Path, stop_at: int | None, out: Path) -> int | None:
        """Run a command to its end, or kill it when so many results are there: None."""
        with report.open("wb") as stdout, report.with_suffix(".err").open("wb") as stderr:
            process = subprocess.Popen(command, stdout=stdout, stderr=stderr)
        family = psutil.Process(process.pid)
        next_kill = self._results(out) + self._pause()
        while process.poll() is None:
            time.sleep(0.2)
            there = self._results(out)
            if stop_at is not None and there >= stop_at:
                members = family.children(recursive=True)
                process.kill()
                process.wait()
                _, alive = psutil.wait_procs(members, timeout=60)
                if alive:
                    raise RuntimeError(f"outlived the command by a minute: {alive}")
                return None
            if there >= next_kill:
                self._kill_a_worker(family)
                next_kill = there + self._pause()
        return process.returncode

    @staticmethod
    def _results(out: Path) -> int:
        return sum(1 for _ in out.rglob("[!.]*.png"))

    def _pause(self) -> int:
        return round(self.rng.uniform(0.5, 1.5) * self.photos_between_kills)

    def _kill_a_worker(self, family: psutil.Process) -> None:
        """Kill one of the processes that denoise: those that have a process of their own, which reads."""
        try:
            workers = [child for child in family.children() if child.children()]
            if workers:
                self.rng.choice(workers).send_signal(signal.SIGKILL)
                self.kills += 1
        except psutil.NoSuchProcess:
            pass


def is_whole(path: Path) -> bool:
    """Whether all of a photo can be decoded."""
    try:
        with Image.open(path) as image:
            image.load()
            return image.size == SIZE_PX
    except OSError:
        return False


def faults(source: Path, out: Path, report: Path, before: dict[Path, int]) -> list[str]:
    """What is wrong after the last run; `before` are the results at the death of the first, with their times."""
    wanted = {path.relative_to(source) for path in source.rglob("*.png") if path.stem not in HARMFUL}
    there = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    times_named = Counter(row["source"] for row in rows)
    failed = {Path(row["source"]).stem: row["error"] for row in rows if row["status"] == "failed"}
    for name, error in sorted(failed.items()):
        print(f"failed: {name}: {error}")
    found = [f"missing: {name}" for name in sorted(wanted - there.keys())]
    found += [f"too much: {name}" for name in sorted(there.keys() - wanted)]
    found += [f"half: {name}" for name, path in sorted(there.items()) if not is_whole(path)]
    found += [f"named {times} times: {name}" for name, times in times_named.items() if times != 1]
    found += [f"not named: {name}" for name in sorted(wanted) if str(source / name) not in times_named]
    found += [f"done again: {path}" for path, time_ns in before.items() if path.stat().st_mtime_ns != time_ns]
    if set(failed) != set(HARMFUL):
        found.append(f"failed are {sorted(failed)}, not {sorted(HARMFUL)}")
    return found


def main() -> int:
    """Make, kill, look; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--photos-between-kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fake-network", action="store_true")
    options = parser.parse_args()
    if options.fake_network:
        os.environ[FAKE_NETWORK] = "yes"
    with tempfile.TemporaryDirectory() as name:
        source, out = Path(name) / "in", Path(name) / "out"
        make_photos(source, options.photos)
        words = ["denoise", source, "-r", "-o", out, "--workers", options.workers]
        words += ["--json", "--photo-time-limit", "20s"]
        command = [sys.executable, str(COMMAND), *map(str, words)]
        fire = Fire(random.Random(options.seed), options.photos_between_kills)
        start = time.monotonic()
        fire.run(command, Path(name) / "first.jsonl", options.photos * 2 // 5, out)
        before = {path: path.stat().st_mtime_ns for path in out.rglob("[!.]*.png")}
        print(f"the command was killed with {len(before)} results there, after {fire.kills} kills of workers")
        exit_code = fire.run(command, Path(name) / "second.jsonl", None, out)
        wrong = faults(source, out, Path(name) / "second.jsonl", before)
        if exit_code != 1:
            wrong.append(f"the exit code is {exit_code}, not 1")
        results = sum(1 for path in out.rglob("*") if path.is_file())
        seconds = time.monotonic() - start
        print(f"{results} of {options.photos} there, {fire.kills} kills of workers, {seconds:.0f} s")
        print("\n".join(wrong) or "every photo there once, none half, the harmful ones named")
        if wrong:
            print((Path(name) / "second.err").read_text()[-3000:])
        return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

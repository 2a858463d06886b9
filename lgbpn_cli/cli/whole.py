"""`lgbpn bench --whole`: the real `lgbpn denoise` of one photo, and which part of it took how long."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import typer

from lgbpn_cli.cli.timed_denoise import FIRST_PART
from lgbpn_cli.errors import UsageError
from lgbpn_cli.machine.stopwatch import Spent
from lgbpn_cli.machine.temporary_folder import temporary_folder

PARTS = (FIRST_PART, "load", "decode", "measure", "network", "colours", "give back", "encode", "end")
"""In their order; what is not the first time a part comes counts with it."""
BAR_CHARACTERS = 40
PROGRAM = "from lgbpn_cli.cli.timed_denoise import main; main()"


@dataclass(frozen=True)
class WholeCommand:
    """One command, from its start until it is gone."""

    photo: str
    megapixels: float
    seconds: float
    cpu_seconds: float
    """Of all its processes: those that read photos included."""
    over_network: float
    """The command's time over its network's."""
    cpu_over_network: float
    """The same of the processors' time, which other programs on the machine do not change."""
    parts: dict[str, Spent]
    """What the command did, or waited for, in their order; together they are the whole. The processors' time is that
    of the program itself: photos are decoded in a process of their own."""


def measure_whole(photo: Path, options: list[str], repeats: int) -> WholeCommand:
    """Return the quickest of several `lgbpn denoise PHOTO` with these options, by the processors' time.

    Ends with the command's exit code where it fails; it has said why. Raises UsageError for a folder.
    """
    if photo.is_dir():
        raise UsageError(f"--whole {photo}", "it is a folder", "Give one photo.")
    return min((_once(photo, options) for _ in range(repeats)), key=lambda found: found.cpu_seconds)


def _once(photo: Path, options: list[str]) -> WholeCommand:
    with temporary_folder() as folder:
        parts_file = folder / "parts.json"
        began = time.time()
        command = [sys.executable, "-c", PROGRAM, str(began), str(parts_file), str(photo), *options]
        child = subprocess.Popen(
            [*command, "-o", f"{folder}/result/", "--json", "-q"], stdout=subprocess.PIPE
        )
        cpu_before = _cpu_of_ended_children()
        output, _ = child.communicate()
        seconds = time.time() - began
        if child.returncode:
            raise typer.Exit(child.returncode)
        (line,) = map(json.loads, output.splitlines())
        noted = {
            name: Spent(*spent) for name, spent in json.loads(parts_file.read_text(encoding="utf-8")).items()
        }
    parts = {name: noted.get(name, Spent()) for name in PARTS}
    parts["end"].seconds += seconds - sum(spent.seconds for spent in parts.values())
    cpu_seconds = _cpu_of_ended_children() - cpu_before
    network = parts["network"]
    return WholeCommand(
        photo=str(photo),
        megapixels=line["megapixels"],
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        over_network=seconds / network.seconds,
        cpu_over_network=cpu_seconds / network.cpu_seconds,
        parts=parts,
    )


def _cpu_of_ended_children() -> float:
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def whole_as_json(whole: WholeCommand) -> str:
    """Return it as a line of JSON."""
    return json.dumps(asdict(whole))


def whole_as_text(whole: WholeCommand) -> str:
    """Return it as lines for people: a bar for each part."""
    longest = max(spent.seconds for spent in whole.parts.values())
    rows = [
        f"{name:<10}{spent.seconds:7.2f} s  {spent.cpu_seconds:7.2f} s  {_bar(spent.seconds / longest)}".rstrip()
        for name, spent in whole.parts.items()
    ]
    return "\n".join(
        [
            f"{whole.photo}, {whole.megapixels:.1f} megapixels: {whole.seconds:.2f} s, "
            f"{whole.over_network:.2f} times its network's time; of the processors' {whole.cpu_seconds:.2f} s, "
            f"{whole.cpu_over_network:.2f} times",
            f"{'part':<10}{'time':>9}  {'processor':>9}",
            *rows,
        ]
    )


def _bar(share: float) -> str:
    return "#" * round(share * BAR_CHARACTERS)

"""The table of quality: `lgbpn eval` on three sets of real photos, those kept out of training first.

    python benchmarks/measure_quality.py --quality fast --quality best \
        --write docs/results.md --write README.md --write weights/lgbpn-base.md
    python benchmarks/measure_quality.py --quality best --set renoir-even
    python benchmarks/measure_quality.py --photos 2           # a try: the first two photos of each group

What is printed goes between the marks in docs/results.md: table, command of each row, and the weights that were
measured. README and the model's card have marks of their own, for a short table of the photos kept out of training.
The sets are found below LGBPN_DATA (default ../shared/data). Kept out of training are the images 33, 35, 37, 39 of
sidd-val-odd, the photos 34, 36, 38, 40 of renoir-even, and all of polyu. Every group of photos is one command, which
is printed below the table and works from the folder of the sets; rows of one group differ in their `--quality` and
`--model` alone, and rows over a whole set are over all photos of its groups.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import fmean
from typing import Any

from result_tables import as_table, replaced, write_between_marks
from sets import REAL_PAIRS, data_root, patterns_kept_out

from lgbpn_cli.config import QUALITIES
from lgbpn_cli.evaluation.summary import summarise

Document = dict[str, Any]
"""What lgbpn says in JSON."""


@dataclass(frozen=True)
class Group:
    """Photos of one set that belong in one row."""

    title: str
    folder: str
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    short_title: str = ""
    """Its name in the short table, which has the groups kept out of training."""


SIDD_KEPT_OUT = patterns_kept_out("sidd-val-odd/noisy")
RENOIR_KEPT_OUT = tuple(pattern.rstrip("*") for pattern in patterns_kept_out("renoir-even/noisy"))
GROUPS = (
    Group(
        "SIDD validation blocks never trained on",
        "sidd-val-odd",
        only=SIDD_KEPT_OUT,
        short_title="SIDD, phones",
    ),
    Group(
        "RENOIR photos never trained on",
        "renoir-even",
        only=RENOIR_KEPT_OUT,
        short_title="RENOIR, three cameras",
    ),
    Group("PolyU crops, never trained on", "polyu", short_title="PolyU, strongly compressed"),
    Group("SIDD validation blocks whose noisy halves were trained on", "sidd-val-odd", exclude=SIDD_KEPT_OUT),
    Group("RENOIR photos whose noisy halves were trained on", "renoir-even", exclude=RENOIR_KEPT_OUT),
)
WHOLE_SETS = {
    "sidd-val-odd": "all SIDD validation blocks with a reference",
    "renoir-even": "all RENOIR photos",
}
QUALITIES_OF_THE_TABLE = ("fast", "teacher")
"""The student and LG-BPN as they run unless more time is spent on them."""
MARKS = (
    "<!-- table of quality, written by benchmarks/measure_quality.py -->",
    "<!-- short table of quality, written by benchmarks/measure_quality.py -->",
)
END = "<!-- end of the table of quality -->"
COLUMNS = (
    "photos",
    "method",
    "number",
    "PSNR dB",
    "[95 %]",
    "worst",
    "SSIM",
    "MAE",
    "shift R G B",
    "structure",
    "flat noise",
    "seconds a photo",
    "command",
)


def names_of(group: Group, most: int | None) -> tuple[str, ...]:
    """Return the patterns to take: the group's own, or the names of its first photos with a reference."""
    if most is None:
        return group.only
    stems = sorted(path.stem for path in (data_root() / group.folder / "reference").iterdir())
    fitting = [
        stem
        for stem in stems
        if (not group.only or any(fnmatchcase(stem, pattern) for pattern in group.only))
        and not any(fnmatchcase(stem, pattern) for pattern in group.exclude)
    ]
    return tuple(fitting[:most])


def command_of(group: Group, arguments: argparse.Namespace) -> list[str]:
    """Return the arguments of `lgbpn eval` for a group."""
    words = ["eval", f"{group.folder}/noisy", f"{group.folder}/reference"]
    for pattern in names_of(group, arguments.photos):
        words += ["--only", pattern]
    for pattern in group.exclude:
        words += ["--exclude", pattern]
    for name in arguments.model or ():
        words += ["--model", name]
    for quality in arguments.quality or QUALITIES_OF_THE_TABLE:
        words += ["--quality", quality]
    return [*words, "--json"]


def evaluate(words: list[str]) -> Document:
    """Return what `lgbpn eval --json` says."""
    command = [sys.executable, "-m", "lgbpn_cli", *words]
    print("lgbpn", shlex.join(words), file=sys.stderr)
    done = subprocess.run(command, cwd=data_root(), stdout=subprocess.PIPE, text=True)
    # Exit code 1 says that photos without a reference were left out: sidd-val-odd has one for every fourth.
    if done.returncode not in (0, 1):
        raise SystemExit(done.returncode)
    found: Document = json.loads(done.stdout)
    return found


def row(title: str, label: str, scores: list[Document], command: str) -> list[str]:
    """Return the cells for one method: means over photos; a figure that a photo lacks is left out of its mean."""

    def mean(figure: Callable[[Document], float | None], form: str) -> str:
        values = [value for score in scores if (value := figure(score)) is not None and math.isfinite(value)]
        return format(fmean(values), form) if values else "-"

    psnr = {score["photo"]: score["psnr_db"] for score in scores if score["psnr_db"] is not None}
    found = summarise(psnr, seed=0) if psnr else None
    shifts = [mean(shift_of(channel), "+.1f") for channel in range(3)]
    return [
        title,
        label,
        str(len(scores)),
        f"{found.mean:.2f}" if found else "-",
        f"[{found.low:.2f}, {found.high:.2f}]" if found else "-",
        f"{found.worst:.2f}" if found else "-",
        mean(lambda score: score["ssim"]["skimage7"], ".4f"),
        mean(lambda score: score["mae_8bit"], ".2f"),
        " ".join(shifts),
        mean(lambda score: score["residual_structure"], ".3f"),
        mean(lambda score: score["flat_noise_8bit"], ".2f"),
        "-" if label == "noisy" else mean(lambda score: score["seconds"], ".2f"),
        command,
    ]


def shift_of(channel: int) -> Callable[[Document], float | None]:
    """Return what gives the shift of a channel's mean."""
    return lambda score: score["shift_8bit"][channel]  # type: ignore[no-any-return]


def markdown(groups: list[Group], commands: list[list[str]], documents: list[Document]) -> str:
    """Return the table with the command of each row and the weights, as docs/results.md has it."""
    rows = [list(COLUMNS)]
    for number, (group, document) in enumerate(zip(groups, documents, strict=True), start=1):
        for method in document["methods"]:
            rows.append(row(group.title, method["label"], method["files"], str(number)))
    for folder, title in WHOLE_SETS.items():
        parts = [number for number, group in enumerate(groups, start=1) if group.folder == folder]
        for methods in zip(*(documents[number - 1]["methods"] for number in parts), strict=True):
            scores = [score for method in methods for score in method["files"]]
            rows.append(row(title, methods[0]["label"], scores, " and ".join(map(str, parts))))
    lines = [as_table(rows), "", "Commands of the rows, from the folder of the sets:", ""]
    lines += [f"{number}. `lgbpn {shlex.join(words)}`" for number, words in enumerate(commands, start=1)]
    models = {method["label"]: method["sha256"] for method in documents[0]["methods"] if "sha256" in method}
    weights = [f"{label} (SHA-256 {checksum})" for label, checksum in models.items()]
    lines += ["", f"Measured by lgbpn {documents[0]['versions']['lgbpn']}: {', '.join(weights)}."]
    return "\n".join(lines)


def short_markdown(groups: list[Group], documents: list[Document]) -> str:
    """Return the PSNR of the photos kept out of training, a row a set, as README has it."""
    methods = documents[0]["methods"]
    rows = [["photos kept out of training", *(f"{method['label']}, dB" for method in methods)]]
    for group, document in zip(groups, documents, strict=True):
        if group.short_title:
            scores = [[score["psnr_db"] for score in method["files"]] for method in document["methods"]]
            title = f"{group.short_title} ({len(scores[0])})"
            rows.append([title, *(f"{fmean(psnr):.2f}" for psnr in scores)])
    return as_table(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", action="append", help="may be repeated; default: the shipped one")
    parser.add_argument(
        "--quality", action="append", choices=QUALITIES, help="may be repeated; default: fast and teacher"
    )
    parser.add_argument("--set", dest="sets", action="append", choices=REAL_PAIRS)
    parser.add_argument("--photos", type=int, metavar="NUMBER", help="only the first photos of each group")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all that lgbpn eval said")
    parser.add_argument(
        "--write",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="replace the table between the marks there; may be repeated",
    )
    arguments = parser.parse_args()
    for file in arguments.write:
        replaced(file.read_text("utf-8"), dict.fromkeys(MARKS, ""), END)  # can it be, before the long work
    groups = [group for group in GROUPS if group.folder in (arguments.sets or REAL_PAIRS)]
    commands = [command_of(group, arguments) for group in groups]
    documents = [evaluate(words) for words in commands]
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(documents))
    table = markdown(groups, commands, documents)
    print(table)
    tables = dict(zip(MARKS, (table, short_markdown(groups, documents)), strict=True))
    for file in arguments.write:
        write_between_marks(file, tables, END)


if __name__ == "__main__":
    main()

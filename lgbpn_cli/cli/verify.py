"""`lgbpn verify`: its options, and what it prints."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgbpn_cli.cli.flags import shown, with_flags
from lgbpn_cli.cli.heartbeat import Heartbeat, said
from lgbpn_cli.cli.options import DeviceOption, RecursiveOption
from lgbpn_cli.cli.stop_signals import finish_undisturbed
from lgbpn_cli.errors import UsageError

if TYPE_CHECKING:
    from lgbpn_cli.batch.verification.check import Verified

PhotosOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--photos",
        metavar="PHOTO|FOLDER",
        help="Where to look for the photos they were made from, whatever they are called now: files, or folders with "
        "their sub-folders; may be repeated.",
        show_default="the folder of each result, and the one above it",
    ),
]
NOT_SETTINGS = ("model_sha256", "noise_estimator_sha256", "part")
"""Of a record: what is told as weights."""


def verify(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT", help="Results, and folders of results.", show_default=False, readable=False
        ),
    ],
    recursive: RecursiveOption = False,
    photos: PhotosOption = None,
    again: Annotated[
        bool, typer.Option("--again", help="Make each result again from its record, and compare.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            "-m",
            "--model",
            metavar="FILE",
            help="The weight file, if it is not one that lgbpn models list shows.",
            show_default="your models",
        ),
    ] = None,
    device: DeviceOption = "auto",
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print only results that do not check out.")
    ] = False,
    json_lines: Annotated[
        bool, typer.Option("--json", help="Write one JSON object for each result to standard output.")
    ] = False,
) -> None:
    """Show how results were made, and check that their photos and the model are still the same.

    Each result holds a record of its photo, model and settings. With --again it is made again and compared, sample by
    sample; a difference of up to one level of 255 counts as rounding, which varies between machines.

    \b
    Examples:
      lgbpn verify IMG_1_denoised.jpg
      lgbpn verify clean/ -r --photos ~/Pictures/2026/
      lgbpn verify clean/IMG_1.jpg --again

    \b
    Exit codes:
      0    all are what their records say
      1    some are not, or could not be checked
      2    something is wrong with the command, model or device
      130  stopped with Ctrl-C
    """
    from lgbpn_cli.batch.verification.check import results_among, verify_results
    from lgbpn_cli.cli.bars import tqdm

    found, others = results_among(results, recursive=recursive)
    if not found:
        raise UsageError(results[0], "there is no result of lgbpn", "Give a result, a folder of them, or -r.")
    verdicts: list[bool] = []
    try:
        with tqdm(unit="result", disable=None, leave=False) as bar, Heartbeat(lambda: said(bar, "results")):

            def move(done: int, total: int) -> None:
                bar.total, bar.n = total, done
                bar.refresh()

            for each in verify_results(
                found, photos or (), weights=model, again=again, device=device, on_step=move
            ):
                verdicts.append(each.is_good)
                _tell(each, quiet=quiet, json_lines=json_lines)
    except KeyboardInterrupt:
        finish_undisturbed()
        _note(f"stopped: {len(verdicts)} of {len(found)} results were looked at")
        raise typer.Exit(130) from None
    if not quiet:
        _note(_summary(verdicts, others))
    raise typer.Exit(0 if all(verdicts) else 1)


def _tell(each: Verified, *, quiet: bool, json_lines: bool) -> None:
    """Tell programs and people what is known of a result."""
    from lgbpn_cli.cli.bars import tqdm

    if json_lines:
        print(json.dumps(_document(each)), flush=True)
    if not quiet or not each.is_good:
        tqdm.write("\n".join(_lines(each)), file=sys.stderr)


def _document(each: Verified) -> dict[str, object]:
    """Return what programs are told; problems name flags."""
    return {**each.document(), "problems": [with_flags(problem) for problem in each.problems]}


def _lines(each: Verified) -> list[str]:
    """Return what people are told of a result: one line, and more below it for each thing that is known."""
    lines = [f"{each.result}: {'good' if each.is_good else 'not verified'}"]
    if each.record is not None:
        facts = {name: value for name, value in each.facts.items() if name not in NOT_SETTINGS}
        said_of = ", ".join(f"{name} {_plain(value)}" for name, value in facts.items())
        lines.append(f"made by lgbpn {each.record.version}, model {each.record.model}; {said_of}")
    if each.photo is not None and each.photo.state == "same":
        lines.append(f"photo: {each.photo.path}, unchanged")
    if each.weights_state == "same":
        lines.append(f"weights: {each.weights} ({each.facts['part']}), the same")
    if each.again is not None and each.again.largest_levels == 0:
        lines.append("made again: the same in every sample")
    elif each.again is not None and each.is_good:
        share, largest = each.again.share, each.again.largest_levels
        lines.append(
            f"made again: {share:.2%} of the samples differ, by at most {largest:.2g} of 255: rounding"
        )
    lines += [f"problem: {with_flags(problem)}" for problem in each.problems]
    return [shown(line) if number == 0 else f"  {shown(line)}" for number, line in enumerate(lines)]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _summary(verdicts: list[bool], others: int) -> str:
    results = "1 result" if len(verdicts) == 1 else f"{len(verdicts)} results"
    text = f"{results}: {sum(verdicts)} good, {len(verdicts) - sum(verdicts)} not verified"
    return text if not others else f"{text}; {others} other photos without a record were passed over"


def _note(text: str) -> None:
    typer.echo(shown(text), err=True)

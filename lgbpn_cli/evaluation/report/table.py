"""The report as text for people and as rows for programs."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lgbpn_cli.evaluation.burst import best_psnr_db, others_of
from lgbpn_cli.evaluation.report.scores import NOISY, EvaluationReport, MethodResult

DECIMALS = 4
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
SECONDS_KEY = "seconds"
VISIBLE_FACTOR = 1.01
"""Of brightness; smaller ones are not worth a line."""
TITLES = {
    "psnr_db": "PSNR dB",
    "lpips": "LPIPS",
    "mae_8bit": "MAE",
    "residual_structure": "structure",
    "flat_noise_8bit": "flat noise",
    "blind_loss_8bit": "blind loss",
    "residual_whiteness": "whiteness",
    "edge_structure": "edge structure",
    "seconds": "s",
}


def as_text(report: EvaluationReport, columns: int | None = None) -> str:
    """Return the table of all methods, the paired comparisons and the protocol, in plain text.

    A table wider than `columns` characters is turned, a row for each figure, where that makes it narrower.
    """
    rows = table_rows(report)
    lines = _aligned(rows)
    if columns is not None and len(lines[0]) > columns:
        lines = min(lines, _aligned(list(zip(*rows, strict=True))), key=lambda table: len(table[0]))
    lines += comparison_lines(report) + alarm_lines(report) + raw_lines(report)
    protocol = report.facts["protocol"]
    if isinstance(protocol, dict):
        lines.append(f"{counted(report.photos())}; {protocol['values']}; [ ]: {protocol['interval']}")
    return "\n".join(line.rstrip() for line in lines)


def comparison_lines(report: EvaluationReport) -> list[str]:
    """Return a sentence for every two methods, by PSNR photo by photo."""
    return [
        f"{found.first} against {found.second}: better on {found.wins}, worse on {found.losses}, "
        f"equal on {found.ties}; {found.mean_difference:+.2f} dB [{found.low:+.2f}, {found.high:+.2f}]"
        for found in report.comparisons()
    ]


def alarm_lines(report: EvaluationReport) -> list[str]:
    """Return sentences on every method that gives photos without an error, or may have smoothed some too much."""
    lines = []
    for method in report.methods:
        equal = [score.photo for score in method.scores if score.psnr_db == math.inf]
        if equal:
            whom = "is its reference" if len(equal) == 1 else "are their references"
            lines.append(
                f"{method.label}: {counted(len(equal))} {whom}, pixel by pixel, so without a PSNR: {', '.join(equal)}"
            )
        alarms = [score.photo for score in method.scores if score.over_smoothed]
        if alarms:
            lines.append(f"{method.label}: {counted(len(alarms))} may be over-smoothed: {', '.join(alarms)}")
    return lines


def raw_lines(report: EvaluationReport) -> list[str]:
    """Return what one has to know to read the figures of camera raw files: brightness, and a burst's own noise."""
    scores = report.methods[0].scores
    factors = [score.brightness for score in scores if score.brightness is not None]
    matched = [max(each, 1 / each) for each in factors if max(each, 1 / each) > VISIBLE_FACTOR]
    lines = []
    if matched:
        shots = "its reference" if len(matched) == 1 else "their references"
        lines.append(
            f"{counted(len(matched))} made as bright as {shots}, or the other way round: up to {max(matched):.2f} times"
        )
    summary = report.summary(report.methods[0], "psnr_db") if report.burst_frames and scores else None
    if summary is not None:
        lines.append(
            f"{others_of(report.burst_frames)} has noise, too: a perfect result would have "
            f"{best_psnr_db(summary.mean, report.burst_frames):.2f} dB"
        )
    return lines


def table_rows(report: EvaluationReport) -> list[list[str]]:
    """Return the cells of the summary table: titles, then a row for each method that has scores."""
    return [_header(report), *(_row(report, method) for method in report.methods if method.scores)]


def counted(photos: int) -> str:
    """Return a number of photos in words."""
    return "1 photo" if photos == 1 else f"{photos} photos"


def title_of(figure: str) -> str:
    """Return a figure's name as people read it."""
    return TITLES.get(figure, figure.replace("ssim_", "SSIM ").replace("_8bit", "").replace("_", " "))


def decimals_of(figure: str) -> int:
    """Return how many decimals of a figure mean something."""
    return 4 if figure.startswith(("ssim", "lpips")) else 3 if figure.startswith("residual") else 2


def as_json(report: EvaluationReport) -> str:
    """Return everything as one JSON object; infinite and missing figures are null, means have four decimals.

    `noisy` and `denoised` are the mean PSNR of the noisy photos and of the first method.
    """
    methods = [_method(report, method) for method in report.methods]
    means: dict[str, object] = {"photos": report.photos()}
    if report.has_reference:
        means |= {"noisy": _mean_psnr(methods, 0), "denoised": _mean_psnr(methods, 1)}
    comparisons = [asdict(found) for found in report.comparisons()]
    document = {
        **means,
        **report.facts,
        "methods": methods,
        "comparisons": comparisons,
        "problems": [str(problem) for problem in report.problems],
    }
    return json.dumps(rounded(document), allow_nan=False)  # in ASCII: a file's name may be no text at all


def as_csv(report: EvaluationReport) -> str:
    """Return one row for each method and photo, below comment lines (#) with command, versions and models."""
    text = io.StringIO()
    for name, value in report.facts.items():
        text.write(
            f"# {name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}\n"
        )
    for method in report.methods:
        text.write(f"# method {method.label}: {json.dumps(method.facts, ensure_ascii=False)}\n")
    figures = report.figures()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "photo", "megapixels", *figures])
    for method in report.methods:
        for score in method.scores:
            values = [rounded(figure(score)) for figure in figures.values()]
            writer.writerow(
                [
                    _no_formula(method.label),
                    _no_formula(score.photo),
                    score.megapixels,
                    *("" if value is None else value for value in values),
                ]
            )
    return text.getvalue()


def _no_formula(text: str) -> str:
    """Return a cell's text so that no spreadsheet takes it for a formula: a file can be called =1+1."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def rounded(value: Any) -> Any:
    """Return the value, ready for JSON: floats with four decimals, those that are not finite as None."""
    if isinstance(value, float):
        return round(value, DECIMALS) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def megapixels_per_second(method: MethodResult) -> float | None:
    """Return the speed over all photos together; None for what took no time."""
    seconds = sum(score.seconds for score in method.scores)
    return sum(score.megapixels for score in method.scores) / seconds if seconds > 0 else None


def _method(report: EvaluationReport, method: MethodResult) -> dict[str, Any]:
    figures = {}
    for name in report.figures():
        summary = report.summary(method, name)
        figures[name] = None if summary is None else asdict(summary)
    return {
        "label": method.label,
        **method.facts,
        "photos": len(method.scores),
        "megapixels_per_second": megapixels_per_second(method),
        "figures": figures,
        "files": [asdict(score) for score in method.scores],
    }


def _mean_psnr(methods: list[dict[str, Any]], index: int) -> float | None:
    if index >= len(methods) or methods[index]["figures"]["psnr_db"] is None:
        return None
    return float(methods[index]["figures"]["psnr_db"]["mean"])


def _header(report: EvaluationReport) -> list[str]:
    titles = ["method", "photos"]
    for name in report.figures():
        if name.startswith("shift"):
            titles += ["shift R G B"] if name == "shift_red_8bit" else []
            continue
        titles.append(title_of(name))
        titles += ["[95 %]", "median", "worst"] if name in ("psnr_db", "edge_structure") else []
    return [*titles, "MP/s"]


def _row(report: EvaluationReport, method: MethodResult) -> list[str]:
    cells = [method.label, str(len(method.scores))]
    shifts: list[str] = []
    for name in report.figures():
        summary = report.summary(method, name)
        no_time = name == SECONDS_KEY and method.label == NOISY
        mean = "-" if summary is None or no_time else f"{summary.mean:.{decimals_of(name)}f}"
        if name.startswith("shift"):
            shifts.append(mean if summary is None else f"{summary.mean:+.2f}")
            cells += [" ".join(shifts)] if name == "shift_blue_8bit" else []
            continue
        cells.append(mean)
        if name in ("psnr_db", "edge_structure"):
            cells += (
                ["-"] * 3
                if summary is None
                else [
                    f"[{summary.low:.2f}, {summary.high:.2f}]",
                    f"{summary.median:.2f}",
                    f"{summary.worst:.2f} ({summary.worst_photo})",
                ]
            )
    speed = megapixels_per_second(method)
    return [*cells, "-" if speed is None else f"{speed:.3g}"]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines of one length, the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]

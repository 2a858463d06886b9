"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lgbpn_cli.evaluation.report.one_file import one_file_page
from lgbpn_cli.evaluation.report.scores import EvaluationReport
from lgbpn_cli.evaluation.report.table import (
    alarm_lines,
    comparison_lines,
    counted,
    decimals_of,
    rounded,
    table_rows,
    title_of,
)


def as_page(report: EvaluationReport, folder: Path) -> str:
    """Return the page's text, a file that needs nothing beside it.

    `folder` is where the page will lie: whole files are linked from there, so that page and photos can be
    moved together.
    """
    return one_file_page(
        "lgbpn report",
        "lgbpn_cli.evaluation.report",
        body="page.html",
        styles=["page.css"],
        scripts=["page.js", "viewer.js"],
        data=rounded(_data(report, folder)),
    )


def _data(report: EvaluationReport, folder: Path) -> dict[str, Any]:
    titles, *rows = table_rows(report)
    figures = report.figures()
    scores: dict[str, dict[str, dict[str, float | None]]] = {}
    for method in report.methods:
        for score in method.scores:
            values = {name: figure(score) for name, figure in figures.items()}
            scores.setdefault(score.photo, {})[method.label] = values
    return {
        "intro": f"{counted(report.photos())}, {'with' if report.has_reference else 'without'} references.",
        "hasReference": report.has_reference,
        "methods": [{"label": method.label} for method in report.methods],
        "summary": {"titles": titles, "rows": rows},
        "alarms": alarm_lines(report),
        "comparisons": comparison_lines(report),
        "figures": [
            {"key": name, "title": title_of(name), "decimals": decimals_of(name)} for name in figures
        ],
        "photos": [
            {
                "name": photo.name,
                "layers": photo.layers,
                "files": {label: _link(file, folder) for label, file in photo.files.items()},
                "crop": photo.crop,
                "size": photo.size,
                "correlation": photo.correlation,
                "scores": scores.get(photo.name, {}),
            }
            for photo in report.gallery
        ],
        "problems": [str(problem) for problem in report.problems],
        "facts": json.dumps(
            {**report.facts, "methods": {method.label: method.facts for method in report.methods}},
            indent=2,
            ensure_ascii=False,
        ),
    }


def _link(file: Path, folder: Path) -> str:
    """Return the URL of a file as seen from a page in `folder`; absolute from one Windows drive to another."""
    try:
        return quote(os.fsencode(Path(os.path.relpath(file.resolve(), folder.resolve())).as_posix()))
    except ValueError:
        return file.resolve().as_uri()

"""A web page as one file that needs nothing but itself: it asks no network for anything."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

FRAME = "one_file.html"


def one_file_page(
    title: str, room: str, *, body: str, styles: Sequence[str], scripts: Sequence[str], data: Any
) -> str:
    """Return the page's text: its body, styles and scripts are files in `room`, a package of lgbpn.

    Scripts find `data`, of what JSON knows, in the element of that name.
    """
    # No name of a file can end the script element: the data hold no "<".
    # Of a file name that is no text, what stands for its bytes cannot be written; "?" can.
    text = (
        json.dumps(data, ensure_ascii=False)
        .encode("utf-8", "replace")
        .decode("utf-8")
        .replace("<", "\\u003c")
    )
    parts = {
        "/*TITLE*/": title,
        "/*STYLE*/": _files(room, styles),
        "/*BODY*/": _files(room, [body]),
        "/*SCRIPT*/": _files(room, scripts),
        "/*DATA*/": text,  # last: what looks like a mark in it stays as it is
    }
    page = _files("lgbpn_cli.evaluation.report", [FRAME])
    for mark, content in parts.items():
        page = page.replace(mark, content, 1)
    return page


def _files(room: str, names: Sequence[str]) -> str:
    return "".join((files(room) / name).read_text("utf-8") for name in names)

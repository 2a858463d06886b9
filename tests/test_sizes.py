"""What a reader can take in at once: no function above 80 lines, no file above 400."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import pytest
from source_files import parsed

ROOMS = ("lgbpn_cli", "tests", "benchmarks", "docs")
FILE_LINES, FUNCTION_LINES = 400, 80


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function among these statements and in their bodies; expressions, which hold none, are not looked at."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        for inner in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from functions(getattr(node, inner, []))


def too_long(file: Path, name: str) -> list[str]:
    """What is too long in a file of this name, with its lines."""
    lines = file.read_text("utf-8").count("\n")
    found = [f"{name}: {lines} lines"] if lines > FILE_LINES else []
    # A function that is too long makes a file longer than that.
    for each in functions(parsed(file).body) if lines > FUNCTION_LINES else ():
        length = (each.end_lineno or each.lineno) - each.lineno + 1
        if length > FUNCTION_LINES:
            found.append(f"{name}: {each.name} has {length} lines")
    return found


def test_no_file_and_no_function_is_too_long(repo_root: Path) -> None:
    files = [file for room in ROOMS for file in sorted((repo_root / room).rglob("*.py"))]
    assert len(files) > 300
    assert [line for file in files for line in too_long(file, str(file.relative_to(repo_root)))] == []


BODY = "    pass\n"
FITS = "def short():\n" + (FUNCTION_LINES - 1) * BODY
INNER = f"async def inner():\n{80 * BODY}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (FITS, []),
        (FITS + BODY, ["a.py: short has 81 lines"]),
        (f"class A:\n{indent(INNER, '    ')}", ["a.py: inner has 81 lines"]),
        *(
            (f"{opened}\n{indent(INNER, '    ')}", ["a.py: inner has 81 lines"])
            for opened in (
                "try:\n    pass\nexcept OSError:",
                "if 1:\n    pass\nelse:",
                "with a:",
                "match 1:\n  case _:",
            )
        ),
        ("\n" * 401, ["a.py: 401 lines"]),
    ],
)
def test_what_is_too_long_is_found(tmp_path: Path, source: str, found: list[str]) -> None:
    file = tmp_path / "a.py"
    file.write_text(source)
    assert too_long(file, "a.py") == found

"""What a reader can take in at once: no function above 80 lines, no file above 400."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOMS = ("lgbpn_cli", "tests", "benchmarks", "docs")
FILE_LINES, FUNCTION_LINES = 400, 80


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def too_long(source: str, name: str) -> list[str]:
    """What is too long in a file of this name, with its lines."""
    lines = source.count("\n")
    found = [f"{name}: {lines} lines"] if lines > FILE_LINES else []
    for each in functions(source):
        length = (each.end_lineno or each.lineno) - each.lineno + 1
        if length > FUNCTION_LINES:
            found.append(f"{name}: {each.name} has {length} lines")
    return found


def test_no_file_and_no_function_is_too_long(repo_root: Path) -> None:
    files = [file for room in ROOMS for file in sorted((repo_root / room).rglob("*.py"))]
    assert len(files) > 300
    found = [
        line for file in files for line in too_long(file.read_text("utf-8"), str(file.relative_to(repo_root)))
    ]
    assert found == []


def test_what_is_too_long_is_found() -> None:
    body = "    pass\n"
    fits = "def short():\n" + (FUNCTION_LINES - 1) * body
    assert too_long(fits, "a.py") == []
    assert too_long(fits + body, "a.py") == ["a.py: short has 81 lines"]
    assert too_long(f"class A:\n    async def inner():\n{80 * ('    ' + body)}", "a.py") == [
        "a.py: inner has 81 lines"
    ]
    assert too_long("\n" * 401, "a.py") == ["a.py: 401 lines"]

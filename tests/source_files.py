"""The project's own files as trees, each parsed once for all tests that look at them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def parsed(file: Path) -> ast.Module:
    """The file as a tree."""
    return ast.parse(file.read_text("utf-8"))


@cache
def texts_in(file: Path) -> tuple[str, ...]:
    """Every text in a file, those of f-strings too, but no docstring."""
    docstrings, texts = set(), []
    # A statement comes before what it consists of: ast.walk goes through a tree level by level.
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(id(node.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            texts.append(node.value)
    return tuple(texts)

"""The layers of the package: imports point down only, wherever in a file they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "lgbpn_cli"
LAYERS = (
    {"__main__"},
    {"cli"},
    {"__init__"},
    {"app", "workshop"},
    {"denoiser"},
    {"batch", "evaluation", "training"},
    {"inference"},
    {"models"},
    {"network"},
    {"device"},
    {"training_config"},
    {"config"},
    {"errors", "file_names", "memory", "version"},
)
"""Each room may import itself and the rooms of the layers below its own."""
SERVING = {
    "photos": set[str](),
    "colour": {"photos"},
    "noise": set[str](),
    "adaptation": {"noise"},
    "mean_light": {"photos"},
    "mean_colour": {"noise"},
}
"""Rooms beside the layers, with what they may import besides LEAVES; never PyTorch."""
LEAVES = {"config", "errors", "file_names", "memory", "version"}
SERVED = {"app", "denoiser", "batch", "evaluation", "training"}
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported_modules(tree: ast.AST, package: str) -> Iterator[str]:
    """Every module imported anywhere below `tree`, in the form a.b.c; `package` resolves relative imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from lgbpn_cli import app` imports lgbpn_cli.app
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == PACKAGE else [module]


def may_import(room: str, other: str) -> bool:
    if room == other or (other in LEAVES and room not in LEAVES):
        return True
    if room in SERVING:
        return other in SERVING[room]
    if other in SERVING:
        return room in SERVED
    level = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    return level[room] < level[other]


def violations(source: str, room: str, package: str) -> list[str]:
    found = []
    for module in imported_modules(ast.parse(source), package):
        top = module.split(".")[0]
        if top == PACKAGE and not may_import(room, room_of(module)):
            found.append(f"{room} imports {module}")
        if top in ("torch", "torchvision") and room in SERVING:
            found.append(f"{room} imports {module}")
    return found


def package_files(repo_root: Path) -> list[tuple[Path, str]]:
    """The package's files, each with the package that holds it."""
    files = sorted((repo_root / PACKAGE).rglob("*.py"))
    return [(file, ".".join(file.relative_to(repo_root).parent.parts)) for file in files]


def room_of_file(file: Path, package: str) -> str:
    return file.stem if package == PACKAGE else room_of(package)


def test_every_import_points_down(repo_root: Path) -> None:
    found = []
    for file, package in package_files(repo_root):
        room = room_of_file(file, package)
        found += [f"{file.name}: {text}" for text in violations(file.read_text("utf-8"), room, package)]
    assert found == []


def test_every_room_has_its_place_in_the_layers(repo_root: Path) -> None:
    rooms = {room_of_file(file, package) for file, package in package_files(repo_root)}
    known = set[str]().union(*LAYERS) | set(SERVING)
    assert rooms - known == set()
    assert {"cli", "app", "batch", "photos", "config", "errors"} <= rooms


def test_no_file_is_named_after_nothing(repo_root: Path) -> None:
    assert [file for file, _ in package_files(repo_root) if file.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("batch", "from lgbpn_cli.app import denoise_file"),
        ("batch", "from lgbpn_cli import app"),
        ("batch", "import lgbpn_cli.training.trainer"),
        ("inference", "def run():\n    from lgbpn_cli.training import trainer"),
        ("inference", "from ..photos.read import read_photo"),
        ("inference", "from .. import app"),
        ("photos", "from lgbpn_cli.device import choose_device"),
        ("photos", "import torch.nn"),
        ("colour", "from torch import Tensor"),
        ("errors", "from lgbpn_cli.config import InferenceConfig"),
    ],
)
def test_an_import_that_points_up_is_found(room: str, source: str) -> None:
    assert len(violations(source, room, f"{PACKAGE}.{room}")) == 1


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("cli", "from lgbpn_cli import app"),
        ("cli", "from lgbpn_cli.errors import LgbpnError"),
        ("app", "from lgbpn_cli.photos.read import read_photo\nimport torch"),
        ("inference", "from .tiling import plan_tiles\nfrom ..network import lgbpn"),
    ],
)
def test_an_import_that_points_down_is_allowed(room: str, source: str) -> None:
    assert violations(source, room, f"{PACKAGE}.{room}") == []

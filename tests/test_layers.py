"""The layers of the package: imports point down only, wherever in a file they stand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from source_files import parsed

PACKAGE = "lgbpn_cli"
LAYERS = (
    {"__main__"},
    {"cli"},
    {"__init__"},
    {"app"},
    {"preview"},
    {"batch", "evaluation"},
    {"research"},
    {"training"},
    {"denoise"},
    {"noise"},
    {"inference"},
    {"models"},
    {"network", "photos"},
    {"image", "machine"},
    {"config"},
    {"errors", "version"},
)
"""Each room may import itself and the rooms of the layers below its own."""
WITHOUT_TORCH = (
    "image",
    "photos",
    "denoise.controls",
    "denoise.detail",
    "denoise.grain",
    "denoise.mean_colour",
    "denoise.mean_light",
    "denoise.working",
    "noise.measure",
    "noise.plot",
    "noise.summary",
)
"""Rooms and modules that never import PyTorch, wherever in them: what opens them alone does not wait for it."""
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
    level = {name: index for index, layer in enumerate(LAYERS) for name in layer}
    return room == other or level[room] < level[other]


def is_without_torch(module: str) -> bool:
    """Whether `module`, such as noise.measure, is one that PyTorch is kept out of."""
    return any(f"{module}.".startswith(f"{name}.") for name in WITHOUT_TORCH)


def violations(tree: ast.AST, module: str, package: str) -> list[str]:
    """What is imported against the rules in `module`, named without the package's own name."""
    found = []
    room = module.split(".")[0]
    for other in imported_modules(tree, package):
        top = other.split(".")[0]
        if top == PACKAGE and not may_import(room, room_of(other)):
            found.append(f"{module} imports {other}")
        if top in ("torch", "torchvision") and is_without_torch(module):
            found.append(f"{module} imports {other}")
    return found


def package_files(repo_root: Path) -> list[tuple[Path, str]]:
    """The package's files, each with the package that holds it."""
    files = sorted((repo_root / PACKAGE).rglob("*.py"))
    return [(file, ".".join(file.relative_to(repo_root).parent.parts)) for file in files]


def module_of(file: Path, package: str) -> str:
    """The module of a file, without the package's own name; of `__init__.py` the package that it opens."""
    inside = package.split(".")[1:]
    return ".".join(inside if inside and file.stem == "__init__" else [*inside, file.stem])


def test_every_import_points_down(repo_root: Path) -> None:
    found = []
    for file, package in package_files(repo_root):
        found += violations(parsed(file), module_of(file, package), package)
    assert found == []


def test_every_room_has_its_place_in_the_layers(repo_root: Path) -> None:
    modules = {module_of(file, package) for file, package in package_files(repo_root)}
    assert {module.split(".")[0] for module in modules} == set[str]().union(*LAYERS)
    assert [name for name in WITHOUT_TORCH if not any(is_without_torch(each) for each in modules)] == []
    assert {name for name in WITHOUT_TORCH if "." in name} <= modules


def test_no_file_is_named_after_nothing(repo_root: Path) -> None:
    assert [file for file, _ in package_files(repo_root) if file.stem in FORBIDDEN_NAMES] == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("batch", "from lgbpn_cli.app import denoise_file"),
        ("batch", "from lgbpn_cli import app"),
        ("batch", "import lgbpn_cli.app"),
        ("inference", "def run():\n    from lgbpn_cli.training.engine import trainer"),
        ("inference", "from ..denoise.working import to_working"),
        ("inference", "from .. import app"),
        ("photos", "from lgbpn_cli.network.lgbpn import LGBPN"),
        ("noise", "from lgbpn_cli.denoise.working import WorkingPixels"),
        ("photos", "import torch.nn"),
        ("noise.measure", "from torch import Tensor"),
        ("errors", "from lgbpn_cli.config import InferenceConfig"),
    ],
)
def test_an_import_that_points_up_is_found(module: str, source: str) -> None:
    room = module.split(".")[0]
    assert len(violations(ast.parse(source), module, f"{PACKAGE}.{room}")) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("cli", "from lgbpn_cli import app"),
        ("cli", "from lgbpn_cli.errors import LgbpnError"),
        ("app", "from lgbpn_cli.photos.read import read_photo\nimport torch"),
        ("inference", "from .tiling import plan_tiles\nfrom ..network import lgbpn"),
    ],
)
def test_an_import_that_points_down_is_allowed(module: str, source: str) -> None:
    assert violations(ast.parse(source), module, f"{PACKAGE}.{module}") == []

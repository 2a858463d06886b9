"""The JSON that commands print is as the schemas in docs/ say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image
from small_photos import Lgbpn, MakePhoto


@pytest.fixture
def validators(repo_root: Path) -> dict[str, Draft202012Validator]:
    found = {}
    for file in (repo_root / "docs" / "reference" / "schema").glob("*.json"):
        schema = json.loads(file.read_text("utf-8"))
        Draft202012Validator.check_schema(schema)
        found[file.stem] = Draft202012Validator(schema)
    return found


def lines_of(result: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_lines_of_denoise(
    lgbpn: Lgbpn, make_photo: MakePhoto, tmp_path: Path, validators: dict[str, Draft202012Validator]
) -> None:
    """Each status a photo can have; a photo of low ISO has no target."""
    good, out = make_photo("in/good.png"), tmp_path / "out"
    (tmp_path / "in" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    low = make_photo("in/low.jpg")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[34855] = 100
    with Image.open(low) as image:
        image.save(low, exif=exif)
    options = ("denoise", good.parent, "-o", out, "--min-iso", "400", "--json")
    lines = lines_of(lgbpn(*options, "-n")) + lines_of(lgbpn(*options)) + lines_of(lgbpn(*options))
    assert {line["status"] for line in lines} == {"planned", "done", "skipped", "failed"}
    assert None in [line["target"] for line in lines]
    for line in lines:
        validators["denoise"].validate(line)


def test_the_document_of_probe(
    lgbpn: Lgbpn, tmp_path: Path, validators: dict[str, Draft202012Validator]
) -> None:
    random = np.random.default_rng(0)
    for name, shape in (("colour.png", (200, 240, 3)), ("grey.png", (200, 240)), ("small.png", (8, 8, 3))):
        noisy = np.clip(random.normal(120, 8, shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    document = json.loads(lgbpn("probe", tmp_path, "--json").stdout)
    assert len(document["photos"]) == 2
    assert document["groups"]
    assert document["too_small"]
    assert document["failures"]
    validators["probe"].validate(document)


@pytest.mark.parametrize("change", [{"status": "lost"}, {"new": 1}, {"seconds": "3"}])
def test_a_line_that_differs_is_found(
    change: dict[str, Any], validators: dict[str, Draft202012Validator]
) -> None:
    names = ("target", "seconds", "megapixels", "device", "model", "seed")
    line = {"source": "a.jpg", "status": "failed", "error": "a.jpg: is empty", **dict.fromkeys(names)}
    assert validators["denoise"].is_valid(line)
    assert not validators["denoise"].is_valid({**line, **change})

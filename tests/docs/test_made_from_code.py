"""Pages that are made from schemas: each becomes a table, whatever its fields can be."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = sorted(path.stem for path in (ROOT / "docs" / "reference" / "schema").glob("*.json"))


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_shown_on_the_page_of_json(name: str) -> None:
    spec = importlib.util.spec_from_file_location("made_from_code", ROOT / "docs" / "made_from_code.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "reference" / "json.md").read_text("utf-8")
    assert f"<!-- schema: {name} -->" in page
    shown = module.on_page_markdown(f"<!-- schema: {name} -->")
    assert f"[{name}.json](schema/{name}.json)" in shown
    assert "| Field | Type | |" in shown

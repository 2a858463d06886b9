"""What a run notes down about itself, in JSON files that are there whole or not at all, whenever it is killed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lgbpn_cli.photos.atomic import replace_file


def keep_json(path: Path, content: Any) -> None:
    """Write `content`, of what JSON knows, to `path`; raises OSError, and what was there before then still stands."""
    text = json.dumps(content)
    with replace_file(path) as file:
        file.write(text.encode("utf-8"))

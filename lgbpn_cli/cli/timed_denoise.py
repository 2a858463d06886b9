"""The program that `lgbpn bench --whole` runs: `lgbpn denoise`, with a stopwatch. It imports nothing before."""

from __future__ import annotations

import sys

from lgbpn_cli.machine.stopwatch import Stopwatch, start_watch

FIRST_PART = "start"


def main() -> None:
    """Run `lgbpn denoise` with the arguments behind the first two, which are when it began and where parts go."""
    began, parts = float(sys.argv[1]), sys.argv[2]
    sys.argv[1:3] = ["denoise"]
    watch = start_watch(FIRST_PART, began)
    from lgbpn_cli.cli.main import main as lgbpn

    try:
        lgbpn()
    finally:
        _keep(watch, parts)


def _keep(watch: Stopwatch, parts: str) -> None:
    import json
    from pathlib import Path

    watch.switch_to("end")
    found = {name: [spent.seconds, spent.cpu_seconds] for name, spent in watch.spent.items()}
    Path(parts).write_text(json.dumps(found), encoding="utf-8")

"""`lgbpn devices`: what there is to compute on."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer


def devices(
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object to standard output.")
    ] = False,
) -> None:
    """List the devices that PyTorch can use here, and which one `--device auto` takes.

    Example: lgbpn devices
    """
    from lgbpn_cli.machine.device import list_devices

    found = list_devices()
    if as_json:
        typer.echo(
            json.dumps(
                {"auto": found.auto, "why": found.why, "devices": [asdict(each) for each in found.devices]}
            )
        )
        return
    for each in found.devices:
        free = "unknown" if each.free_bytes is None else f"{each.free_bytes / 1e9:.1f} GB"
        precisions = ", ".join(each.precisions)
        typer.echo(f"{each.name}: {each.description}")
        typer.echo(
            f"  free memory {free}; computes in {precisions}; --precision auto takes {each.auto_precision}"
        )
    typer.echo(f"--device auto takes {found.auto}: {found.why}")

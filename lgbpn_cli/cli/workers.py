"""The options by which photos are denoised in several processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import typer

from lgbpn_cli.errors import UsageError

AUTO = "auto"
PROTOCOLS = ("tcp", "tls", "ws", "wss", "ucx", "ucxx")
"""By which dask talks to schedulers; in practice the first two."""

WorkersOption = Annotated[
    str | None,
    typer.Option(
        "--workers",
        metavar="NUMBER|auto",
        help="Denoise in this many processes here, each with its own GPU if there are any; auto: one for each GPU. "
        'Needs pip install "lgbpn[cluster]".',
        show_default="this process alone",
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Denoise on the workers of a dask scheduler, such as tcp://host:8786. They must all see the photos under "
        "the same path.",
        show_default=False,
    ),
]


@dataclass(frozen=True)
class Workers:
    """What these options ask for."""

    number: int | None
    """None: as many as there are GPUs."""
    scheduler: str | None


def read_workers(workers: str | None, scheduler: str | None, *, with_page: bool) -> Workers | None:
    """Return the workers asked for, None for none. UsageError for options that cannot work together."""
    if workers is None and scheduler is None:
        return None
    if workers is not None and scheduler is not None:
        raise UsageError(
            "--workers",
            "cannot be combined with --scheduler, which has its own",
            "Omit one of them.",
        )
    if with_page:
        raise UsageError(
            "--html", "does not work with workers", "Omit it, or compare with lgbpn eval --html."
        )
    if scheduler is not None:
        if not _is_address(scheduler):
            raise UsageError(
                f"--scheduler {scheduler}", "not an address", "Use tcp://host:8786, for instance."
            )
        return Workers(None, scheduler)
    if workers == AUTO:
        return Workers(None, None)
    if not (workers or "").isdecimal() or not int(workers or ""):
        raise UsageError(f"--workers {workers}", "not a number of processes", "Use 2, for instance, or auto.")
    return Workers(int(workers or ""), None)


def _is_address(text: str) -> bool:
    """Whether dask could reach a scheduler by it."""
    try:
        parts = urlsplit(text)
        return bool(parts.scheme in PROTOCOLS and parts.hostname and parts.port)
    except ValueError:  # a port that is no number
        return False

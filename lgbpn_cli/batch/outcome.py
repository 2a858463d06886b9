"""What became of each photo, and who is told about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from lgbpn_cli.denoise.denoiser import Denoiser


@dataclass(frozen=True)
class Job:
    """One photo and the file its result goes to."""

    source: Path
    target: Path

    def __str__(self) -> str:
        """The job as a user reads it."""
        return f"{self.source} -> {self.target}"


class Status(StrEnum):
    """How a photo ended."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    PLANNED = "planned"


@dataclass(frozen=True)
class Failure:
    """Why a photo failed, as text: a kept exception would keep the photo's pixels in memory with it."""

    message: str
    """One line: the file, the cause, the cure."""
    traceback: str | None = None
    """The full traceback of an error that was not foreseen."""
    is_full_disk: bool = False
    """Whether the result found no space: those after it will hardly find any."""


@dataclass(frozen=True)
class Outcome:
    """What became of one photo."""

    source: Path
    target: Path | None
    status: Status
    seconds: float | None = None
    """Time spent on this photo alone; with PLANNED the estimate."""
    megapixels: float | None = None
    failure: Failure | None = None
    colour_shift_levels: tuple[float, ...] | None = None
    """By how much the mean of each channel rose, in 8-bit levels; with DONE."""
    model: str | None = None
    """The model that denoised it; with DONE."""
    device: str | None = None
    """Where that was done; with DONE."""
    expected_bytes: int | None = None
    """Most memory that it would take; with PLANNED."""


@dataclass(frozen=True)
class RunFacts:
    """What all photos of one run have in common."""

    device: str
    device_description: str
    device_note: str | None
    """What the user should know about the choice of the device."""
    model: str
    seed: int
    settings: str
    """Everything that decides about the pixels, as it is recorded in the results."""

    @classmethod
    def of(cls, denoiser: Denoiser) -> RunFacts:
        """Return the facts of a run with this denoiser."""
        device = denoiser.model.device
        return cls(
            device=device.name,
            device_description=device.description,
            device_note=device.note,
            model=denoiser.model.name,
            seed=denoiser.settings.seed,
            settings=denoiser.record.settings,
        )


class Listener(Protocol):
    """Who follows a run; every call comes from the main thread."""

    def note(self, text: str) -> None:
        """Something the user should know, one line."""

    def found_file(self) -> None:
        """One more file was looked at, before it is known which of them are photos to denoise."""

    def prepared(self, facts: RunFacts, photos: int) -> None:
        """Device and model are ready; `photos` photos are to be denoised."""

    def found_work(self, photos: int) -> None:
        """So many more photos are to be denoised than `prepared` said."""

    def workers(self, number: int) -> None:
        """So many workers are there now, where photos are denoised by workers."""

    def started(self, job: Job) -> None:
        """The network begins with a photo."""

    def planned(self, plan: object) -> None:
        """How the photo at hand is done: device, precision, tiles, memory; `str` makes it a line."""

    def tile(self, done: int, total: int) -> None:
        """The network has finished `done` of the photo's `total` tiles."""

    def finished(self, outcome: Outcome) -> None:
        """A photo is done, skipped, planned, or has failed."""

"""The noise of many photos, each by itself and by camera and ISO, and what it means in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lgbpn_cli.batch.pipeline import describe_failure
from lgbpn_cli.denoise.working import WorkingPixels
from lgbpn_cli.noise.measure import SMALLEST_SIDE_PX, CellEstimator, NoiseMeasurement, measure_noise
from lgbpn_cli.noise.summary import NoiseSummary, summarise
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.raw.noise import MosaicSummary, summarise_mosaic
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.shot import Shot, shot_of


@dataclass(frozen=True)
class ProbedPhoto:
    """One photo and its noise."""

    path: Path
    shot: Shot
    noise: NoiseMeasurement
    mosaic: MosaicSummary | None = None
    """Of a camera raw file with a Bayer mosaic."""


@dataclass
class Probe:
    """All photos of a call."""

    photos: list[ProbedPhoto] = field(default_factory=list)
    too_small: list[Path] = field(default_factory=list)
    """Photos in which nothing can be measured."""
    failures: list[str] = field(default_factory=list)
    """A line for each photo that cannot be read."""
    interrupted: bool = False
    """Ctrl-C came before the last photo."""

    def notes(self) -> list[str]:
        """Return what became of photos that have no measurement, a line each."""
        lines = [f"failed: {failure}" for failure in self.failures]
        lines += [
            f"{path}: too small to measure (a side below {SMALLEST_SIDE_PX} px)" for path in self.too_small
        ]
        if self.interrupted:
            lines.append(f"stopped; {len(self.photos)} measured")
        return lines

    def groups(self) -> dict[Shot, NoiseSummary]:
        """Return the noise of each camera at each ISO."""
        shots = sorted({photo.shot for photo in self.photos})
        return {
            shot: summarise([photo.noise for photo in self.photos if photo.shot == shot]) for shot in shots
        }


def probe_photos(
    paths: Sequence[Path],
    estimator: CellEstimator,
    on_step: Callable[[int, int], None] | None = None,
    read: Callable[[Path], Photo] = read_photo,
) -> Probe:
    """Return the noise of every photo that can be read; one at a time is in memory.

    `on_step` is told how many of how many are done. Ctrl-C ends it with what was measured by then.
    """
    probe = Probe()
    for done, path in enumerate(paths):
        if on_step is not None:
            on_step(done, len(paths))
        try:
            _measure(path, estimator, probe, read)
        except KeyboardInterrupt:
            probe.interrupted = True
            break
        except Exception as error:  # noqa: BLE001 - whatever one photo does to any library, the others go on
            probe.failures.append(describe_failure(path, error).message)
    return probe


def _measure(path: Path, estimator: CellEstimator, probe: Probe, read: Callable[[Path], Photo]) -> None:
    photo = read(path)
    if min(photo.pixels.shape[:2]) < SMALLEST_SIDE_PX:
        probe.too_small.append(path)
        return
    noise = measure_noise(WorkingPixels(photo), estimator)
    shot = shot_of(photo)
    mosaic = None if photo.mosaic is None else summarise_mosaic(photo.mosaic, shot.iso)
    probe.photos.append(ProbedPhoto(path, shot, noise, mosaic))


def as_document(probe: Probe) -> dict[str, object]:
    """Return all of it as JSON takes it."""

    def entry(summary: NoiseSummary, shot: Shot) -> dict[str, object]:
        return {**asdict(shot), **asdict(summary), "words": summary.words(), "advice": summary.advice()}

    return {
        "photos": [
            {
                "path": str(photo.path),
                **entry(summarise([photo.noise]), photo.shot),
                "brightness_8bit": photo.noise.brightness_8bit,
                "curve_8bit": photo.noise.level_8bit,
                "luma_correlation": photo.noise.luma_correlation,
                "mosaic": None if photo.mosaic is None else asdict(photo.mosaic),
            }
            for photo in probe.photos
        ],
        "groups": [entry(summary, shot) for shot, summary in probe.groups().items()],
        "too_small": [str(path) for path in probe.too_small],
        "failures": probe.failures,
        "interrupted": probe.interrupted,
    }

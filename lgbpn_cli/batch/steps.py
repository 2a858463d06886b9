"""What is done to each photo of a run: read, denoised with the model that suits it, written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lgbpn_cli.batch.order import Order
from lgbpn_cli.batch.outcome import Listener
from lgbpn_cli.batch.pipeline import Steps
from lgbpn_cli.batch.results import write_result
from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.denoise.by_camera import DenoiserOfCamera
from lgbpn_cli.denoise.denoiser import Denoiser
from lgbpn_cli.denoise.raw_path import takes_mosaics
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.machine.memory import room_for_reading
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import prepare_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.shot import Shot


@dataclass
class Cameras:
    """Camera and ISO of the photos that are read and not yet denoised, where those decide about the model."""

    keep: bool
    shots: dict[Path, Shot] = field(default_factory=dict)


def reading_process(output: OutputConfig, own_limit: int | None) -> ReadingProcess:
    """Return a process for reading that leaves the program its memory, of which `own_limit` is all, or None."""
    return ReadingProcess(
        time_limit_s=output.photo_time_limit_s, max_bytes=lambda: room_for_reading(own_limit)
    )


def reader(reading: ReadingProcess, order: Order, camera: Cameras) -> Callable[[Path], Photo]:
    """Return what reads a photo as its result needs it; its camera is noted where that decides about the model."""
    as_mosaic = takes_mosaics(None if camera.keep else order.model, order.settings)

    def read(source: Path) -> Photo:
        photo, shot = prepare_photo(reading, source, order.output, as_mosaic=as_mosaic)
        if camera.keep:
            camera.shots[source] = shot
        return photo

    return read


def steps_of(
    read: Callable[[Path], Photo],
    denoiser: Denoiser,
    camera: Cameras,
    settings: InferenceConfig,
    listener: Listener,
    *,
    overlap: bool,
) -> Steps:
    """Return what is done to each photo of a run."""
    by_photo: Denoiser | DenoiserOfCamera = denoiser
    if camera.keep:
        # Only teachers have presets: with one, the default's quality is theirs, and every camera's has to be, too.
        quality = denoiser.settings.quality if settings.preset else settings.quality
        by_photo = DenoiserOfCamera(denoiser, quality, camera.shots)
    output = denoiser.output
    return Steps(
        read=read,
        run=lambda photo, on_tile: by_photo.denoise(photo, Watch(on_tile, listener.planned, listener.note)),
        write=lambda denoised, target: write_result(denoised, target, output),
        is_done=lambda target: target.exists() and not (output.overwrite or output.in_place),
        overlap=overlap,
    )

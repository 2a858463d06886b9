"""A preview from a photo to its page, read top to bottom in `write_preview`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from lgbpn_cli.batch.selection import check_inputs
from lgbpn_cli.config import InferenceConfig, OutputConfig, Quality, RawPath
from lgbpn_cli.denoise.by_camera import AUTO_MODEL, DenoiserOfCamera
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.denoise.raw_path import takes_mosaics
from lgbpn_cli.denoise.working import WorkingPixels
from lgbpn_cli.errors import UsageError
from lgbpn_cli.evaluation.report.files import check_report_file, write_report
from lgbpn_cli.evaluation.report.gallery import Rectangle
from lgbpn_cli.image.types import Window
from lgbpn_cli.inference.watch import Watch
from lgbpn_cli.models.manifest import find_model
from lgbpn_cli.models.names import DEFAULT_MODEL, WEIGHT_SUFFIX
from lgbpn_cli.noise.summary import summarise
from lgbpn_cli.photos.metadata.orientation import LYING
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.prepare import prepare_photo
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.shot import Shot
from lgbpn_cli.preview.looks import QUALITIES, ShownLook, looks_for, qualities_for
from lgbpn_cli.preview.page import NOISY, ShownPlace, Way, as_page, picture_url
from lgbpn_cli.preview.parts import WholePhoto, cut_out, denoised_part
from lgbpn_cli.preview.places import Place, place_at, telling_places

OPTION = "-o"
SIDE_PX = 320
"""Of the places that are shown."""
BACK = {6: 8, 8: 6}
"""Orientations that undo others than themselves."""
FIRST_PAGE_NOTE = "its first page is shown; lgbpn denoise does all of them"
WHOLE_NOTE = "the model is a teacher, which looks at whole photos: this takes as long as denoising the photo"

Point = tuple[int, int]
"""Column and row in a photo as it is shown, upright."""


def write_preview(
    path: Path,
    page: Path,
    *,
    at: Sequence[Point] = (),
    model: str | None = None,
    device: str = "auto",
    raw_path: RawPath = InferenceConfig.raw_path,
    on_note: Callable[[str], None] = lambda _: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write a page that shows places of a photo, denoised in several ways, for people to choose from.

    Without points `at` which places lie, three telling ones are found. Only the places and what the network sees round
    them are denoised; what they show is what the whole photo's result has there. `on_step` is told how many of how
    many network runs are done. Raises UsageError for a call that cannot work, and PhotoError.
    """
    check_inputs([path])
    if path.is_dir():
        raise UsageError(path, "is a folder", "Give one photo.")
    check_report_file(OPTION, page, ".html")
    named = None if model == AUTO_MODEL else model
    settings = InferenceConfig(quality=_first_quality(named), raw_path=raw_path)
    as_mosaic = takes_mosaics(named, settings)
    with ReadingProcess() as reading:
        photo, shot = prepare_photo(reading, path, OutputConfig(), as_mosaic=as_mosaic)
    for text in (*photo.notes, *([FIRST_PAGE_NOTE] if photo.further else [])):
        on_note(f"{path}: {text}")
    shown = _shown_part(photo)
    points = [_stored(point, photo, shown) for point in at]

    denoiser = _denoiser_for(shot, model, device, settings, on_note)
    own = denoiser.model.quality(denoiser.settings.quality)
    whole = WholePhoto.seen(photo, denoiser)
    places = [place_at(*point, photo.pixels.shape[:2], SIDE_PX, within=shown) for point in points]
    if not at:
        places = telling_places(WorkingPixels(photo), whole.noise.mean_variance_at, SIDE_PX, within=shown)
    qualities = qualities_for(own)
    looks = looks_for(photo.pixels.shape[2])
    steps = count(1)
    on_step(0, len(places) * len(qualities))
    pictures = [
        _with_pictures(
            whole,
            denoiser,
            place,
            qualities,
            looks,
            shown,
            lambda: on_step(next(steps), len(places) * len(qualities)),
        )
        for place in places
    ]
    command = ["lgbpn", "denoise", str(path), *_further_options(model, raw_path)]
    ways = [Way(NOISY, NOISY, None), *(_way(quality, look, own) for quality in qualities for look in looks)]
    write_report(OPTION, page, as_page(path.name, _intro(whole, denoiser), command, ways, pictures))


def _first_quality(model: str | None) -> Quality | None:
    """Return the quality that is shown first: fast where the model has a student, else its own."""
    name = model or DEFAULT_MODEL
    has_student = not name.endswith(WEIGHT_SUFFIX) and "student" in find_model(name).parts
    return QUALITIES[0] if has_student else None


def _denoiser_for(
    shot: Shot, model: str | None, device: str, settings: InferenceConfig, on_note: Callable[[str], None]
) -> Denoiser:
    """Return the denoiser with that model, or, for `auto`, with the user's own for the camera that took the photo."""
    if model != AUTO_MODEL:
        denoiser = prepare(model, device, settings)
    else:
        by_camera = DenoiserOfCamera(prepare(None, device, settings), None, {})
        denoiser = by_camera.suited(shot, Watch(note=on_note))
    if denoiser.model.part == "teacher":
        on_note(WHOLE_NOTE)
    return denoiser


def _shown_part(photo: Photo) -> Window:
    """Return the part that is shown to people: of camera raw, what its maker means to be."""
    height, width = photo.pixels.shape[:2]
    left, top, width, height = photo.camera.crop if photo.camera is not None else (0, 0, width, height)
    return slice(top, top + height), slice(left, left + width)


def _stored(point: Point, photo: Photo, shown: Window) -> Point:
    """Return where a point of the upright photo lies as it is stored; UsageError outside of it."""
    rows, columns = shown
    width, height = columns.stop - columns.start, rows.stop - rows.start
    if photo.orientation in LYING:
        width, height = height, width
    x, y = point
    if not (0 <= x < width and 0 <= y < height):
        cause = f"is not inside the photo, which is {width} x {height} px"
        raise UsageError(f"`at` {x},{y}", cause, "Count from its upper left corner.")
    back = BACK.get(photo.orientation, photo.orientation)
    found = Rectangle(x, y, 1, 1, width, height).turned_upright(back)
    return columns.start + found.left, rows.start + found.top


def _with_pictures(
    whole: WholePhoto,
    denoiser: Denoiser,
    place: Place,
    qualities: Sequence[Quality],
    looks: Sequence[ShownLook],
    shown: Window,
    on_quality: Callable[[], None],
) -> ShownPlace:
    """Return a place with the pictures of all ways."""
    rows, columns = place.window
    pictures = {NOISY: picture_url(cut_out(replace(whole.photo, mosaic=None), place.window))}
    for quality in qualities:
        of_quality = replace(denoiser, settings=replace(denoiser.settings, quality=quality))
        parts = denoised_part(whole, of_quality, place.window, [each.look for each in looks])
        for look, part in zip(looks, parts, strict=True):
            pictures[_key(quality, look)] = picture_url(part)
        on_quality()
    upright = Rectangle(
        columns.start - shown[1].start,
        rows.start - shown[0].start,
        columns.stop - columns.start,
        rows.stop - rows.start,
        shown[1].stop - shown[1].start,
        shown[0].stop - shown[0].start,
    ).turned_upright(whole.photo.orientation)
    return ShownPlace(place.name, (upright.left, upright.top), (upright.width, upright.height), pictures)


def _key(quality: str, look: ShownLook) -> str:
    return f"{quality} {look.name}"


def _way(quality: str, look: ShownLook, own: str) -> Way:
    flags = (*look.flags, *(() if quality == own else ("--quality", quality)))
    return Way(_key(quality, look), f"{quality}, {look.name}", flags)


def _further_options(model: str | None, raw_path: str) -> list[str]:
    """Return the options of the preview that the denoising has to be called with, too."""
    options = [] if model is None else ["--model", model]
    return options if raw_path == InferenceConfig.raw_path else [*options, "--raw-path", raw_path]


def _intro(whole: WholePhoto, denoiser: Denoiser) -> str:
    """Return size, noise and model in a line."""
    photo = whole.photo
    raw_model = denoiser.model_for_mosaic(photo)
    words = [f"{photo.megapixels:.1f} megapixels"]
    if raw_model is None:
        red, green, blue = summarise([whole.noise]).level_8bit
        words.append(f"noise: red {red:.1f}, green {green:.1f}, blue {blue:.1f} of 255")
    else:
        words.append("denoised on the sensor's mosaic")
    return f"{'; '.join(words)}; model {(raw_model or denoiser.model).name}."

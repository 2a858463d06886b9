"""Which noisy picture belongs to which reference, and the two as arrays."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from lgbpn_cli.config.file_names import fits
from lgbpn_cli.denoise.working import decode_light, encode_light, to_working
from lgbpn_cli.errors import PhotoError, UsageError
from lgbpn_cli.evaluation.problems import Problem
from lgbpn_cli.evaluation.raw_shots import LEFT_OUT, Shot, brightness_over, developed_as, with_colours
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.suffixes import PHOTO_SUFFIXES
from lgbpn_cli.research.matlab_blocks import MATLAB_SUFFIX, ReadBlock, read_blocks

RESULT_SUFFIX = "_denoised"
"""What `lgbpn denoise` adds to the name of a result beside its photo; results are found with and without."""
ReadPhoto = Callable[[Path], Photo]


@dataclass(frozen=True)
class Picture:
    """One picture that can be read when its turn comes."""

    shown: str
    """What a message calls it."""
    file: Path | None
    """Its own file, to link to; None for a block inside a .mat file."""
    read: Callable[[], Photo]


@dataclass(frozen=True)
class Collection:
    """The pictures of a file or folder by the name they are paired by."""

    pictures: dict[str, Picture]
    problems: tuple[Problem, ...] = ()
    """Files that cannot take part, with the reason."""

    def among(self, only: tuple[str, ...], exclude: tuple[str, ...]) -> Collection:
        """Return those pictures whose name fits a pattern of `only` (if there is one) and none of `exclude`."""
        chosen = {
            name: picture
            for name, picture in self.pictures.items()
            if (not only or fits(only, {name})) and not fits(exclude, {name})
        }
        return replace(self, pictures=chosen)


@dataclass(frozen=True)
class Pair:
    """A noisy picture, its reference if there is one, and finished results to measure (None: missing)."""

    name: str
    noisy: Picture
    reference: Picture | None
    denoised: tuple[Picture | None, ...] = ()


@dataclass(frozen=True)
class Pairing:
    """All pairs, and each file that found no partner."""

    pairs: tuple[Pair, ...]
    problems: tuple[Problem, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class PairPixels:
    """A pair that was read."""

    noisy: np.ndarray
    """(h, w, 3) float32 in 0..1."""
    reference: np.ndarray | None
    """Its like."""
    orientation: int
    """EXIF orientation of the noisy picture; pixels are as they lie in the file."""
    raw: Photo | None = None
    """The noisy picture where it is a camera raw file: with its mosaic, if any, and demosaiced pixels."""
    brightness: float = 1.0
    """How many times as bright as its reference a camera raw file was, before the darker of both was brightened."""


def pair_pictures(
    noisy: Path,
    reference: Path | None,
    denoised: tuple[Path, ...] = (),
    pattern: str | None = None,
    *,
    only: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    read: ReadPhoto = read_photo,
) -> Pairing:
    """Return the pairs of two folders by file stem (or by pattern), of two files, or of two .mat files.

    A pattern is NOISY=REFERENCE, stems with {} for what both have in common. Results are paired with the
    noisy photos by stem, with or without `_denoised`. Without a reference every noisy picture stands alone.
    `only` and `exclude` choose among the names that pairs have; what they leave out is not a problem.
    Raises UsageError where a path is missing, a file meets a folder, or nothing pairs.
    """
    left_pattern, _, right_pattern = (pattern or "").partition("=")
    same_folder = noisy == reference
    first = collect(noisy, left_pattern, strict=not same_folder, read=read)
    if not first.pictures:
        raise UsageError(
            noisy,
            "no photos to measure were found there",
            "Photos are JPEG, PNG, TIFF and raw files, among others.",
        )
    first = first.among(only, exclude)
    if not first.pictures:
        cause = f"it leaves no photo of {noisy}"
        raise UsageError("`only`" if only else "`exclude`", cause, "Names are compared without their ending.")
    if reference is None:
        pairs: list[tuple[str, Picture, Picture | None]] = [
            (name, picture, None) for name, picture in sorted(first.pictures.items())
        ]
        problems = list(first.problems)
    else:
        second = collect(reference, right_pattern, strict=not same_folder, read=read)
        if reference.is_dir() or len(second.pictures) > 1:
            second = second.among(only, exclude)
        pairs, problems = _match(first, second, noisy, reference)
    results = [_named_like(collect(folder, read=read), first) for folder in denoised]
    return Pairing(
        tuple(
            Pair(name, left, right, tuple(found.get(name) for found in results))
            for name, left, right in pairs
        ),
        tuple(problems),
    )


def collect(
    path: Path, pattern: str = "", *, strict: bool = True, read: ReadPhoto = read_photo
) -> Collection:
    """Return the pictures at `path`: a photo, the photos of a folder (not of sub-folders), or .mat blocks.

    `strict` names the files of a folder that do not fit the pattern; otherwise they are passed over.
    """
    if path.is_dir():
        return _folder(path, pattern, strict, read)
    if not path.exists():
        raise UsageError(path, "there is no such file or folder", "Check the path.")
    if path.suffix.lower() == MATLAB_SUFFIX:
        blocks = read_blocks(path)
        return Collection(
            {
                name: Picture(f"{path}, block {name}", None, _block_reader(path, read))
                for name, read in blocks.items()
            }
        )
    return Collection({path.stem: _file(path, read)})


def read_pair(pair: Pair) -> PairPixels:
    """Return the pixels of the noisy picture and its reference.

    Two camera raw files are developed alike, and the reference is made as bright as the noisy one where it is darker.
    Raises PhotoError where one cannot be read, or they differ in size, bit depth, camera, exposure or scene.
    """
    noisy = with_colours(pair.noisy.read())
    raw = noisy if noisy.camera is not None else None
    image = to_working(noisy)
    if pair.reference is None:
        return PairPixels(image, None, noisy.orientation, raw)
    reference = with_colours(pair.reference.read())
    if noisy.pixels.shape[:2] != reference.pixels.shape[:2]:
        sizes = f"{_size(noisy)} px, but {pair.reference.shown} is {_size(reference)} px"
        raise PhotoError(pair.noisy.shown, sizes, LEFT_OUT)
    if noisy.bit_depth != reference.bit_depth:
        depths = f"it has {noisy.bit_depth} bits, but {pair.reference.shown} has {reference.bit_depth}"
        raise PhotoError(pair.noisy.shown, depths, LEFT_OUT)
    alike = developed_as(Shot(reference, pair.reference.shown), Shot(noisy, pair.noisy.shown))
    pictured = to_working(alike)
    if raw is None:
        return PairPixels(image, pictured, noisy.orientation)
    brightness = brightness_over(image, pictured, pair.noisy.shown, pair.reference.shown)
    if brightness > 1:
        pictured = brightened(pictured, brightness)
    return PairPixels(image, pictured, noisy.orientation, raw, brightness)


def brightened(picture: np.ndarray, factor: float) -> np.ndarray:
    """Return an encoded picture with its light multiplied."""
    return encode_light(decode_light(picture) * np.float32(factor))


def read_result(picture: Picture, pixels: PairPixels, noisy: str) -> np.ndarray:
    """Return a finished result for a pair, (h, w, 3) float32 in 0..1; `noisy` is what its noisy photo is called.

    Raises PhotoError where it is of another shape, or pixels of a camera are compared with others.
    """
    result = with_colours(picture.read())
    if pixels.raw is not None:
        result = developed_as(Shot(result, picture.shown), Shot(pixels.raw, noisy))
    image, shape = to_working(result), pixels.noisy.shape
    if image.shape != shape:
        cause = f"{image.shape[1]}x{image.shape[0]} px, but its noisy photo is {shape[1]}x{shape[0]} px"
        raise PhotoError(picture.shown, cause, LEFT_OUT)
    return image


def _match(
    first: Collection, second: Collection, noisy: Path, reference: Path
) -> tuple[list[tuple[str, Picture, Picture | None]], list[Problem]]:
    if len(first.pictures) == 1 and len(second.pictures) == 1 and noisy.is_file() and reference.is_file():
        ((name, left),), (right,) = first.pictures.items(), second.pictures.values()
        return [(name, left, right)], []
    if noisy.is_dir() != reference.is_dir():
        raise UsageError(noisy, "a file cannot be paired with a folder", "Give two files or two folders.")
    problems = [*first.problems, *second.problems]
    problems += [
        Problem(picture.shown, "no reference has its name")
        for name, picture in first.pictures.items()
        if name not in second.pictures
    ]
    problems += [
        Problem(picture.shown, "no noisy photo has its name")
        for name, picture in second.pictures.items()
        if name not in first.pictures
    ]
    common = sorted(first.pictures.keys() & second.pictures.keys())
    if not common:
        cure = "Pairs are found by file name; see `pair_pattern`."
        raise UsageError(noisy, f"no photo there has the name of one in {reference}", cure)
    return [(name, first.pictures[name], second.pictures[name]) for name in common], problems


def _folder(folder: Path, pattern: str, strict: bool, read: ReadPhoto) -> Collection:
    stem_of_pair = re.compile("(.+)".join(re.escape(part) for part in (pattern or "{}").split("{}")))
    pictures: dict[str, Picture] = {}
    problems: list[Problem] = []
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(folder, f"cannot be read ({error.strerror})", "Check its permissions.") from error
    for path in files:
        if path.suffix.lower() not in PHOTO_SUFFIXES or path.name.startswith("."):
            continue
        fit = stem_of_pair.fullmatch(path.stem)
        if fit is None:
            cause = f"its name does not fit the pattern '{pattern}'"
            problems += [Problem(str(path), cause)] if strict else []
        elif (name := "/".join(fit.groups())) in pictures:
            problems.append(
                Problem(str(path), f"{pictures[name].shown} has the same name and is taken instead")
            )
        else:
            pictures[name] = _file(path, read)
    return Collection(pictures, tuple(problems))


def _named_like(results: Collection, noisy: Collection) -> dict[str, Picture]:
    """Return the results by the stem of their noisy photo, whatever --pair-pattern made of that."""
    by_stem = {
        name.removesuffix(RESULT_SUFFIX): picture for name, picture in results.pictures.items()
    } | results.pictures
    stems = {name: picture.file.stem if picture.file else name for name, picture in noisy.pictures.items()}
    found = {name: by_stem[stem] for name, stem in stems.items() if stem in by_stem}
    if not found and len(results.pictures) == len(noisy.pictures) == 1:
        return dict(zip(noisy.pictures, results.pictures.values(), strict=True))
    return found


def _file(path: Path, read: ReadPhoto) -> Picture:
    return Picture(str(path), path, partial(read, path))


def _block_reader(path: Path, read: ReadBlock) -> Callable[[], Photo]:
    return lambda: Photo(path, read(), alpha=None, format="mat", orientation=1)


def _size(photo: Photo) -> str:
    return f"{photo.pixels.shape[1]}x{photo.pixels.shape[0]}"

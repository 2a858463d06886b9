"""Where a photo is shown: its texture, its noise, a face or what is bright, and the place asked for."""

from __future__ import annotations

import numpy as np
import pytest

from lgbpn_cli.preview.places import Place, place_at, telling_places

SIDE = 96
GREY, SKIN = (90, 90, 90), (200, 150, 120)


def scene(height: int = 480, width: int = 640, colour: tuple[int, int, int] = GREY) -> np.ndarray:
    """An even picture of one colour, in levels of 255."""
    return np.full((height, width, 3), colour, np.float32)


def places_of(levels: np.ndarray, **options: object) -> dict[str, Place]:
    picture = (np.clip(levels, 0, 255) / 255).astype(np.float32)
    found = telling_places(picture, lambda means: np.ones(means.shape[:-1]), SIDE, **options)  # type: ignore[arg-type]
    return {place.name: place for place in found}


def holds(place: Place, rows: slice, columns: slice, share: float = 0.5) -> bool:
    """Whether so large a share of a place lies in a part of the photo."""
    common = [
        max(0, min(span.stop, part.stop) - max(span.start, part.start))
        for span, part in zip(place.window, (rows, columns), strict=True)
    ]
    return common[0] * common[1] >= share * SIDE**2


LEFT_UPPER, RIGHT_LOWER = (slice(0, 240), slice(0, 320)), (slice(240, 480), slice(320, 640))


def test_texture_is_found_and_one_strong_edge_is_none() -> None:
    levels = scene()
    levels[:, 600:] = 250
    rows, columns = np.mgrid[:240, :320]
    levels[LEFT_UPPER] += (25 * np.sin(rows / 1.5) * np.sin(columns / 1.7))[..., None]
    assert holds(places_of(levels)["most texture"], *LEFT_UPPER)


def test_the_noisiest_even_area_is_even_and_noisy() -> None:
    levels = scene()
    generator = np.random.default_rng(0)
    levels += generator.normal(0, 2, levels.shape)
    levels[RIGHT_LOWER] += generator.normal(0, 8, levels[RIGHT_LOWER].shape)
    rows, columns = np.mgrid[:240, :320]
    levels[LEFT_UPPER] += 40 * np.sign(np.sin(rows / 5) * np.sin(columns / 5))[..., None]
    assert holds(places_of(levels)["noisiest even area"], *RIGHT_LOWER)


def test_skin_is_shown_where_there_is_some_and_else_what_is_bright_and_not_blown() -> None:
    levels = scene()
    levels[:120, :160] = 255
    levels[RIGHT_LOWER] = 180
    assert holds(places_of(levels)["brightest area"], *RIGHT_LOWER)
    levels[100:300, 300:460] = SKIN
    found = places_of(levels)
    assert "brightest area" not in found
    assert holds(found["colours of skin"], slice(100, 300), slice(300, 460))


def test_a_photo_all_of_wood_has_no_skin() -> None:
    assert "colours of skin" not in places_of(scene(colour=SKIN))


def test_places_do_not_overlap_and_lie_inside_the_part_that_is_shown() -> None:
    levels = scene() + np.random.default_rng(0).normal(0, 5, (480, 640, 3))
    within = slice(8, 470), slice(16, 630)
    found = list(places_of(levels, within=within).values())
    assert len(found) == 3
    seen = np.zeros((480, 640), int)
    for place in found:
        seen[place.window] += 1
        assert seen[place.window].shape == (SIDE, SIDE)
    assert seen.max() == 1
    assert seen[within].sum() == 3 * SIDE**2


@pytest.mark.parametrize("size", [(1, 1), (20, 96), (96, 96), (5, 40)], ids=str)
def test_a_photo_smaller_than_a_place_is_shown_whole(size: tuple[int, int]) -> None:
    [place] = places_of(scene(*size)).values()
    assert place.window == (slice(0, size[0]), slice(0, size[1]))


@pytest.mark.parametrize("size", [(97, 96), (200, 100), (15, 400), (96, 700)], ids=str)
def test_a_photo_hardly_larger_than_a_place_has_at_least_one(size: tuple[int, int]) -> None:
    found = places_of(scene(*size))
    assert 1 <= len(found) <= 3


def test_a_large_photo_is_judged_by_some_of_its_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lgbpn_cli.preview.places.LOOKED_AT_PIXELS", 30_000)
    levels = scene()
    levels[RIGHT_LOWER] = 180
    assert holds(places_of(levels)["brightest area"], *RIGHT_LOWER)


@pytest.mark.parametrize(
    ("point", "corner"), [((300, 200), (252, 152)), ((0, 0), (0, 0)), ((639, 479), (544, 384))], ids=str
)
def test_a_place_asked_for_has_its_point_in_the_middle_or_lies_at_the_edge(
    point: tuple[int, int], corner: tuple[int, int]
) -> None:
    rows, columns = place_at(*point, (480, 640), SIDE).window
    assert (columns.start, rows.start) == corner
    assert (rows.stop - rows.start, columns.stop - columns.start) == (SIDE, SIDE)

"""Which files a source reads, and which crops a step sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import DataSource
from lgbpn_cli.training.pictures import data
from lgbpn_cli.training.pictures.data import CropSampler, NoisySource, load_source, source_files


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set `set` of four photos, one of them too small for a crop of 32 px, and a text file."""
    path = tmp_path / "set"
    path.mkdir()
    for index, name in enumerate(("33_1.png", "01_1.png", "01_2.png")):
        Image.fromarray(picture(40, 50, index)).save(path / name)
    Image.fromarray(picture(31, 90)).save(path / "small.png")
    (path / "notes.txt").write_text("not a photo")
    return tmp_path


@pytest.fixture
def files_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all photos that are read from now on."""
    names: list[str] = []
    original: Callable[[Path], Any] = data.read_photo

    def noting(path: Path) -> Any:
        names.append(path.name)
        return original(path)

    monkeypatch.setattr(data, "read_photo", noting)
    return names


def test_a_sources_files_are_its_photos_by_name(folder: Path) -> None:
    names = [path.name for path in source_files(DataSource("set"), folder)]
    assert names == ["01_1.png", "01_2.png", "33_1.png", "small.png"]


def test_excluded_files_are_never_read(folder: Path, files_read: list[str]) -> None:
    load_source(DataSource("set", exclude=("33_*", "01_2*")), folder, 32)
    assert files_read == ["01_1.png", "small.png"]


def test_grainy_photographs_are_never_read(folder: Path, files_read: list[str]) -> None:
    load_source(DataSource("set", exclude=("33_*",), grainy=("01_2*",)), folder, 32)
    assert files_read
    assert not [name for name in files_read if name.startswith(("33_", "01_2"))]


def test_files_that_are_not_excluded_are_read(folder: Path, files_read: list[str]) -> None:
    load_source(DataSource("set"), folder, 32)
    assert "33_1.png" in files_read


def test_pixels_come_in_as_they_are_stored(folder: Path) -> None:
    source = load_source(DataSource("set", weight=2.5, exclude=("01*",)), folder, 32)
    assert source.name == "set"
    assert source.weight == 2.5
    assert len(source.photos) == 1
    assert np.array_equal(source.photos[0], picture(40, 50, 0))


def test_photos_smaller_than_a_crop_are_left_out(folder: Path) -> None:
    assert {photo.shape for photo in load_source(DataSource("set"), folder, 32).photos} == {(40, 50, 3)}


def test_a_source_without_photos_large_enough_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="at least 41 px"):
        load_source(DataSource("set"), folder, 41)


def test_a_source_whose_folder_is_missing_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere: there is no such folder.*LGBPN_DATA"):
        load_source(DataSource("nowhere"), folder, 32)


def sampler_of(
    photos: Sequence[np.ndarray], *, crop_px: int = 8, batch: int = 4, seed: int = 0
) -> CropSampler:
    return CropSampler([NoisySource("one", tuple(photos), 1.0)], batch=batch, crop_px=crop_px, seed=seed)


def test_crops_are_values_of_0_to_1_in_a_batch() -> None:
    crops = sampler_of([np.full((20, 30, 3), 255, np.uint8)]).crops(0)
    assert crops.shape == (4, 3, 8, 8)
    assert crops.dtype == torch.float32
    assert (crops == 1).all()


def test_the_crops_of_a_step_do_not_depend_on_the_steps_before() -> None:
    one, other = sampler_of([picture(40, 50)]), sampler_of([picture(40, 50)])
    for step in (0, 1, 2, 7):
        one.crops(step)
    assert torch.equal(one.crops(5), other.crops(5))


def test_other_steps_and_seeds_see_other_crops() -> None:
    crops = sampler_of([picture(40, 50)]).crops(5)
    assert not torch.equal(crops, sampler_of([picture(40, 50)]).crops(6))
    assert not torch.equal(crops, sampler_of([picture(40, 50)], seed=1).crops(5))


def test_crops_are_turned_and_flipped_in_all_eight_ways() -> None:
    photo = picture(8, 8)
    sampler = sampler_of([photo])
    seen = {crop.numpy().tobytes() for step in range(40) for crop in sampler.crops(step)}
    turned = [np.rot90(each, quarters) for each in (photo, photo[:, ::-1]) for quarters in range(4)]
    expected = {
        (torch.from_numpy(each.copy()).permute(2, 0, 1).float() / 255).numpy().tobytes() for each in turned
    }
    assert seen == expected


def test_crops_reach_every_corner_of_a_photo() -> None:
    photo = np.zeros((11, 12, 3), np.uint8)
    corners = {(0, 0): 50, (0, -1): 100, (-1, 0): 150, (-1, -1): 200}
    for place, value in corners.items():
        photo[place] = value
    sampler = sampler_of([photo])
    seen = {round(value * 255) for step in range(200) for value in sampler.crops(step).unique().tolist()}
    assert seen == {0, *corners.values()}


def share_of_white(sampler: CropSampler, steps: int = 150) -> float:
    return float(np.mean([sampler.crops(step)[:, 0, 0, 0].mean().item() for step in range(steps)]))


def test_sources_are_drawn_by_their_weights() -> None:
    white, black = np.full((20, 20, 3), 255, np.uint8), np.zeros((60, 60, 3), np.uint8)
    sources = [NoisySource("white", (white,), 3.0), NoisySource("black", (black, black), 1.0)]
    share = share_of_white(CropSampler(sources, batch=8, crop_px=8, seed=0))
    assert abs(share - 0.75) < 4 * (0.75 * 0.25 / 1200) ** 0.5


def test_photos_of_a_source_are_drawn_by_their_area() -> None:
    white, black = np.full((20, 20, 3), 255, np.uint8), np.zeros((20, 60, 3), np.uint8)
    share = share_of_white(sampler_of([white, black], batch=8))
    assert abs(share - 0.25) < 4 * (0.75 * 0.25 / 1200) ** 0.5


def test_a_share_of_the_crops_comes_in_other_colours() -> None:
    photo = np.full((20, 20, 3), (30, 110, 200), np.uint8)
    source = NoisySource("one", (photo,), 1.0)

    def colours(share: float) -> set[tuple[int, ...]]:
        sampler = CropSampler([source], batch=40, crop_px=8, seed=0, recoloured_share=share)
        return {tuple(np.rint(255 * crop[:, 0, 0].numpy()).astype(int)) for crop in sampler.crops(0)}

    assert colours(0.0) == {(30, 110, 200)}
    found = colours(1.0)
    assert len(found) > 10
    assert max(max(colour) - min(colour) for colour in found) > 200  # more saturated than any photo had it


def test_a_share_of_the_crops_is_drawn_with_noise_on_it() -> None:
    source = NoisySource("one", (np.full((40, 40, 3), 77, np.uint8),), 1.0)

    def crops(share: float) -> torch.Tensor:
        return CropSampler([source], batch=100, crop_px=32, seed=0, drawn_share=share).crops(0)

    of_photos = (255 * crops(0.3)).round().eq(77).all(dim=3).all(dim=2).all(dim=1)
    assert 55 <= int(of_photos.sum()) <= 85
    drawn = crops(1.0)
    assert len({tuple(crop[:, 0, 0].tolist()) for crop in drawn}) > 90
    noise = (drawn[..., 1:, :] - drawn[..., :-1, :]).abs().flatten(1).median(dim=1).values
    assert (noise > 0.5 / 255).float().mean() > 0.6

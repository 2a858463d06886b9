"""The Python interface: what the command calls, for arrays and single files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_photos import MakePhoto, negative_of, pixels_of

import lgbpn_cli
from lgbpn_cli import errors
from lgbpn_cli.errors import DeviceError, ModelError, PhotoReadError, PhotoWriteError, UsageError
from lgbpn_cli.photos.record import read_record

pytestmark = pytest.mark.usefixtures("fake_rooms")

SHAPES = [(5, 7), (5, 7, 1), (5, 7, 3), (1, 1)]
DTYPES: list[Any] = [np.uint8, np.uint16, np.float32]


def picture(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    values = np.random.default_rng(0).random(shape, np.float32)
    return values if dtype is np.float32 else np.rint(values * np.iinfo(dtype).max).astype(dtype)


def test_the_public_names_are_these() -> None:
    assert set(lgbpn_cli.__all__) == {
        "DenoiseResult",
        "Grain",
        "Look",
        "__version__",
        "denoise_file",
        "denoise_image",
        "load_model",
        *(name for name, each in vars(errors).items() if isinstance(each, type)),
    }
    assert set(lgbpn_cli.__all__) <= set(dir(lgbpn_cli))
    for name in lgbpn_cli.__all__:
        assert getattr(lgbpn_cli, name) is not None


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sharpen'"):
        _ = lgbpn_cli.sharpen


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_comes_back_denoised_in_its_shape_and_dtype(shape: tuple[int, ...], dtype: type) -> None:
    array = picture(shape, dtype)
    before = array.copy()
    clean = lgbpn_cli.denoise_image(array)
    assert (clean.shape, clean.dtype) == (array.shape, array.dtype)
    white = 1 if dtype is np.float32 else np.iinfo(dtype).max
    np.testing.assert_allclose(clean, white - array, atol=1e-6)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_that_is_a_view_is_no_obstacle(dtype: type) -> None:
    array = picture((12, 10, 3), dtype)
    view = array[::2, ::-1]
    np.testing.assert_array_equal(lgbpn_cli.denoise_image(view), lgbpn_cli.denoise_image(view.copy()))


def test_results_stay_in_range(fake_rooms: dict[str, ModuleType]) -> None:
    room: Any = fake_rooms["lgbpn_cli.inference.run"]

    def run_network(image: Any, *_: Any, into: Any, **__: Any) -> None:
        everything = slice(0, image.shape[0]), slice(0, image.shape[1])
        into[everything] = image[everything] * 3 - 1

    room.run_network = run_network
    for dtype in DTYPES:
        clean = lgbpn_cli.denoise_image(picture((9, 9, 3), dtype))
        assert clean.min() == 0
        assert clean.max() == (1 if dtype is np.float32 else np.iinfo(dtype).max)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 0), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 4), np.float64),
        np.zeros((4, 4), np.int16),
        np.full((4, 4), np.nan, np.float32),
        np.full((4, 4), np.inf, np.float32),
        np.full((4, 4), 255, np.float32),
        [[0, 1], [1, 0]],
    ],
    ids=lambda array: f"{getattr(array, 'dtype', 'list')} {np.shape(array)} {np.max(array, initial=0)}",
)
def test_an_array_that_is_no_picture_is_refused(array: Any) -> None:
    with pytest.raises(UsageError, match="array: "):
        lgbpn_cli.denoise_image(array)


def test_settings_reach_the_network() -> None:
    array = picture((6, 6, 3), np.float32)
    half = lgbpn_cli.denoise_image(array, strength=0.25)
    np.testing.assert_allclose(half, 0.25 * (1 - array) + 0.75 * array, atol=1e-6)
    for wrong in ({"quality": "great"}, {"preset": "x"}, {"strength": 2.0}, {"seed": -1}):
        with pytest.raises(UsageError):
            lgbpn_cli.denoise_image(array, **wrong)
    with pytest.raises(DeviceError):
        lgbpn_cli.denoise_image(array, device="cuda")
    with pytest.raises(ModelError):
        lgbpn_cli.denoise_image(array, model="missing")


def test_a_loaded_model_is_not_loaded_again(fake_rooms: dict[str, ModuleType]) -> None:
    model = lgbpn_cli.load_model("other", device="cpu")
    room: Any = fake_rooms["lgbpn_cli.models.load"]
    room.load_model = lambda *_, **__: pytest.fail("loaded again")
    assert lgbpn_cli.denoise_image(picture((4, 4), np.uint8), model=model).shape == (4, 4)


def test_a_file_is_denoised_and_says_how_it_was_made(make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png", (200, 100))
    result = lgbpn_cli.denoise_file(str(photo), tmp_path / "new" / "b.png", model="other")
    assert np.array_equal(pixels_of(tmp_path / "new" / "b.png"), negative_of(photo))
    assert (result.source, result.target) == (photo, tmp_path / "new" / "b.png")
    assert (result.megapixels, result.model, result.device) == (0.02, "other", "cpu")
    assert result.seconds > 0
    record = read_record(result.target)
    assert record is not None
    assert (record.version, record.model) == (lgbpn_cli.__version__, "other")


def test_an_array_and_a_file_get_the_same_pixels(make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png")
    lgbpn_cli.denoise_file(photo, tmp_path / "b.png", strength=0.3)
    assert np.array_equal(
        pixels_of(tmp_path / "b.png"), lgbpn_cli.denoise_image(pixels_of(photo), strength=0.3)
    )


@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("dtype", DTYPES)
def test_transparency_stays_as_it_is(channels: int, dtype: type) -> None:
    array = picture((9, 8, channels), dtype)
    clean = lgbpn_cli.denoise_image(array)
    assert (clean.shape, clean.dtype) == (array.shape, array.dtype)
    assert np.array_equal(clean[..., -1], array[..., -1])
    opaque = lgbpn_cli.denoise_image(np.ascontiguousarray(array[..., :-1]))
    assert np.array_equal(clean[..., :-1], opaque)


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ("a.png", "denoise_file"),
        (Path("a.png"), "denoise_file"),
        (Image.new("RGB", (8, 8)), "numpy.asarray"),
        (np.zeros((8, 8, 3)), "astype"),
        (np.zeros((3, 80, 80), np.uint8), "channels come last"),
        ([[1, 2], [3, 4]], "Give a NumPy array"),
    ],
    ids=["text", "path", "Pillow", "float64", "channels first", "list"],
)
def test_what_is_no_array_is_told_what_to_do(given: Any, cure: str) -> None:
    with pytest.raises(UsageError, match=cure):
        lgbpn_cli.denoise_image(given)


def test_a_file_of_another_type_says_so_in_its_record(make_photo: MakePhoto, tmp_path: Path) -> None:
    result = lgbpn_cli.denoise_file(make_photo("a.png", (40, 30)), tmp_path / "b.tif")
    record = read_record(result.target)
    assert record is not None
    assert json.loads(record.settings)["format"] == "tiff"
    assert record.source


def test_brightness_and_colour_may_be_asked_for_apart(make_photo: MakePhoto) -> None:
    array = picture((30, 30, 3), np.float32)
    whole = lgbpn_cli.denoise_image(array, strength=1.0)
    half = lgbpn_cli.denoise_image(array, look=lgbpn_cli.Look(0.5, 0.5))
    np.testing.assert_allclose(half, (array + whole) / 2, atol=1e-5)


def test_a_file_never_replaces_itself(make_photo: MakePhoto, tmp_path: Path) -> None:
    photo = make_photo("a.png")
    (tmp_path / "link.png").symlink_to(photo)
    for target in (photo, tmp_path / "link.png"):
        with pytest.raises(PhotoWriteError, match="would replace the photo"):
            lgbpn_cli.denoise_file(photo, target)


def test_a_file_that_cannot_be_read_raises(tmp_path: Path) -> None:
    with pytest.raises(PhotoReadError):
        lgbpn_cli.denoise_file(tmp_path / "missing.png", tmp_path / "b.png")


def test_every_setting_of_the_functions_is_documented_and_typed(repo_root: Path) -> None:
    trees = [
        ast.parse((repo_root / "lgbpn_cli" / name).read_text("utf-8"))
        for name in ("app.py", "denoise/denoiser.py")
    ]
    functions = {node.name: node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}
    for name in ("denoise_image", "denoise_file", "load_model"):
        assert ast.get_docstring(functions[name])
        arguments = functions[name].args
        assert all(argument.annotation for argument in arguments.args + arguments.kwonlyargs)

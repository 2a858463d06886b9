"""ONNX files of students: another runtime gives the same picture, and the card is in it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from lgbpn_cli.cli.main import app
from lgbpn_cli.config import StudentConfig
from lgbpn_cli.machine.device import choose_device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, find_model
from lgbpn_cli.models.onnx_file import onnx_of
from lgbpn_cli.network.student import Student


def lgbpn(*words: object) -> Any:
    result = CliRunner().invoke(app, [str(word) for word in words], prog_name="lgbpn")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def answer(data: bytes, picture: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options)
    [found] = session.run(None, {"input": picture})
    return np.asarray(found)


def torchs_answer(network: Student, picture: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return network(torch.from_numpy(picture)).clamp(0, 1).numpy()


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model("lgbpn-base", part="student", device=choose_device("cpu"))


def test_a_photo_comes_out_the_same(repo_root: Path, shipped: Model) -> None:
    with Image.open(repo_root / "examples" / "two_dogs.jpg") as image:
        pixels = np.asarray(image.crop((200, 200, 371, 303)), np.float32) / 255
    picture = pixels.transpose(2, 0, 1)[None].copy()
    found = answer(onnx_of(shipped, find_model("lgbpn-base"), side_px=None), picture)
    assert np.abs(found - torchs_answer(shipped.network, picture)).max() < 1e-3  # type: ignore[arg-type]
    assert np.abs(found - picture).mean() > 0.005
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (16, 16), (33, 47)])
@pytest.mark.parametrize("widths", [(4, 6), (4, 6, 8, 8)])
def test_pictures_of_any_size(shape: tuple[int, int], widths: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    student = Student(StudentConfig(widths, blocks=2))
    with torch.no_grad():
        student.exit.weight.normal_(0, 0.05)
    model = Model("m", "0", "sidd", student, choose_device("cpu"))
    picture = np.random.default_rng(0).random((1, 3, *shape), np.float32)
    found = answer(onnx_of(model, ModelEntry("m", "sidd", {}), side_px=None), picture)
    expected = torchs_answer(student, picture)
    assert np.abs(found - expected).max() < 1e-5
    assert np.abs(expected - picture).max() > 0.01


def test_the_file_says_what_it_is(tmp_path: Path, shipped: Model) -> None:
    for name, options in (("any.onnx", []), ("square.onnx", ["--size", 64])):
        assert lgbpn("models", "export", "lgbpn-base", tmp_path / name, *options).exit_code == 0
    made = {name: onnx.load(tmp_path / f"{name}.onnx") for name in ("any", "square")}
    sides = {
        name: [side.dim_param or side.dim_value for side in model.graph.input[0].type.tensor_type.shape.dim]
        for name, model in made.items()
    }
    assert sides == {"any": [1, 3, "height", "width"], "square": [1, 3, 64, 64]}
    assert made["any"].opset_import[0].version == 17
    card = {each.key: each.value for each in made["any"].metadata_props}
    assert card["sha256_of_weights"] == shipped.sha256
    assert card["card"].startswith("# ")
    assert "MIT" in card["licence"]
    picture = np.random.default_rng(0).random((1, 3, 64, 64), np.float32)
    any_size, square = (answer((tmp_path / f"{name}.onnx").read_bytes(), picture) for name in made)
    assert np.abs(any_size - square).max() < 1e-5


def test_the_package_for_darktable(tmp_path: Path) -> None:
    assert lgbpn("models", "export", "lgbpn-base", tmp_path / "x.dtmodel").exit_code == 0
    with zipfile.ZipFile(tmp_path / "x.dtmodel") as archive:
        assert sorted(archive.namelist()) == [
            f"denoise-lgbpn-base/{name}" for name in ("config.json", "model.onnx", "model.yaml")
        ]
        config = json.loads(archive.read("denoise-lgbpn-base/config.json"))
        model = onnx.load(io.BytesIO(archive.read("denoise-lgbpn-base/model.onnx")))
    assert config["id"] == "denoise-lgbpn-base"
    assert (config["task"], config["backend"], config["tiling"]) == ("denoise", "onnx", True)
    assert config["attributes"] == {"input_sizes": [768]}
    for value, name in ((model.graph.input[0], "input"), (model.graph.output[0], "output")):
        assert value.name == name
        assert [side.dim_value for side in value.type.tensor_type.shape.dim] == [1, 3, 768, 768]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["no-such-model", "a.onnx"], "model 'no-such-model': there is no model with this name"),
        (["lgbpn-base", "there.onnx"], "there.onnx: it is there already"),
        (["lgbpn-base", "a.onnx", "-o", "b.onnx"], "-o: the file is named twice"),
        (["lgbpn-base", "a.onnx", "--size", "0"], "--size: 0 is not a side"),
        (["lgbpn-base", "a.lgbpn", "--size", "64"], "--size: a.lgbpn is not a .onnx file"),
        (["lgbpn-base", "a.dtmodel", "--size", "64"], "--size: a.dtmodel is not a .onnx file"),
        (["lgbpn-base", "there.onnx/a.onnx"], "there.onnx/a.onnx: cannot be written"),
    ],
)
def test_a_wrong_command_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.onnx").write_bytes(b"mine")
    result = lgbpn("models", "export", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"lgbpn: {message}")
    assert [file.name for file in tmp_path.iterdir()] == ["there.onnx"]
    assert (tmp_path / "there.onnx").read_bytes() == b"mine"


def test_without_the_library_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = lgbpn("models", "export", "lgbpn-base", tmp_path / "a.onnx")
    assert result.exit_code == 2
    assert (
        result.stderr
        == 'lgbpn: ONNX: the library onnx is not installed. Install it: pip install "lgbpn[onnx]".\n'
    )

"""A student as an ONNX file, for programs that bring a runtime of their own; and as a package of darktable's.

The graph is written node by node from the weights: that needs no more than the library `onnx`, gives the same file for
the same weights, and works for pictures of any size. It holds the network alone, which is `--quality fast --strength 1`
without what lgbpn does around it: the mean colour, and detail given back.
"""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lgbpn_cli.errors import ModelError
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.network.student import Student
from lgbpn_cli.network.u_net import SHUFFLE, ResidualBlock
from lgbpn_cli.photos.atomic import replace_file
from lgbpn_cli.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

DARKTABLE_SUFFIX = ".dtmodel"
OPSET, IR_VERSION = 17, 8
"""The oldest that programs of today are asked for; newer ones read it."""
DARKTABLE_PX = 768
"""Side of the squares that darktable's denoise models take."""
INPUT, OUTPUT = "input", "output"
EXTRA_CURE = 'Install it: pip install "lgbpn[onnx]".'


def export_onnx(
    model: Model, entry: ModelEntry, target: Path, *, side_px: int | None, overwrite: bool
) -> None:
    """Write a student to `target`, as ONNX or, with the ending .dtmodel, as a package for darktable.

    Input and output are (1, 3, h, w) float32 from 0 to 1, RGB, in the encoded values of an image file; any size, or
    squares of `side_px` alone. Raises ModelError for other networks, and where the file cannot be written.
    """
    if model.part != "student":
        cause = f"it has no student, and its {model.part} cannot become a {target.suffix} file"
        raise ModelError(f"model '{entry.name}'", cause, "Export a model with a student.")
    if target.exists() and not overwrite:
        raise ModelError(target, "it is there already", "Give another name, or `overwrite`.")
    for_darktable = target.suffix == DARKTABLE_SUFFIX
    data = onnx_of(model, entry, side_px=DARKTABLE_PX if for_darktable else side_px)
    try:
        with replace_file(target, overwrite=overwrite) as file:
            file.write(_darktable_package(entry, data) if for_darktable else data)
    except OSError as error:
        raise ModelError(
            target, f"cannot be written ({error.strerror or error})", "Check the folder and its space."
        ) from error


def onnx_of(model: Model, entry: ModelEntry, *, side_px: int | None) -> bytes:
    """Return the bytes of an ONNX file of a student, with its card; for any size, or for squares of `side_px`."""
    onnx = _library()
    graph = _Graph(onnx)
    graph.add_student(network_as(model.network, Student, model.name))
    sides: list[Any] = ["height", "width"] if side_px is None else [side_px, side_px]
    values = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 3, *sides])
        for name in (INPUT, OUTPUT)
    ]
    made = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, entry.name, values[:1], values[1:], graph.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lgbpn",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(made, _card(model, entry))
    onnx.checker.check_model(made, full_check=True)
    serialised: bytes = made.SerializeToString(deterministic=True)
    return serialised


def _library() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ModelError("ONNX", "the library onnx is not installed", EXTRA_CURE) from error
    return onnx


def _card(model: Model, entry: ModelEntry) -> dict[str, str]:
    """Return what the file says of itself, a text each."""
    path = entry.folder / entry.card
    card = path.read_text("utf-8") if entry.card and path.is_file() else ""
    return {
        "name": entry.name,
        "sha256_of_weights": model.sha256,
        "licence": entry.licence,
        "training_data": entry.training_data,
        "input": "RGB, float32, 0 to 1, encoded as in an sRGB file, not linear light",
        "output": "the same without noise, clipped to 0..1",
        "overlap_px": str(model.network.halo_px),
        "card": card,
    }


class _Graph:
    """Nodes and constants, in the order in which they are computed."""

    def __init__(self, onnx: Any) -> None:
        self._onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add_student(self, student: Student) -> None:
        """Add `Student.forward`, the result clipped."""
        multiple = np.int64(student.config.size_multiple)
        shape = self.node("Shape", INPUT)
        sides = [self.node("Gather", shape, self.constant(np.int64(axis)), axis=0) for axis in (2, 3)]
        padded = INPUT
        for axis, side in zip((2, 3), sides, strict=True):
            padded = self.node("Gather", padded, self._mirrored(side, multiple), axis=axis)
        planes = self.node("SpaceToDepth", padded, blocksize=SHUFFLE)
        change = self.node("DepthToSpace", self._change(student, planes), blocksize=SHUFFLE, mode="CRD")
        whole = self.node("Add", padded, change)
        ends = [self.node("Unsqueeze", side, self.constant(np.array([0]))) for side in sides]
        cut = self.node(
            "Slice",
            whole,
            self.constant(np.array([0, 0])),
            self.node("Concat", *ends, axis=0),
            self.constant(np.array([2, 3])),
        )
        low, high = (self.constant(np.float32(end)) for end in (0, 1))
        self.nodes.append(self._onnx.helper.make_node("Clip", [cut, low, high], [OUTPUT]))

    def _mirrored(self, side: str, multiple: np.int64) -> str:
        """Return which rows, or columns, a picture of that side is extended with: mirrored, the edge repeated."""
        one, several = self.constant(np.int64(1)), self.constant(multiple)
        zero, two = self.constant(np.int64(0)), self.constant(np.int64(2))
        steps = self.node("Div", self.node("Add", side, self.constant(multiple - 1)), several)
        index = self.node("Range", zero, self.node("Mul", steps, several), one)
        period = self.node("Mul", side, two)
        place = self.node("Mod", index, period)
        return self.node("Min", place, self.node("Sub", self.node("Sub", period, one), place))

    def _change(self, student: Student, planes: str) -> str:
        """Add `UNet.change`."""
        hidden = self._convolve(student.entry, planes, _from_depth(_numbers(student.entry.weight)))
        levels = []
        for index, blocks in enumerate(student.encoder):
            hidden = self._blocks(blocks, hidden)
            if index < len(student.down):
                levels.append(hidden)
                hidden = self._convolve(student.down[index], hidden)
        nothing = self.constant(np.empty(0, np.float32))
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        for index in reversed(range(len(student.up))):
            small = self._convolve(student.up[index], hidden)
            large = self.node(
                "Resize",
                small,
                nothing,
                scales,
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            )
            hidden = self._blocks(student.decoder[index], self.node("Add", levels[index], large))
        return self._convolve(student.exit, hidden)

    def _blocks(self, blocks: Any, hidden: str) -> str:
        for block in blocks:
            if not isinstance(block, ResidualBlock):
                raise TypeError(f"{type(block).__name__} has no counterpart in ONNX here")
            inner = self.node("Relu", self._convolve(block.first, hidden))
            hidden = self.node("Add", hidden, self._convolve(block.second, inner))
        return hidden

    def _convolve(self, layer: Any, features: str, weight: np.ndarray | None = None) -> str:
        """Add a convolution; `weight` stands in for the layer's own."""
        numbers = [_numbers(layer.weight) if weight is None else weight, _numbers(layer.bias)]
        return self.node(
            "Conv",
            features,
            *(self.constant(each) for each in numbers),
            kernel_shape=list(layer.kernel_size),
            pads=[*layer.padding, *layer.padding],
            strides=list(layer.stride),
        )

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node and return the name of its answer."""
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self._onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def constant(self, value: Any) -> str:
        """Add numbers and return their name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.asarray(value), name))
        return name


def _numbers(parameter: Tensor | None) -> np.ndarray:
    if parameter is None:
        raise TypeError("a layer without bias has no counterpart in ONNX here")
    numbers: np.ndarray = parameter.detach().cpu().float().contiguous().numpy()
    return numbers


def _from_depth(weight: np.ndarray) -> np.ndarray:
    """Return the weights of the first layer for planes in the order of ONNX's SpaceToDepth.

    There the place in a square counts before the colour, in PyTorch's pixel_unshuffle after it.
    """
    out, planes, height, width = weight.shape
    parted = weight.reshape(out, planes // SHUFFLE**2, SHUFFLE**2, height, width)
    return np.ascontiguousarray(parted.swapaxes(1, 2).reshape(out, planes, height, width))


def _darktable_package(entry: ModelEntry, data: bytes) -> bytes:
    """Return a .dtmodel: a zip of one folder with the network, what darktable reads of it, and what builds such files.

    As the pages "Pipeline reference" and "Adding a new model" of the project darktable-ai describe it.
    """
    name = f"denoise-{entry.name}".lower().replace("_", "-").replace(".", "-")
    facts = {
        "id": name,
        "name": f"denoise {entry.name}",
        "description": "lgbpn's student, which learned from LG-BPN, a network that has seen noisy photos only",
        "task": "denoise",
        "version": __version__,
        "backend": "onnx",
        "arch": "unet",
        "tiling": True,
        "attributes": {"input_sizes": [DARKTABLE_PX]},
    }
    card = {
        "long_description": facts["description"],
        "scope": "single-image denoising",
        "author": "lgbpn contributors",
        "license": entry.licence,
        "training_data": entry.training_data,
    }
    of_builder = {**facts, "type": "single", "dep_group": "core", "model_card": card}
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in (
            ("config.json", json.dumps(facts, indent=2).encode()),
            ("model.onnx", data),
            ("model.yaml", json.dumps(of_builder, indent=2).encode()),  # JSON is YAML, too
        ):
            archive.writestr(
                zipfile.ZipInfo(f"{name}/{file}", (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED
            )
    return packed.getvalue()

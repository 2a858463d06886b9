"""Import of checkpoints in the layout that the LG-BPN authors' program writes.

Such a file is a pickle of {'epoch', 'model_weight': {'denoiser': state_dict}}; it is read with PyTorch's
restricted unpickler, which refuses everything but tensors and plain containers.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor

from lgbpn_cli.config import PRESETS, NetworkConfig
from lgbpn_cli.errors import ModelError, UsageError
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, check_regular, file_sha256, locked
from lgbpn_cli.models.names import GIVE_ANOTHER, check_name, known_model
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.engine.checkpoint import UNPICKLING_ERRORS

_RENAMED: tuple[tuple[str, str], ...] = (
    (r"^head\.0\.", "head."),
    (r"^tail\.0\.", "join."),
    (r"^tail\.2\.", "tail.0."),
    (r"^tail\.4\.", "tail.1."),
    (r"^tail\.6\.", "exit."),
    (r"^branch1\.Maskconv\.", "local_branch.masked."),
    (r"^branch1\.body\.1\.", "local_branch.entry.0."),
    (r"^branch1\.body\.3\.", "local_branch.entry.1."),
    (r"^branch2\.Maskconv\.", "global_branch.masked."),
    (r"^branch2\.body\.output\.", "global_branch.exit."),
    (r"^branch2\.body\.encoder_level1\.", "global_branch.blocks."),
    (r"\.norm1\.body\.", ".attention_norm."),
    (r"\.norm2\.body\.", ".feed_forward_norm."),
    (r"\.attn\.", ".attention."),
    (r"\.ffn\.", ".feed_forward."),
    (r"\.(qkv_)?dwconv\.", ".depthwise."),
)
_FIRST_MODULE = 5
"""Index of the first residual module in the authors' local branch; the final 1x1 follows the last module."""
_TORCH_PREAMBLE = "Error(s) in loading state_dict for LGBPN:"
"""How PyTorch opens its list of what does not fit."""
_IGNORED = re.compile(r"\.(mask|test_conv\.\w+)$")
"""Derived copies in their files: the mask itself, and the weights of the shifted convolution."""


def import_checkpoint(
    file: Path, *, folder: Path, name: str | None = None, preset: str = "sidd"
) -> ModelEntry:
    """Convert the authors' checkpoint `file` into a model of `folder` and return its manifest entry.

    `name` is the file's stem unless given. The same bytes under the same name again are a success. Raises
    ModelError for unsafe or foreign files, and for a name that is taken by other weights.
    """
    if preset not in PRESETS:
        raise ModelError(
            f"`preset` {preset}", "there is no such preset", f"Choose one of {', '.join(PRESETS)}."
        )
    check_regular(file)
    name = name or file.stem
    check_name(name, GIVE_ANOTHER)
    weights = _read_pickle(file)
    converted, config = convert_state(weights, file)
    with locked(folder):
        return _added(converted, config, file, folder, name, preset)


def _added(
    converted: dict[str, Tensor], config: NetworkConfig, file: Path, folder: Path, name: str, preset: str
) -> ModelEntry:
    target = folder / f"{name}.safetensors"
    fresh = folder / f".{name}.new.safetensors"
    try:
        write_weights(fresh, converted, config, preset)
        checksum = file_sha256(fresh)
        parts = {"teacher": ModelPart(target.name, checksum)}
        known = known_model(name, parts, folder)
        if known is not None:
            return known
        fresh.replace(target)
    finally:
        with suppress(OSError):  # a name too long for a file, which was told already
            fresh.unlink(missing_ok=True)
    entry = ModelEntry(
        name=name,
        preset=preset,
        parts=parts,
        training_data=f"not known (imported from {file.name})",
        licence="not known (imported)",
        date=datetime.now(UTC).date().isoformat(),
        command=f"lgbpn models import {file.name} --name {name} --preset {preset}",
        folder=folder,
    )
    add_entry(entry)
    return entry


def _read_pickle(file: Path) -> Mapping[str, Tensor]:
    try:
        document = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(file, "there is no such file", "Check the path.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            file,
            "refused: not a checkpoint, or one that would run code when loaded",
            "Import only files from a source you trust.",
        ) from error
    except UNPICKLING_ERRORS as error:
        raise ModelError(
            file, f"not a readable checkpoint ({type(error).__name__})", "Download it again."
        ) from error
    try:
        state: Mapping[str, Tensor] = document["model_weight"]["denoiser"]
    except (LookupError, TypeError) as error:
        raise ModelError(
            file, "not a checkpoint in the LG-BPN authors' layout", "Give one of their released .pth files."
        ) from error
    return state


def convert_state(state: Mapping[str, Tensor], source: object) -> tuple[dict[str, Tensor], NetworkConfig]:
    """Return the authors' weights under our names, hidden taps set to zero, and the configuration they imply.

    Raises ModelError, naming `source`, when keys or shapes do not fit.
    """
    try:
        kept = {key.removeprefix("bsn."): value for key, value in state.items() if not _IGNORED.search(key)}
        config = _implied_config(kept)
        renamed = {_our_name(key, config.local_modules): value for key, value in kept.items()}
        network = LGBPN(config)
        # Their 21x21 kernel is stored whole, but only its even offsets can be kept taps; ours is that lattice.
        renamed["global_branch.masked.weight"] = renamed["global_branch.masked.weight"][:, :, ::2, ::2]
        for branch in (network.local_branch, network.global_branch):
            key = (
                "local_branch.masked.weight"
                if branch is network.local_branch
                else "global_branch.masked.weight"
            )
            renamed[key] = renamed[key] * branch.masked.kept
        for key in renamed:
            if key.endswith("attention.temperature"):
                renamed[key] = renamed[key].flatten()
        network.load_state_dict(renamed)
    except (
        UsageError,
        LookupError,
        RuntimeError,
        ValueError,
        AttributeError,
        TypeError,
        ArithmeticError,
    ) as error:
        cause = (
            (str(error) or type(error).__name__).removeprefix(_TORCH_PREAMBLE).strip().splitlines()[0][:120]
        )
        raise ModelError(
            source,
            f"its weights do not fit the LG-BPN network ({cause})",
            "Give one of the authors' released files.",
        ) from error
    return dict(network.state_dict()), config


def _implied_config(kept: Mapping[str, Tensor]) -> NetworkConfig:
    """Return the configuration that the tensors' shapes imply; values run over 0..255 in the authors' program."""
    width, head_width = kept["branch1.Maskconv.weight"].shape[:2]
    modules = {match[1] for key in kept if (match := re.match(r"branch1\.body\.(\d+)\.body\.", key))}
    blocks = {match[1] for key in kept if (match := re.match(r"branch2\.body\.encoder_level1\.(\d+)\.", key))}
    first = "branch2.body.encoder_level1.0"
    return NetworkConfig(
        width=width,
        head_width=head_width,
        local_modules=len(modules),
        global_blocks=len(blocks),
        attention_heads=kept[f"{first}.attn.temperature"].numel(),
        # The half keeps int(expansion x width) from falling one short: 15 / 22 x 22 is 14.999999999999998.
        feed_forward_expansion=(kept[f"{first}.ffn.project_out.weight"].shape[1] + 0.5) / width,
        value_range=255.0,
    )


def _our_name(key: str, modules: int) -> str:
    match = re.match(r"branch1\.body\.(\d+)\.(.*)", key)
    if match and int(match[1]) >= _FIRST_MODULE:
        index = int(match[1]) - _FIRST_MODULE
        if index == modules:
            return f"local_branch.exit.{match[2]}"
        inner = {"body.0": "dilated", "body.2": "pointwise"}[match[2].rsplit(".", 1)[0]]
        return f"local_branch.modules_.{index}.{inner}.{match[2].rsplit('.', 1)[1]}"
    for pattern, replacement in _RENAMED:
        key = re.sub(pattern, replacement, key)
    return key

"""The layout of the LG-BPN authors' checkpoints, written from a network: the way back of the import."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from lgbpn_cli.network.lgbpn import LGBPN

_BLOCK_PARTS = {
    "attention_norm.": "norm1.body.",
    "feed_forward_norm.": "norm2.body.",
    "attention.depthwise.": "attn.qkv_dwconv.",
    "attention.": "attn.",
    "feed_forward.depthwise.": "ffn.dwconv.",
    "feed_forward.": "ffn.",
}
_PLACES = {
    "head.": "head.0.",
    "join.": "tail.0.",
    "tail.0.": "tail.2.",
    "tail.1.": "tail.4.",
    "exit.": "tail.6.",
    "local_branch.masked.": "branch1.Maskconv.",
    "local_branch.entry.0.": "branch1.body.1.",
    "local_branch.entry.1.": "branch1.body.3.",
    "global_branch.masked.": "branch2.Maskconv.",
    "global_branch.exit.": "branch2.body.output.",
}


def authors_state(network: LGBPN) -> dict[str, Tensor]:
    """Return the weights as the authors' program saves them: masked taps not zero, derived copies beside."""
    modules = network.config.local_modules
    state: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        values = value.float()
        if name.endswith("temperature"):
            values = values[:, None, None]
        if name == "global_branch.masked.weight":
            side = network.config.global_kernel_px
            values = torch.ones(*values.shape[:2], side, side)
            values[:, :, ::2, ::2] = value
        state[f"bsn.{_their_name(name, modules)}"] = values
    for branch in ("branch1", "branch2"):
        weight = state[f"bsn.{branch}.Maskconv.weight"]
        state[f"bsn.{branch}.Maskconv.mask"] = torch.ones_like(weight)
        state[f"bsn.{branch}.Maskconv.test_conv.weight"] = torch.full_like(weight, 7.0)
        state[f"bsn.{branch}.Maskconv.test_conv.bias"] = torch.full((len(weight),), 7.0)
    return state


def authors_checkpoint(network: LGBPN) -> dict[str, Any]:
    """Return a whole checkpoint in their layout."""
    return {"epoch": 20, "model_weight": {"denoiser": authors_state(network)}}


def _their_name(name: str, modules: int) -> str:
    if match := re.match(r"local_branch\.modules_\.(\d+)\.(dilated|pointwise)\.(.*)", name):
        inner = {"dilated": 0, "pointwise": 2}[match[2]]
        return f"branch1.body.{int(match[1]) + 5}.body.{inner}.{match[3]}"
    if name.startswith("local_branch.exit."):
        return f"branch1.body.{5 + modules}.{name.removeprefix('local_branch.exit.')}"
    if match := re.match(r"global_branch\.blocks\.(\d+)\.(.*)", name):
        part = next(each for each in _BLOCK_PARTS if match[2].startswith(each))
        rest = match[2].removeprefix(part)
        return f"branch2.body.encoder_level1.{match[1]}.{_BLOCK_PARTS[part]}{rest}"
    place = next(each for each in _PLACES if name.startswith(each))
    return _PLACES[place] + name.removeprefix(place)

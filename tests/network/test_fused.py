"""A convolution with what follows it in one call gives what both give one after the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lgbpn_cli.network import fused
from lgbpn_cli.network.fused import convolve


def layer_and_features(kernel_px: int) -> tuple[nn.Conv2d, torch.Tensor]:
    torch.manual_seed(0)
    layer = nn.Conv2d(24, 24, kernel_px, padding=kernel_px // 2)
    features = torch.randn(2, 24, 13, 17).contiguous(memory_format=torch.channels_last)
    return layer, features


@pytest.mark.parametrize("kernel_px", [1, 3])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_one_call_is_as_good_as_two(kernel_px: int, precision: torch.dtype) -> None:
    layer, features = layer_and_features(kernel_px)
    error = 1e-5 if precision == torch.float32 else 0.05
    with torch.inference_mode():
        exact = layer(features)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            found = convolve(layer, features, relu=True), convolve(layer, features, added=features)
    assert {each.dtype for each in found} == {precision}
    for one, other in zip(found, (F.relu(exact), features + exact), strict=True):
        assert float((one - other).abs().max()) < error


def test_what_is_learned_from_has_its_gradient() -> None:
    layer, features = layer_and_features(3)
    convolve(layer, features, relu=True).sum().backward()
    assert layer.weight.grad is not None
    assert float(layer.weight.grad.abs().max()) > 0


def test_a_call_that_answers_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = fused._fused
    monkeypatch.setattr(fused, "_fused", lambda *arguments: plain(*arguments) + 1)
    assert not fused._is_right.__wrapped__(torch.float32)


def test_where_there_is_no_such_call_both_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any) -> Any:
        raise AttributeError("no such call")

    layer, features = layer_and_features(3)
    monkeypatch.setattr(fused, "_fused", missing)
    assert not fused._is_right.__wrapped__(torch.float32)
    monkeypatch.setattr(fused, "_is_right", lambda _: False)
    with torch.inference_mode():
        assert torch.equal(convolve(layer, features, added=features), features + layer(features))


def test_a_picture_is_used_as_it_is() -> None:
    layer, features = layer_and_features(3)
    before = features.clone()
    with torch.inference_mode():
        convolve(layer, features, added=features)
        convolve(layer, features, relu=True)
    assert torch.equal(features, before)

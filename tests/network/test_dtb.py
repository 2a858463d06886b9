"""The transformer block and the local module: norm, gradients, and phases in place of dilation."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from reference.networks import TINY, random_image, random_network
from reference.slow_lgbpn import depthwise, norm, transformer_block
from torch import Tensor
from torch.nn import functional as F

from lgbpn_cli.network import dtb
from lgbpn_cli.network.dtb import DeviationNorm, DilatedTransformerBlock, GatedFeedForward, PhaseGrid
from lgbpn_cli.network.lgbpn import LocalBranch, LocalModule, _SubImages
from lgbpn_cli.network.sampling import join_phases

DIVIDES = (12, 18)
DOES_NOT_DIVIDE = (13, 17)


def random_norm(channels: int) -> DeviationNorm:
    layer = DeviationNorm(channels).double()
    with torch.no_grad():
        layer.weight.copy_(random_image(channels) + 0.5)
    return layer


def test_the_norm_divides_by_the_deviation_over_channels_and_keeps_the_mean() -> None:
    layer, features = random_norm(5), random_image(2, 5, 4, 3) * 7 + 3
    variance = features.var(dim=1, correction=0, keepdim=True)
    expected = features / torch.sqrt(variance + 1e-5) * layer.weight[None, :, None, None]
    torch.testing.assert_close(layer(features), expected, rtol=1e-12, atol=0)


def test_the_norm_stays_finite_where_all_channels_agree() -> None:
    features = torch.full((1, 5, 2, 2), 3.0, dtype=torch.float64)
    expected = features / 1e-5**0.5
    torch.testing.assert_close(DeviationNorm(5).double()(features), expected, rtol=1e-9, atol=0)


def test_the_backward_pass_of_the_norm_is_its_derivative() -> None:
    layer = random_norm(4)
    features = (random_image(2, 4, 3, 2) * 2 - 1).requires_grad_()

    def normed(features: Tensor, scale: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": scale}, (features,))

    scale = layer.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(normed, (features, scale))


def test_the_norm_computes_its_deviation_in_float32_under_bfloat16() -> None:
    features = (random_image(1, 8, 4, 4) + 10).bfloat16()
    result = DeviationNorm(8)(features)
    assert result.dtype == torch.bfloat16
    expected = norm(features.double(), torch.ones(8, dtype=torch.float64))
    assert ((result.double() - expected) / expected).abs().max() < 0.05


def test_within_autocast_the_norm_answers_in_the_type_of_the_convolutions_that_follow() -> None:
    features = random_image(1, 8, 4, 4).float() + 10
    layer = DeviationNorm(8)
    with torch.inference_mode():
        exact = layer(features)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            rounded = layer(features)
    assert rounded.dtype == torch.bfloat16
    assert torch.equal(rounded, exact.bfloat16())


def test_channels_of_zeros_change_no_result_in_16_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    layer, features = GatedFeedForward(16, 62), torch.randn(9, 16, 6, 5)
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert [dtb._idle_channels(width, features) for width in (340, 62, 64, 80)] == [12, 2, 0, 0]
        result = layer(features, PhaseGrid(9, 3, 1, 1))
        monkeypatch.setattr(dtb, "CHANNEL_BLOCK", 1)
        expected = layer(features, PhaseGrid(9, 3, 1, 1))
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result, expected, rtol=0.02, atol=0.002)


def tiny_block() -> DilatedTransformerBlock:
    return random_network().global_branch.blocks[0]  # type: ignore[return-value]


def block_weights(block: DilatedTransformerBlock) -> Mapping[str, Tensor]:
    return {name: value.detach() for name, value in block.state_dict().items()}


@pytest.mark.parametrize("size", [DIVIDES, DOES_NOT_DIVIDE])
def test_a_transformer_block_on_phases_equals_the_dilated_one(size: tuple[int, int]) -> None:
    block, features = tiny_block(), random_image(2, TINY.width, *size)
    sub = _SubImages(features, pd=1, rim_px=0, dilation=3)
    with torch.no_grad():
        output, _ = block(sub.phases, sub.grid(pool=9), None)
    (expected,) = transformer_block(block_weights(block), [features], TINY.attention_heads, "image")
    torch.testing.assert_close(sub.join(output), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [DIVIDES, DOES_NOT_DIVIDE])
def test_a_local_module_on_phases_equals_the_dilated_one(size: tuple[int, int]) -> None:
    torch.manual_seed(4)
    module, features = LocalModule(6).double(), random_image(2, 6, *size)
    sub = _SubImages(features, pd=1, rim_px=0, dilation=2)
    with torch.no_grad():
        output = sub.join(module(sub.phases, sub.grid(pool=1)))
        hidden = F.relu(F.conv2d(features, module.dilated.weight, module.dilated.bias, dilation=2, padding=2))
        expected = features + module.pointwise(hidden)
    torch.testing.assert_close(output, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", [DIVIDES, DOES_NOT_DIVIDE])
def test_pooled_sums_leave_out_what_was_added_to_make_phases_equal(size: tuple[int, int]) -> None:
    attention, features = tiny_block().attention, random_image(1, TINY.width, *size)
    sub = _SubImages(features, pd=1, rim_px=0, dilation=3)
    with torch.no_grad():
        (found,) = attention.attention_map(sub.phases, sub.grid(pool=9))
        qkv = depthwise(F.conv2d(features, attention.qkv.weight), attention.depthwise.weight)
        query, key, _ = (part.flatten(1) for part in qkv[0].chunk(3))
        cosine = F.normalize(query, dim=1) @ F.normalize(key, dim=1).T
        half = TINY.width // 2
        for head, part in enumerate((slice(0, half), slice(half, None))):
            expected = (cosine[part, part] * attention.temperature[head]).softmax(1)
            torch.testing.assert_close(found[part, part], expected, rtol=0, atol=1e-12)
        assert (found[:half, half:] == 0).all()
        assert (found[half:, :half] == 0).all()


@pytest.mark.parametrize("size", [(7, 9), (8, 9), (9, 7), (9, 8), (7, 8)], ids=str)
@pytest.mark.parametrize("trained", [True, False])
def test_clearing_zeroes_what_was_added_and_nothing_else(size: tuple[int, int], trained: bool) -> None:
    sub = _SubImages(random_image(2, 4, *size), pd=1, rim_px=0, dilation=3)
    grid = sub.grid(pool=9)
    features = torch.ones_like(sub.phases).requires_grad_(trained)
    cleared = join_phases(grid.clear(features * 1), 3)[0, 0]
    expected = torch.zeros(9, 9, dtype=torch.float64)
    expected[: size[0], : size[1]] = 1
    assert torch.equal(cleared, expected)


def test_clearing_leaves_features_that_are_trained_as_they_are() -> None:
    grid = PhaseGrid(pool=9, dilation=3, added_rows=1)
    features = torch.ones(9, 2, 3, 3).requires_grad_()
    assert grid.clear(features).sum() < features.sum() == features.numel()


def test_temperatures_start_at_one_and_norm_scales_too() -> None:
    block = DilatedTransformerBlock(8, 2, 20)
    assert block.attention.temperature.tolist() == [1, 1]
    assert (block.attention_norm.weight == 1).all()
    assert (block.feed_forward_norm.weight == 1).all()


def test_transformer_blocks_have_no_biases() -> None:
    names = dict(DilatedTransformerBlock(8, 2, 20).named_parameters())
    assert not [name for name in names if name.endswith("bias")]


def test_the_local_branch_has_a_bias_in_every_convolution() -> None:
    names = dict(LocalBranch(TINY).named_parameters())
    weights = {name.removesuffix(".weight") for name in names if name.endswith(".weight")}
    assert {name.removesuffix(".bias") for name in names if name.endswith(".bias")} == weights


@pytest.mark.parametrize("size", [(40, 40), (37, 42)])
def test_sub_image_by_sub_image_is_the_same_as_all_at_once(size: tuple[int, int]) -> None:
    """Without gradients the block takes its sub-images apart; with them it does not."""
    torch.manual_seed(0)
    block = DilatedTransformerBlock(8, 2, 12)
    features = torch.rand(12, 8, *size)
    grid = PhaseGrid(pool=12, dilation=2, added_rows=1, added_columns=size[1] % 2)
    at_once, map_of_all = block(grid.clear(features.clone()), grid, None)
    with torch.no_grad():
        for projection in (None, map_of_all.detach()):
            parted, used = block(grid.clear(features.clone()), grid, projection)
            assert torch.allclose(parted, at_once, atol=1e-5)
            assert torch.allclose(used, map_of_all, atol=1e-6)

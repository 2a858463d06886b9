"""Muon's steps: orthogonal, of Adam's size, and those of torch.optim.Muon."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lgbpn_cli.config import NETWORKS
from lgbpn_cli.network.lgbpn import LGBPN
from lgbpn_cli.training.engine.muon import Muon, muon_and_adam, orthogonalised


@pytest.mark.parametrize("shape", [(8, 72), (72, 8), (16, 16)])
def test_all_singular_values_come_near_one(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalised(matrix)
    assert torch.linalg.svdvals(result).sub(1).abs().max() < 0.35
    # The same singular vectors, so the result lies nearer to their product than rounding to one sign would.
    assert torch.cosine_similarity(result.flatten(), (left @ right).flatten(), dim=0) > 0.95
    assert values.max() / values.min() > 1.5


def test_steps_are_those_of_the_library_on_flattened_kernels() -> None:
    torch.manual_seed(1)
    kernel = nn.Parameter(torch.randn(8, 4, 3, 3))
    matrix = nn.Parameter(kernel.detach().flatten(1).clone())
    ours = Muon([kernel], lr=0.01)
    library = torch.optim.Muon([matrix], lr=0.01, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for _ in range(3):
        kernel.grad = torch.randn_like(kernel)
        matrix.grad = kernel.grad.flatten(1).clone()
        ours.step()
        library.step()
    # The library iterates in bfloat16.
    torch.testing.assert_close(kernel.flatten(1), matrix, atol=2e-3, rtol=0)


def test_a_step_is_as_large_as_adams_whatever_the_gradients_scale() -> None:
    torch.manual_seed(2)
    gradient, steps = torch.randn(16, 16, 3, 3), []
    for scale in (1e-4, 1.0):
        kernel = nn.Parameter(torch.zeros(16, 16, 3, 3))
        kernel.grad = scale * gradient
        Muon([kernel], lr=0.1).step()
        steps.append(kernel.detach().square().mean().sqrt())
    assert steps[0] == pytest.approx(float(steps[1]), rel=0.02)
    assert steps[1] == pytest.approx(0.1 * 0.2, rel=0.2)


def test_kernels_in_channels_last_order_move_alike() -> None:
    torch.manual_seed(3)
    start, gradient = torch.randn(8, 4, 3, 3), torch.randn(8, 4, 3, 3)
    moved = []
    for memory_format in (torch.contiguous_format, torch.channels_last):
        kernel = nn.Parameter(start.clone(memory_format=memory_format))
        kernel.grad = gradient.clone(memory_format=memory_format)
        Muon([kernel], lr=0.01).step()
        moved.append(kernel.detach())
    torch.testing.assert_close(*moved, atol=1e-6, rtol=1e-5)


def test_muon_has_the_hidden_kernels_of_a_teacher_and_adam_all_else() -> None:
    network = LGBPN(NETWORKS["small"])
    muon, adam = muon_and_adam(network, 1e-3, outer=("head.", "exit."))
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    hidden = {names[id(each)] for group in muon.param_groups for each in group["params"]}
    others = {names[id(each)] for group in adam.param_groups for each in group["params"]}
    assert hidden | others == set(names.values())
    assert not hidden & others
    assert {"local_branch.masked.weight", "global_branch.exit.weight"} <= hidden
    assert {"head.weight", "exit.weight", "local_branch.masked.bias"} <= others
    # A channel each: no rows that could be orthogonal.
    assert {name for name in others if "depthwise.weight" in name}
    assert {name for name in hidden if "depthwise" in name} == set()


def test_what_a_masked_kernel_must_not_see_stays_unseen() -> None:
    torch.manual_seed(4)
    gradient = torch.randn(8, 4, 3, 3)
    gradient[:, :, 1, 1] = 0
    kernel = nn.Parameter(torch.zeros(8, 4, 3, 3))
    kernel.grad = gradient
    Muon([kernel], lr=0.1).step()
    assert kernel.detach()[:, :, 1, 1].abs().max() == 0
    assert kernel.detach().abs().max() > 0

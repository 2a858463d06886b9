"""The student: any size in, the same size out, and no pixel matters beyond its reach."""

from __future__ import annotations

import pytest
import torch

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.network.student import Student

TINY_STUDENT = StudentConfig(widths=(4, 6, 8))


def random_student(config: StudentConfig = TINY_STUDENT) -> Student:
    """A student that does something: its last convolution starts at zero."""
    torch.manual_seed(0)
    network = Student(config).eval()
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return network


def test_an_untrained_student_returns_its_input() -> None:
    image = torch.rand(2, 3, 24, 40)
    assert torch.equal(Student(TINY_STUDENT)(image), image)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (2, 3), (17, 31), (64, 64)], ids=str)
def test_every_size_comes_out_as_it_went_in(size: tuple[int, int]) -> None:
    result = random_student()(torch.rand(1, 3, *size))
    assert result.shape == (1, 3, *size)
    assert result.dtype == torch.float32
    assert bool(torch.isfinite(result).all())


@pytest.mark.parametrize(
    "config",
    [
        TINY_STUDENT,
        StudentConfig(widths=(4, 4)),
        StudentConfig(widths=(4, 4, 4), blocks=2),
        StudentConfig(widths=(4, 4, 4), blocks=(1, 2, 3)),
    ],
    ids=str,
)
def test_a_pixel_depends_on_none_beyond_the_reach_and_on_its_own(config: StudentConfig) -> None:
    side = 2 * config.reach_px + 2 * config.size_multiple
    image = torch.rand(1, 3, side, side, requires_grad=True)
    middle = side // 2
    random_student(config)(image)[0, :, middle, middle].sum().backward()
    assert image.grad is not None
    rows, columns = torch.nonzero(image.grad.abs().sum((0, 1)), as_tuple=True)
    farthest = max((rows - middle).abs().max(), (columns - middle).abs().max())
    assert 0 < farthest <= config.reach_px
    assert image.grad[0, :, middle, middle].abs().min() > 0


def test_a_tile_on_the_grid_with_its_reach_gives_what_the_whole_gives() -> None:
    network, reach = random_student(), TINY_STUDENT.reach_px
    image = torch.rand(1, 3, 16 + 2 * reach, 16 + 2 * reach + 40)
    tile = network(image[..., : 16 + 2 * reach])
    with torch.no_grad():
        whole = network(image)
    inner = slice(reach, reach + 16)
    torch.testing.assert_close(tile[..., inner, inner], whole[..., inner, inner], rtol=0, atol=1e-6)


def test_a_shape_that_cannot_be_built_is_refused() -> None:
    for wrong in (
        {"widths": (8,)},
        {"widths": (8, 0)},
        {"blocks": 0},
        {"blocks": (2, 2)},
        {"blocks": (2, 0, 2, 2)},
    ):
        with pytest.raises(UsageError, match="network"):
            StudentConfig(**wrong)

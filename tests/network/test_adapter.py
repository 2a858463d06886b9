"""An adapter: few numbers, which change a student's answers and leave its own weights alone."""

from __future__ import annotations

import pytest
import torch

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.network.adapter import AdaptedStudent, adapted, no_change
from lgbpn_cli.network.student import Student


@pytest.fixture
def student() -> Student:
    torch.manual_seed(0)
    network = Student(StudentConfig(widths=(8, 16), blocks=1))
    torch.nn.init.normal_(network.exit.weight, std=0.1)
    return network


def test_without_a_change_weights_and_answers_are_the_student_s(student: Student) -> None:
    weights = student.state_dict()
    same = adapted(weights, no_change(weights))
    assert same.keys() == weights.keys()
    assert all(torch.equal(same[name], value) for name, value in weights.items())
    picture = torch.rand(1, 3, 20, 24)
    torch.testing.assert_close(AdaptedStudent(student)(picture), student(picture))


def test_what_learns_is_the_adapter_alone(student: Student) -> None:
    before = {name: value.clone() for name, value in student.state_dict().items()}
    module, picture = AdaptedStudent(student), torch.rand(1, 3, 16, 16)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.1)
    module(picture).square().mean().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in module.parameters())
    optimiser.step()
    assert all(torch.equal(value, before[name]) for name, value in student.state_dict().items())
    changed = Student(student.config)
    changed.load_state_dict(adapted(student.state_dict(), module.adapter()))
    assert not torch.allclose(changed(picture), student(picture))
    torch.testing.assert_close(changed(picture), module(picture))


def test_an_adapter_is_small() -> None:
    student = Student(StudentConfig(widths=(32, 64, 128, 128), blocks=2))
    count = sum(value.numel() for value in no_change(student.state_dict()).values())
    assert count < 0.01 * sum(value.numel() for value in student.state_dict().values())


def test_an_adapter_of_another_student_is_refused(student: Student) -> None:
    other = Student(StudentConfig(widths=(4, 8), blocks=1))
    with pytest.raises(RuntimeError):
        adapted(student.state_dict(), no_change(other.state_dict()))

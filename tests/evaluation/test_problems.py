"""What could not be measured, as people read it."""

from __future__ import annotations

import pytest

from lgbpn_cli.errors import PhotoError
from lgbpn_cli.evaluation.problems import Problem, problem_lines, problem_of


def test_many_files_of_one_cause_are_one_line_with_a_count() -> None:
    problems = [Problem(f"{number}.png", "no reference has its name") for number in range(480)]
    problems.insert(7, Problem("broken.png", "it is empty"))
    assert problem_lines(problems) == [
        "480 files: no reference has its name: 0.png, 1.png, 2.png, and 477 more (the JSON names all)",
        "broken.png: it is empty",
    ]


def test_few_files_of_one_cause_have_a_line_each() -> None:
    problems = [Problem(name, "no reference has its name") for name in ("a.png", "b.png", "c.png")]
    assert problem_lines(problems) == [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (PhotoError("b.png", "it is empty", "Look"), "b.png: it is empty. Look"),
        (RuntimeError("no\nwhere"), "a.png: unexpected RuntimeError: no. It is left out."),
        (KeyError(), "a.png: unexpected KeyError. It is left out."),
        (MemoryError(), "a.png: there is not enough memory for it. Close other programs, or take a crop."),
    ],
)
def test_every_error_becomes_one_line(error: Exception, line: str) -> None:
    assert str(problem_of("a.png", error)) == line

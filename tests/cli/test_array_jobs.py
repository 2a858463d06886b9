"""`--part auto`: the part of the photos that an array job is to do."""

from __future__ import annotations

import os

import pytest
from small_photos import Lgbpn, MakePhoto

from lgbpn_cli.cli.amounts import parse_part
from lgbpn_cli.cli.array_jobs import SCHEDULERS, part_of_array_job
from lgbpn_cli.errors import UsageError


def slurm(index: int, count: int, first: int, step: int) -> dict[str, str]:
    names = ("ID", "COUNT", "MIN", "STEP")
    values = (index, count, first, step)
    return {f"SLURM_ARRAY_TASK_{name}": str(value) for name, value in zip(names, values, strict=True)}


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        (slurm(1, 8, 1, 1), (1, 8)),
        (slurm(0, 8, 0, 1), (1, 8)),
        (slurm(17, 4, 2, 5), (4, 4)),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "0", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}, (1, 3)),
        ({"AWS_BATCH_JOB_ARRAY_INDEX": "2", "AWS_BATCH_JOB_ARRAY_SIZE": "3"}, (3, 3)),
        (
            {"SGE_TASK_ID": "7", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "9", "SGE_TASK_STEPSIZE": "2"},
            (4, 5),
        ),
    ],
)
def test_auto_is_the_place_in_the_array(environment: dict[str, str], part: tuple[int, int]) -> None:
    assert part_of_array_job("--part", "auto", environment) == part


@pytest.mark.parametrize("name", ["PBS_ARRAY_INDEX", "PBS_ARRAYID", "SLURM_ARRAY_TASK_ID"])
@pytest.mark.parametrize("first", [0, 1, 5])
def test_a_number_of_parts_gives_each_part_once(name: str, first: int) -> None:
    parts = [part_of_array_job("--part", "auto/4", {name: str(first + job)}) for job in range(4)]
    assert sorted(parts) == [(number, 4) for number in range(1, 5)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_number_of_jobs_alone_gives_each_part_once(first: int) -> None:
    jobs = [{"SLURM_ARRAY_TASK_ID": f"{first + job}", "SLURM_ARRAY_TASK_COUNT": "4"} for job in range(4)]
    parts = [part_of_array_job("--part", "auto", job) for job in jobs]
    assert sorted(parts) == [(number, 4) for number in range(1, 5)]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "this is not an array job"),
        ({"SGE_TASK_ID": "undefined"}, "this is not an array job"),
        ({"PBS_ARRAY_INDEX": "3"}, "PBS does not say how many"),
        (slurm(7, 3, 1, 1), "evenly numbered"),  # --array=1,2,7
        (slurm(4, 3, 1, 2), "evenly numbered"),
    ],
)
def test_an_array_that_does_not_tell_is_refused(environment: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        part_of_array_job("--part", "auto", environment)


@pytest.mark.parametrize("text", ["auto/", "auto/0", "auto/x", "automatic"])
def test_what_is_nearly_auto_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PBS_ARRAY_INDEX", "3")
    with pytest.raises(UsageError, match="not a part"):
        parse_part("--part", text)


def test_the_command_does_its_part(
    lgbpn: Lgbpn, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    for scheduler in SCHEDULERS:
        for name in vars(scheduler).values():
            if name in os.environ:
                monkeypatch.delenv(name)
    for name in "abcd":
        folder = make_photo(f"in/{name}.png").parent
    make_photo("in/c.tif")
    (folder / "gone.png").symlink_to("unmounted.png")  # the first part's failure, and no other's
    out = folder.parent / "out"
    for name, value in slurm(11, 2, 10, 1).items():
        monkeypatch.setenv(name, value)
    result = lgbpn("denoise", folder, "-o", out, "-f", "png", "--part", "auto")
    assert result.exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["b.png", "c.tif.png"]
    assert "c.tif.png (renamed" in result.stderr
    first = lgbpn("denoise", folder, "-o", out, "-f", "png", "--part", "1/2")
    assert first.exit_code == 1
    assert "broken link" in first.stderr
    assert "renamed" not in first.stderr

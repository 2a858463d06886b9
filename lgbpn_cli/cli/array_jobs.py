"""Which part of the photos an array job is to do: `--part auto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lgbpn_cli.errors import UsageError


@dataclass(frozen=True)
class _Scheduler:
    """The environment variables by which a job of an array knows its place; empty names where there is none."""

    name: str
    index: str
    first: str = ""
    last: str = ""
    step: str = ""
    count: str = ""


SCHEDULERS = (
    _Scheduler(
        "Slurm",
        "SLURM_ARRAY_TASK_ID",
        first="SLURM_ARRAY_TASK_MIN",
        step="SLURM_ARRAY_TASK_STEP",
        count="SLURM_ARRAY_TASK_COUNT",
    ),
    _Scheduler("AWS Batch", "AWS_BATCH_JOB_ARRAY_INDEX", count="AWS_BATCH_JOB_ARRAY_SIZE"),
    _Scheduler("SGE", "SGE_TASK_ID", first="SGE_TASK_FIRST", last="SGE_TASK_LAST", step="SGE_TASK_STEPSIZE"),
    _Scheduler("PBS", "PBS_ARRAY_INDEX"),
    _Scheduler("Torque", "PBS_ARRAYID"),
)


def part_of_array_job(option: str, text: str, environment: Mapping[str, str]) -> tuple[int, int]:
    """Return number and parts that `text` (`auto`, or `auto/8` for eight parts) means for this job of an array.

    Raises UsageError for `option` where this is not such a job, or its array does not say its size.
    """
    for scheduler in SCHEDULERS:
        numbers = {
            key: int(environment[name])
            for key, name in vars(scheduler).items()
            if key != "name"
            and environment.get(name, "").isdecimal()  # SGE says "undefined" outside of arrays
        }
        if "index" in numbers:
            return _part(f"{option} {text}", text, scheduler, numbers)
    names = ", ".join(scheduler.index for scheduler in SCHEDULERS)
    raise UsageError(
        f"{option} {text}", f"this is not an array job (none of {names} is set)", "Give the part itself: 2/8."
    )


def _part(subject: str, text: str, scheduler: _Scheduler, numbers: dict[str, int]) -> tuple[int, int]:
    index, first, step = numbers["index"], numbers.get("first", 0), numbers.get("step", 1) or 1
    number, rest = divmod(index - first, step)
    _, _, parts = text.partition("/")
    if parts:  # the jobs are as many as that, whatever they count from
        return number % int(parts) + 1, int(parts)
    count = numbers.get("count") or (("last" in numbers and (numbers["last"] - first) // step + 1) or 0)
    if not count:
        raise UsageError(
            subject, f"{scheduler.name} does not say how many jobs there are", "Use auto/8, if eight."
        )
    if "first" not in numbers:  # whatever they count from, as above
        return number % count + 1, count
    if rest or not 0 <= number < count:
        cause = f"job {index} is not one of {count} evenly numbered ones"
        raise UsageError(subject, cause, "Number the array without gaps.")
    return number + 1, count

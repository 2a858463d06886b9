"""Many photos: read top to bottom, it names the rooms that a photo passes through.

PyTorch takes seconds to import, so the rooms that need it are opened inside the functions: a misspelt path or
a folder without photos is answered at once. So are the rooms that only some runs pass through.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lgbpn_cli.batch.outcome import Listener, RunFacts
from lgbpn_cli.batch.pipeline import Opening, Steps, open_first, run_jobs
from lgbpn_cli.batch.selection import check_inputs
from lgbpn_cli.batch.steps import Cameras, reader, reading_process, steps_of
from lgbpn_cli.batch.targets import check_output
from lgbpn_cli.batch.work import Work, plan_work, report_estimates
from lgbpn_cli.config import InferenceConfig, OutputConfig
from lgbpn_cli.denoise.by_camera import AUTO_MODEL
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.machine.memory import keep_to_a_limit
from lgbpn_cli.machine.quick_imports import no_garbage_yet
from lgbpn_cli.machine.stopwatch import during
from lgbpn_cli.photos.reading_process import ReadingProcess

if TYPE_CHECKING:
    from lgbpn_cli.evaluation.denoise_page import DenoisePage


def denoise_folder(
    inputs: Sequence[Path],
    output: OutputConfig,
    settings: InferenceConfig,
    listener: Listener,
    *,
    model: str | None = None,
    device: str = "auto",
    dry_run: bool = False,
    page: DenoisePage | None = None,
) -> None:
    """Denoise all photos among `inputs`, files and folders; `listener` is told what became of each.

    One photo's failure leaves the others alone. A `dry_run` writes nothing and estimates the time. `page` collects
    photos; its caller writes it. Raises UsageError, before anything is done, where the call as a whole cannot work.
    """
    own_limit = _checked(inputs, output, settings, device)
    with reading_process(output, own_limit) as reading, ThreadPoolExecutor(1, "loader") as loader:
        work = plan_work(inputs, output, reading, listener)
        camera = Cameras(keep=model == AUTO_MODEL)
        read = reader(reading, output, camera, model, settings)
        # Without any room for a photo the plan, which is checked below, says why nothing can be done at all.
        skipped = dry_run or not reading.max_bytes()
        load = partial(_prepare, model, device, settings, output)
        # PyTorch alone takes more than a second, and so does reading a large photo.
        loading = loader.submit(load) if work.begins_large() and not skipped else None
        opening = Opening([], None) if skipped else open_first(work.jobs, read)
        if not work.needs_network(opening):
            return work.report(listener, opening)
        with during("load"):
            denoiser = load() if loading is None else loading.result()
        if model != AUTO_MODEL:  # which model made a result depends on its photo, which is not read yet
            work.remaining.compare(*denoiser.records)
        listener.prepared(RunFacts.of(denoiser), len(work.jobs))
        work.report(listener, opening)
        if dry_run:
            return report_estimates(work.jobs, denoiser, reading, listener)
        steps = steps_of(read, denoiser, camera, settings, listener, overlap=own_limit is None)
        steps = _shown_on(page, steps, denoiser, work, listener, by_camera=camera.keep)
        return run_jobs(work.jobs[len(opening.failed) :], steps, listener, first=opening.take_first())


def denoise_arrivals(
    inputs: Sequence[Path],
    output: OutputConfig,
    settings: InferenceConfig,
    listener: Listener,
    *,
    model: str | None = None,
    device: str = "auto",
) -> None:
    """Do what `denoise_folder` does, and then, until Ctrl-C, the same with photos as they arrive.

    A photo's turn comes when its file no longer grows. One that fails is not tried again until it changes.
    """
    from lgbpn_cli.batch.watch import Arrivals

    own_limit = _checked(inputs, output, settings, device)
    with reading_process(output, own_limit) as reading:
        camera = Cameras(keep=model == AUTO_MODEL)
        read = reader(reading, output, camera, model, settings)
        denoiser = _prepare(model, device, settings, output)
        listener.prepared(RunFacts.of(denoiser), 0)
        steps = steps_of(read, denoiser, camera, settings, listener, overlap=own_limit is None)
        listener.note("watching for photos; Ctrl-C ends it")
        for jobs, refused in Arrivals(inputs, output, reading).for_ever():
            for outcome in refused:
                listener.finished(outcome)
            listener.found_work(len(jobs))
            run_jobs(jobs, steps, listener)


def denoise_on_workers(
    inputs: Sequence[Path],
    output: OutputConfig,
    settings: InferenceConfig,
    listener: Listener,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    model: str | None = None,
    device: str = "auto",
) -> None:
    """Do what `denoise_folder` does on `workers` processes of this machine, or on those of a dask `scheduler`.

    None starts a process for each GPU, or one without. Work begins while photos are still being found. Workers that
    die are replaced, and photos that workers die of are named. Raises UsageError where the call cannot work.
    """
    from lgbpn_cli.batch.cluster.order import Order
    from lgbpn_cli.batch.cluster.pool import choose_pool, connected, share_memory
    from lgbpn_cli.batch.cluster.run import Run
    from lgbpn_cli.batch.cluster.search import find_tasks

    if scheduler is not None:  # workers have a current folder of their own
        inputs = [path.absolute() for path in inputs]
        folders = (output.output, output.full_folder)
        own, full = (None if each is None else str(Path(each).absolute()) for each in folders)
        output = replace(output, output=own, full_folder=full)
    check_inputs(inputs)
    check_output(inputs, output)
    pool = choose_pool(workers, scheduler, device)
    settings = share_memory(settings, pool)
    denoiser = _prepare(model, "cpu", settings, output)  # to know what workers should find
    records, facts = denoiser.records, RunFacts.of(denoiser)
    order = Order(model, device, settings, output, tuple(record.settings for record in records))
    del denoiser
    with connected(pool) as connection, ReadingProcess(time_limit_s=output.photo_time_limit_s) as reading:
        listener.prepared(replace(facts, device=device, device_description=str(pool)), 0)
        tasks = find_tasks(inputs, output, reading, listener, () if model == AUTO_MODEL else records)
        Run(connection, order, listener).go_through(tasks)


def _checked(
    inputs: Sequence[Path], output: OutputConfig, settings: InferenceConfig, device: str
) -> int | None:
    """Return the most memory that the program itself may take; UsageError where the call cannot work."""
    check_inputs(inputs)
    check_output(inputs, output)
    return _limit_of_program(settings, device)


def _limit_of_program(settings: InferenceConfig, device: str) -> int | None:
    """Return the most memory that the program itself may take; None where that is not limited, but a GPU's own.

    Where it is, threads share one heap from now on, and nothing large that is freed stays with the program.
    """
    if settings.max_memory_bytes is None or device not in ("auto", "cpu"):
        return None
    from lgbpn_cli.machine.device import choose_device

    if choose_device(device).name != "cpu":
        return None
    keep_to_a_limit()
    return settings.max_memory_bytes


def _prepare(model: str | None, device: str, settings: InferenceConfig, output: OutputConfig) -> Denoiser:
    """Return the denoiser of a run; UsageError or DeviceError where no photo can be done with its settings."""
    named = None if model == AUTO_MODEL else model
    with no_garbage_yet():
        denoiser = replace(prepare(named, device, settings), output=output)
        denoiser.check_plan()
    return denoiser


def _shown_on(
    page: DenoisePage | None,
    steps: Steps,
    denoiser: Denoiser,
    work: Work,
    listener: Listener,
    *,
    by_camera: bool,
) -> Steps:
    """Return the steps, so that the page, if there is one, collects the photos that go through them."""
    if page is None:
        return steps
    from lgbpn_cli.evaluation.methods import describe_network

    label, facts = describe_network(denoiser.model, denoiser.settings)
    if by_camera:
        label += ", or your own model for a camera"
    page.begin(label, facts, [job.source for job in work.jobs])
    if work.remaining.skipped:
        listener.note("the page shows the photos of this run only; for finished results there is lgbpn eval")
    return replace(steps, run=page.watch(steps.run), write=page.keep(steps.write))

"""The use cases of denoising, read top to bottom; each names the rooms a photo passes through.

PyTorch takes seconds to import, so the rooms that need it are opened inside the functions: a misspelt path or
a folder without photos is answered at once. So are the rooms that only some runs pass through.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lgbpn_cli.batch.order import Order
from lgbpn_cli.batch.outcome import Listener, RunFacts
from lgbpn_cli.batch.pipeline import Opening, Steps, open_first, run_jobs
from lgbpn_cli.batch.selection import check_inputs, select_sources
from lgbpn_cli.batch.steps import Cameras, reader, reading_process, steps_of
from lgbpn_cli.batch.targets import check_output
from lgbpn_cli.batch.work import Work, plan_work, report_estimates
from lgbpn_cli.config import InferenceConfig, OutputConfig, Quality, RawPath
from lgbpn_cli.config.file_names import EVERY_NAME, NamePatterns
from lgbpn_cli.config.look import Look
from lgbpn_cli.denoise.by_camera import AUTO_MODEL
from lgbpn_cli.denoise.denoiser import Denoiser, prepare
from lgbpn_cli.denoise.working import photo_of_array
from lgbpn_cli.errors import PhotoWriteError, UsageError
from lgbpn_cli.machine.memory import keep_to_a_limit
from lgbpn_cli.machine.quick_imports import no_garbage_yet
from lgbpn_cli.machine.stopwatch import during
from lgbpn_cli.photos.prepare import read_as_result, read_guarded
from lgbpn_cli.photos.reading_process import ReadingProcess
from lgbpn_cli.photos.suffixes import type_for
from lgbpn_cli.photos.write import write_photo

if TYPE_CHECKING:
    from lgbpn_cli.batch.probe import Probe
    from lgbpn_cli.evaluation.report.denoise_page import DenoisePage
    from lgbpn_cli.models.load import Model


@dataclass(frozen=True)
class DenoiseResult:
    """What `denoise_file` did.

    Attributes:
        source: The photo.
        target: Its result.
        seconds: Time for this photo, without loading the model.
        megapixels: Size of the photo.
        model: Name of the model.
        device: Where it was computed, such as cpu or cuda:0.
    """

    source: Path
    target: Path
    seconds: float
    megapixels: float
    model: str
    device: str


def denoise_image(
    array: NDArray[Any],
    *,
    model: Model | str | None = None,
    quality: Quality | None = InferenceConfig.quality,
    preset: str | None = InferenceConfig.preset,
    strength: float | None = InferenceConfig.strength,
    look: Look | None = InferenceConfig.look,
    seed: int = InferenceConfig.seed,
    device: str = "auto",
) -> NDArray[Any]:
    """Return the picture without its noise, in the same shape and dtype; the array itself is not changed.

    Args:
        array: A picture of shape (h, w), (h, w, 1) or (h, w, 3), RGB, in the encoded values of an image file (not
            linear light): uint8 or uint16 over their whole range, or float32 from 0 to 1. One channel more, (h, w, 2)
            or (h, w, 4), is transparency, which stays as it is.
        model: A loaded model, or what `load_model` takes.
        quality: fast, best, teacher or teacher-r3; None takes fast, or teacher for a model without a student.
        preset: sidd or dnd, for the teacher; None measures the picture.
        strength: From 0 (the original) to 1 (fully denoised); None measures the noise and gives back what was
            removed beyond it.
        look: Strengths of brightness and colour apart, and grain; stands in for `strength`.
        seed: Start of the random numbers of teacher-r3 and of grain.
        device: auto, cpu, cuda, cuda:N or mps. A loaded model stays on its own device.

    Raises:
        UsageError: For any other array, or a setting that does not exist.
    """
    _require_picture(array)
    settings = InferenceConfig(quality=quality, preset=preset, strength=strength, look=look, seed=seed)
    denoiser = prepare(model, device, settings)
    samples = array.reshape(*array.shape[:2], -1)
    colours = 1 if samples.shape[2] <= 2 else 3
    clean = denoiser.denoise(photo_of_array(samples[..., :colours])).photo.pixels
    if array.dtype == np.float32:
        clean = np.clip(clean, 0.0, 1.0)
    return np.concatenate([clean, samples[..., colours:]], axis=2).reshape(array.shape)


def denoise_file(
    path: str | Path,
    target: str | Path,
    *,
    model: Model | str | None = None,
    quality: Quality | None = InferenceConfig.quality,
    preset: str | None = InferenceConfig.preset,
    strength: float | None = InferenceConfig.strength,
    raw_path: RawPath = InferenceConfig.raw_path,
    look: Look | None = InferenceConfig.look,
    seed: int = InferenceConfig.seed,
    device: str = "auto",
) -> DenoiseResult:
    """Return what was done: the photo at `path`, denoised, is now at `target`.

    Args:
        path: The photo.
        target: Its result, replaced if it is already there, with the photo's metadata. The ending decides the format
            (`.jpg`, `.png`, `.tif`, `.webp`, `.avif`, `.jxl`; `.dng` for camera raw); any other keeps the photo's.
        model: As in `denoise_image`, and so are the other arguments.
        quality: See `denoise_image`.
        preset: See `denoise_image`.
        strength: See `denoise_image`.
        look: See `denoise_image`.
        raw_path: mosaic, demosaiced or auto: whether camera raw is denoised before its colours are filled in.
        seed: See `denoise_image`.
        device: See `denoise_image`.

    Raises:
        PhotoError: The photo cannot be read or written, or `target` is the photo itself.
    """
    source, target = Path(path), Path(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise PhotoWriteError(source, "its result would replace the photo itself", "Give another target.")
    settings = InferenceConfig(
        quality=quality, preset=preset, strength=strength, look=look, raw_path=raw_path, seed=seed
    )
    output = OutputConfig(format=type_for(source, target))  # type: ignore[arg-type]  # the name of a codec
    denoiser = replace(prepare(model, device, settings), output=output)
    start = time.perf_counter()
    photo, _ = read_as_result(source, output, None, as_mosaic=denoiser.raw_model is not None)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    denoised = denoiser.denoise(photo)
    write_photo(denoised.photo, target, record=denoised.record)
    seconds += time.perf_counter() - start
    return DenoiseResult(source, target, seconds, photo.megapixels, denoised.record.model, denoised.device)


def _require_picture(array: NDArray[Any]) -> None:
    subject = "array"
    if isinstance(array, str | Path):
        raise UsageError(subject, "a path is not a picture", "Use denoise_file(path, target) for files.")
    if hasattr(array, "__array_interface__") and not isinstance(
        array, np.ndarray
    ):  # as Pillow's images have it
        kind = f"{type(array).__module__}.{type(array).__name__}"
        raise UsageError(subject, f"{kind} is not an array", "Give numpy.asarray(image.convert('RGB')).")
    if not isinstance(array, np.ndarray) or array.dtype not in (np.uint8, np.uint16, np.float32):
        kind = getattr(array, "dtype", type(array).__name__)
        cure = "Give a NumPy array of uint8, uint16 or float32."
        if str(kind) == "float64":
            cure = "Give array.astype(numpy.float32), from 0 to 1."
        raise UsageError(subject, f"{kind} is not a picture", cure)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] > 4) or array.size == 0:
        cause = f"its shape {array.shape} is not that of a picture"
        cure = "Give (h, w), (h, w, 1) or (h, w, 3), with one channel more for transparency."
        if array.ndim == 3 and array.shape[0] in (1, 3) and array.size:
            cure = "Give numpy.moveaxis(array, 0, 2): channels come last."
        raise UsageError(subject, cause, cure)
    # Not `min < 0 or max > 1`: NaN would pass.
    if array.dtype == np.float32 and not (array.min() >= 0.0 and array.max() <= 1.0):
        raise UsageError(subject, "it has values outside 0 to 1", "Scale it, and replace NaN.")


def denoise_folder(
    inputs: Sequence[Path],
    order: Order,
    listener: Listener,
    *,
    dry_run: bool = False,
    page: DenoisePage | None = None,
) -> None:
    """Denoise all photos among `inputs`, files and folders; `listener` is told what became of each.

    One photo's failure leaves the others alone. A `dry_run` writes nothing and estimates the time. `page` collects
    photos; its caller writes it. Raises UsageError, before anything is done, where the call as a whole cannot work.
    """
    output, model = order.output, order.model
    own_limit = _checked(inputs, order)
    with reading_process(output, own_limit) as reading, ThreadPoolExecutor(1, "loader") as loader:
        work = plan_work(inputs, output, reading, listener)
        camera = Cameras(keep=model == AUTO_MODEL)
        read = reader(reading, order, camera)
        # Without any room for a photo the plan, which is checked below, says why nothing can be done at all.
        skipped = dry_run or not reading.max_bytes()
        load = partial(_prepare, order)
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
        steps = steps_of(read, denoiser, camera, order.settings, listener, overlap=own_limit is None)
        steps = _shown_on(page, steps, denoiser, work, listener, by_camera=camera.keep)
        return run_jobs(work.jobs[len(opening.failed) :], steps, listener, first=opening.take_first())


def denoise_arrivals(inputs: Sequence[Path], order: Order, listener: Listener) -> None:
    """Do what `denoise_folder` does, and then, until Ctrl-C, the same with photos as they arrive.

    A photo's turn comes when its file no longer grows. One that fails is not tried again until it changes.
    """
    from lgbpn_cli.batch.watch import Arrivals

    own_limit = _checked(inputs, order)
    with reading_process(order.output, own_limit) as reading:
        camera = Cameras(keep=order.model == AUTO_MODEL)
        read = reader(reading, order, camera)
        denoiser = _prepare(order)
        listener.prepared(RunFacts.of(denoiser), 0)
        steps = steps_of(read, denoiser, camera, order.settings, listener, overlap=own_limit is None)
        listener.note("watching for photos; Ctrl-C ends it")
        for jobs, refused in Arrivals(inputs, order.output, reading).for_ever():
            for outcome in refused:
                listener.finished(outcome)
            listener.found_work(len(jobs))
            run_jobs(jobs, steps, listener)


def denoise_on_workers(
    inputs: Sequence[Path],
    order: Order,
    listener: Listener,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> None:
    """Do what `denoise_folder` does on `workers` processes of this machine, or on those of a dask `scheduler`.

    None starts a process for each GPU, or one without. Work begins while photos are still being found. Workers that
    die are replaced, and photos that workers die of are named. Raises UsageError where the call cannot work.
    """
    from lgbpn_cli.batch.cluster.order import WorkersOrder
    from lgbpn_cli.batch.cluster.pool import choose_pool, connected, share_memory
    from lgbpn_cli.batch.cluster.run import Run
    from lgbpn_cli.batch.cluster.search import find_tasks
    from lgbpn_cli.models.names import WEIGHT_SUFFIX

    output = order.output
    if scheduler is not None:  # workers have a current folder of their own
        inputs = [path.absolute() for path in inputs]
        folders = (output.output, output.full_folder)
        own, full = (None if each is None else str(Path(each).absolute()) for each in folders)
        output = replace(output, output=own, full_folder=full)
        if order.model is not None and order.model.endswith(WEIGHT_SUFFIX):
            order = replace(order, model=str(Path(order.model).absolute()))
    check_inputs(inputs)
    check_output(inputs, output)
    pool = choose_pool(workers, scheduler, order.device)
    settings = share_memory(order.settings, pool)
    denoiser = _prepare(Order(output, settings, order.model, "cpu"))  # to know what workers should find
    records, facts = denoiser.records, RunFacts.of(denoiser)
    expected = tuple(record.settings for record in records)
    workers_order = WorkersOrder(output, settings, order.model, order.device, expected)
    del denoiser
    run = None
    try:
        with connected(pool) as connection, ReadingProcess(time_limit_s=output.photo_time_limit_s) as reading:
            listener.prepared(replace(facts, device=order.device, device_description=str(pool)), 0)
            own_records = () if order.model == AUTO_MODEL else records
            tasks = find_tasks(inputs, output, reading, listener, own_records)
            run = Run(connection, workers_order, listener)
            run.go_through(tasks)
    finally:
        if run is not None and scheduler is None:
            run.remove_parts()  # after Ctrl-C one's own workers are gone, in the midst of a result


def _checked(inputs: Sequence[Path], order: Order) -> int | None:
    """Return the most memory that the program itself may take; UsageError where the call cannot work."""
    check_inputs(inputs)
    check_output(inputs, order.output)
    return _limit_of_program(order.settings, order.device)


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


def _prepare(order: Order) -> Denoiser:
    """Return the denoiser of a run; UsageError or DeviceError where no photo can be done with its settings."""
    named = None if order.model == AUTO_MODEL else order.model
    with no_garbage_yet():
        denoiser = replace(prepare(named, order.device, order.settings), output=order.output)
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


def probe_noise(
    inputs: Sequence[Path],
    *,
    recursive: bool = False,
    names: NamePatterns = EVERY_NAME,
    on_note: Callable[[str], None] | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Probe:
    """The noise of the photos among `inputs`, files and folders, whose names fit.

    `on_step` is told how many of how many are done.
    Raises UsageError for a missing input, ModelError where the noise estimator is missing or damaged.
    """
    from lgbpn_cli.batch.probe import Probe, probe_photos

    check_inputs(inputs)
    selection = select_sources(inputs, OutputConfig(recursive=recursive, names=names))
    if on_note is not None:
        for text in selection.notes():
            on_note(text)
    refused = [str(error) for _, error in selection.refused]
    if not selection.sources:
        return Probe(failures=refused)
    from lgbpn_cli.noise.estimator import cell_levels

    with ReadingProcess() as reading:
        paths = [source.path for source in selection.sources]
        found = probe_photos(
            paths, cell_levels(), on_step, lambda path: read_guarded(reading, path, as_mosaic=True)
        )
    found.failures[:0] = refused
    return found

"""One photo through one network, tile by tile: the student, or LG-BPN with frozen attention and R3."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lgbpn_cli.config import InferenceConfig
from lgbpn_cli.image.types import Canvas, Picture, Window
from lgbpn_cli.inference.in_bands import Push, through_in_bands
from lgbpn_cli.inference.picture import Extended
from lgbpn_cli.inference.plan import Plan, plan_inference
from lgbpn_cli.inference.student import mean_of_views, views_of
from lgbpn_cli.inference.sweep import Estimate, Sweeps
from lgbpn_cli.inference.teacher import run_teacher
from lgbpn_cli.inference.tiling import Tile
from lgbpn_cli.inference.watch import UNWATCHED, Watch
from lgbpn_cli.machine.device import DTYPES
from lgbpn_cli.machine.memory import give_back_freed
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model
from lgbpn_cli.network.student import Student, StudentInBands


@torch.inference_mode()
def run_network(
    image: Picture,
    model: Model,
    config: InferenceConfig,
    *,
    into: Canvas | None = None,
    around_bytes: int = 0,
    watch: Watch = UNWATCHED,
) -> np.ndarray | None:
    """Return `image` without its noise: (h, w, 3) float32 in 0..1, as given; or put it `into` a canvas.

    `image` and the canvas are asked for windows only, so neither needs to exist as a whole in float32.
    `around_bytes` is the most memory that the photo takes before and after the network.
    The result depends on the seed only for quality `teacher-r3`.
    Raises UsageError where the quality is not one of the model's part, or the memory allowed does not suffice.
    Where a device that was chosen automatically has too little memory, `model` is moved to the CPU.
    """
    result = np.empty(image.shape, np.float32) if into is None else None
    canvas: Canvas = result if into is None else into  # type: ignore[assignment]  # one of them is there
    quality = model.quality(config.quality)
    refines = config.refine_passes if quality == "teacher-r3" else 0

    plan = plan_for(image, model, config, canvas.nbytes, around_bytes)
    watch.planned(plan)
    noisy = Extended(image, plan.multiple_px)

    def write(tile: Tile, clean: np.ndarray) -> None:
        place = noisy.inside(tile.core)
        clean = clean[: place[0].stop - place[0].start, : place[1].stop - place[1].start]
        canvas[place] = clean

    shape = noisy.height, noisy.width
    if through_in_bands(
        shape, lambda: _student_in_bands(noisy, model, plan), model.device, plan, write, watch
    ):
        give_back_freed()
        return result
    sweeps = Sweeps(model, config, replace(plan, band_px=None), shape, watch)
    if model.part == "student":
        views = views_of(quality)
        sweeps.run(lambda: _student_estimate(noisy, model, quality), write, calls_a_tile=len(views))
    else:
        run_teacher(noisy, model, config, refines, sweeps, write)
    give_back_freed()
    return result


def plan_for(
    image: Picture, model: Model, config: InferenceConfig, result_bytes: int, around_bytes: int = 0
) -> Plan:
    """Return the plan for a picture whose result takes that much memory."""
    height, width = image.shape[:2]
    held = image.nbytes + result_bytes
    return plan_inference(height, width, model, config, held_bytes=held, around_bytes=around_bytes)


def _student_in_bands(noisy: Extended, model: Model, plan: Plan) -> Push:
    network = StudentInBands(network_as(model.network, Student, model.name), DTYPES[plan.precision])

    def push(window: Window, last: bool) -> Tensor | None:
        return network.push(model.device.upload(noisy.read(window)), last=last)

    return push


def _student_estimate(noisy: Extended, model: Model, quality: str) -> Estimate:
    views = views_of(quality)

    def estimate(tile: Tile, plan: Plan) -> Tensor:
        network = network_as(model.network, Student, model.name)
        return mean_of_views(network, model.device.upload(noisy.read(tile.window)), views, plan.batch)

    return estimate

"""Distillation: a teacher cleans noisy photos, and a student learns to give the same results at once.

The student sees every pixel, so it can do what its teacher cannot: keep texture that nobody could guess. It learns
that where it is told apart from noise, on cleaned photos and drawn pictures with new noise laid on them. No clean
photo is a target: every target is a result for a noisy photo, or drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import gt
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.image.filters import gaussian_weights
from lgbpn_cli.machine.device import DTYPES, Device
from lgbpn_cli.models.contract import network_as
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry
from lgbpn_cli.models.publish import Publication, publish
from lgbpn_cli.network.student import Student, grown
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.engine.geometric_error import ErrorPart, geometric_mean_error
from lgbpn_cli.training.engine.kept_arrays import digest_of_all
from lgbpn_cli.training.engine.muon import muon_and_adam
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.trainer import Trainer, TrainingProgress
from lgbpn_cli.training.noise.mean import missing_mean
from lgbpn_cli.training.pictures.data import load_source
from lgbpn_cli.training.pictures.drawn import DRAWN_PX, kept_in_colours
from lgbpn_cli.training.recipe import DistillationRecipe
from lgbpn_cli.training.student.estimates import cut_tiles, estimate_tile, result_tile
from lgbpn_cli.training.student.lessons_ahead import LessonsAhead
from lgbpn_cli.training.student.pairs import CleanedPhotos, PairSampler
from lgbpn_cli.training.student.targets import make_target

CHECKPOINT_NAME = "student.pt"
ESTIMATES_FOLDER = "estimates"
SMALLEST_ERROR = 1.0 / 255
"""Added to the errors of crops, in their squares: what nobody sees is not worth ever more. With less, a student keeps
weak grain so that what has no noise stays the same to the last level."""
COARSE_PX = 8
"""Side of the squares whose means count by themselves."""
FINEST_COARSE_PX, COARSEST_PX = 1, 10
"""Standard deviations of the two blurs between which noise is coarse: what is left of it in the results of students
is seen there. Coarser still are shadows and colours, which real noise shifts and nothing else can teach."""


@dataclass(frozen=True)
class DistillationProgress:
    """How many photos are cleaned, or have lent their colours to drawn pictures, before the student's steps begin."""

    photo: int
    photos: int


@dataclass(frozen=True)
class Earlier:
    """Students of earlier rounds, whose results make a share of the targets of the next."""

    students: tuple[Model, ...]
    """Of several, the mean of the results: a little nearer to the truth than each of them."""
    share: float
    quality: str = "best"
    """Of their results: fast or best."""


class StudentTrainer(Trainer):
    """Trains a student to give the targets."""

    def __init__(
        self,
        shape: StudentConfig,
        config: DistillationConfig,
        sampler: PairSampler,
        device: Device,
        *,
        network: nn.Module | None = None,
    ) -> None:
        """Start a run at step 0 with weights drawn from the seed, or with a `network` in a student's place."""
        torch.manual_seed(config.seed)
        super().__init__(network or Student(shape), shape, config, device)
        self.lessons, self.leaves_coarse_noise = LessonsAhead(sampler, config), config.transplanted_share > 0
        self.coarse_weight = config.coarse_weight

    def make_optimisers(self) -> list[torch.optim.Optimizer]:
        """Return Muon for the hidden kernels; Adam for the first and last convolution and all biases."""
        precision = DTYPES[self.device.precision(self.config.precision)]
        return muon_and_adam(
            self.network, self.config.learning_rate, outer=("entry.", "exit."), precision=precision
        )

    def loss(self) -> Tensor:
        """Return the geometric mean of the crops' errors, each the root mean square of answer minus target.

        Errors of a place's mean may count by themselves where the answer is known: they are the blotches and the
        shifted colours that are seen in even areas, and little of a whole crop's error.
        """
        pairs = self.lessons.pairs(self.step)
        noisy, target, as_taken = (
            each.to(self.device.torch_device) for each in (pairs.noisy, pairs.target, pairs.as_taken)
        )
        with self.device.autocast(self.config.precision):
            answer = self.network(noisy)
        difference: Tensor = answer - target
        if self.leaves_coarse_noise and as_taken.any():
            # The targets of real noise have coarse noise left in them; its like is learned where the answer is known.
            real = difference[as_taken]
            coarse = blurred(real, FINEST_COARSE_PX) - blurred(real, COARSEST_PX)
            difference = torch.cat([real - coarse, difference[~as_taken]])
        parts = [ErrorPart(difference, SMALLEST_ERROR)]
        if self.coarse_weight and not as_taken.all():
            coarse = functional.avg_pool2d((answer - target)[~as_taken], COARSE_PX)
            # Of the mean of so many pixels, half a level is seen.
            parts.append(ErrorPart(coarse, SMALLEST_ERROR / 2, self.coarse_weight))
        return geometric_mean_error(parts)


def blurred(pictures: Tensor, sigma_px: int) -> Tensor:
    """Return pictures (b, c, h, w) blurred by a Gaussian of that standard deviation; edges are repeated."""
    reach = 3 * sigma_px
    weights = torch.from_numpy(gaussian_weights(sigma_px, reach)).to(pictures)
    channels = pictures.shape[1]
    kernel = weights.repeat(channels, 1)[:, None, None, :]
    for _ in range(2):  # along rows, then columns
        padded = functional.pad(pictures, (reach, reach, 0, 0), "replicate")
        pictures = functional.conv2d(padded, kernel, groups=channels).transpose(-1, -2)
    return pictures


def clean_photos(
    photos: Iterable[NDArray[np.uint8]],
    source: DataSource,
    teacher: Model,
    kept: Path,
    on_photo: Callable[[], None] | None = None,
    *,
    earlier: Earlier | None = None,
) -> CleanedPhotos:
    """Return the tiles of noisy `photos`, (h, w, 3) each, with the targets that the teacher's estimates give.

    Estimates are kept in the folder `kept`; a run that was interrupted takes them from there.
    """
    kept.mkdir(parents=True, exist_ok=True)
    noisy, targets = [], []
    for number, photo in enumerate(photos):
        for index, tile in enumerate(cut_tiles(photo)):
            name = f"{number:05}_{index:04}"
            noisy.append(tile)
            share = 0.0 if earlier is None else earlier.share
            target = np.zeros(tile.shape, np.float32)
            if share < 1:
                taught = make_target(tile, estimate_tile(tile, teacher, kept / f"{name}.npz"))
                target += np.float32(1 - share) * taught
            if earlier is not None and share:
                target += np.float32(share) * _mean_result(tile, earlier, kept / f"{name}_earlier")
            targets.append(np.rint(np.clip(target, 0, 255)).astype(np.uint8))
        if on_photo is not None:
            on_photo()
    cleaned = _of_source(source, noisy, targets)
    return (
        replace(cleaned, missing_mean=missing_mean(noisy, targets)) if source.mean_from_skewness else cleaned
    )


def _mean_result(tile: NDArray[np.uint8], earlier: Earlier, kept: Path) -> NDArray[np.float32]:
    """Return the mean of the students' results for a tile, each kept in a file whose name begins like `kept`."""
    results = [
        result_tile(tile, student, kept.with_name(f"{kept.name}_{nth}.npz"), earlier.quality)
        for nth, student in enumerate(earlier.students)
    ]
    mean: NDArray[np.float32] = np.mean(results, axis=0, dtype=np.float32)
    return mean


def draw_pictures(
    photos: Sequence[NDArray[np.uint8]],
    source: DataSource,
    seed: Sequence[int],
    kept: Path,
    on_photo: Callable[[], None] | None = None,
) -> CleanedPhotos:
    """Return the pictures that `source` wants drawn in the colours of `photos`, (h, w, 3) each; the same every time.

    They are kept in the folder `kept`, as estimates are.
    """
    kept.mkdir(parents=True, exist_ok=True)
    drawn = []
    for number, photo in enumerate(photos):
        drawn += kept_in_colours(photo, source.drawn, (*seed, number), kept / f"{number:05}.npz")
        if on_photo is not None:
            on_photo()
    return _of_source(source, drawn, drawn)


def _of_source(
    source: DataSource, noisy: Sequence[NDArray[np.uint8]], targets: Sequence[NDArray[np.uint8]]
) -> CleanedPhotos:
    return CleanedPhotos(source.folder, tuple(noisy), tuple(targets), source.weight, source.scene_weight)


def run_distillation(
    recipe: DistillationRecipe,
    teacher: Model,
    run: RecipeRun,
    *,
    earlier: Model | None = None,
    on_photo: Callable[[DistillationProgress], None] | None = None,
) -> ModelEntry:
    """Train the student that `recipe` describes, and return its model's manifest entry.

    The student becomes a part of the model `recipe.name`, which is made if it is not there yet.
    `earlier` is the student whose results make the `earlier_share` of the targets, where the recipe asks for one.
    Raises TrainingError where the run cannot go on.
    """
    config = recipe.distillation
    _check(recipe)
    loaded = [load_source(source, run.data_root, config.crop_px).photos for source in recipe.sources]
    total, done = sum(map(len, loaded)), 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if on_photo is not None:
            on_photo(DistillationProgress(done, total))

    for name in ("earlier_share", "from_earlier"):
        if getattr(config, name) and earlier is None:
            raise TrainingError(name, "there is no earlier student", "Omit it in the first round.")
    start = _first_state(earlier, recipe) if config.from_earlier and earlier is not None else None
    before = None if earlier is None else Earlier((earlier,), config.earlier_share)
    sources = []
    for index, (source, photos) in enumerate(zip(recipe.sources, loaded, strict=True)):
        kept = run.run_folder / ESTIMATES_FOLDER / f"{index:02}"
        if source.drawn:
            sources.append(draw_pictures(photos, source, (config.seed, index), kept, one_more))
            continue
        if source.scenes:
            sources.append(_of_source(source, photos, photos))
            continue
        whose = _of_others(source.results_of, config, run.device) if source.results_of else before
        sources.append(clean_photos(photos, source, teacher, kept, one_more, earlier=whose))
    weights = train_student(
        sources, recipe.student, config, run.run_folder, run.device, run.on_step, start=start
    )
    return _published(recipe, teacher, before, sources, weights, run.models_folder, run.command)


def _of_others(names_or_files: Sequence[str], config: DistillationConfig, device: Device) -> Earlier:
    """Return the students of those names or files, the mean of whose results is a source's targets."""
    students = tuple(load_model(each, part="student", device=device) for each in names_or_files)
    return Earlier(students, config.earlier_share)


def _check(recipe: DistillationRecipe) -> None:
    """Raise TrainingError for what could not be trained once everything is cleaned."""
    config, sources = recipe.distillation, recipe.sources
    if config.crop_px % recipe.student.size_multiple:
        raise TrainingError(
            "crop_px", f"{config.crop_px} is not a multiple of {recipe.student.size_multiple}", "Change it."
        )
    if config.crop_px > DRAWN_PX and any(source.drawn for source in sources):
        raise TrainingError("crop_px", f"drawn pictures have {DRAWN_PX} px only", f"Use {DRAWN_PX} or less.")
    other_scenes = config.transplanted_share * config.other_scene_share
    new_noise = config.renoised_share + config.grain_share + other_scenes > 0
    for asked, name, weights in (
        (config.renoised_share + config.grain_share < 1, "weight", [each.weight for each in sources]),
        (new_noise, "renoised_weight", [each.scene_weight for each in sources]),
    ):
        if asked and not sum(weights) > 0:
            raise TrainingError(name, "it is 0 for all sources", "Give one of them a weight above 0.")


def _first_state(earlier: Model, recipe: DistillationRecipe) -> Student:
    """Return the student that a round begins with: the earlier one, with as many blocks as the recipe wants."""
    before, wanted = network_as(earlier.network, Student, "from_earlier"), recipe.student
    fewer = any(map(gt, before.config.blocks_by_level, wanted.blocks_by_level))
    if before.config.widths != wanted.widths or fewer:
        raise TrainingError(
            "from_earlier",
            "the earlier student has other widths, or more blocks",
            "Use its widths, and at least its blocks.",
        )
    torch.manual_seed(recipe.distillation.seed)
    return grown(before, wanted)


def train_student(
    sources: Sequence[CleanedPhotos],
    shape: StudentConfig,
    config: DistillationConfig,
    run_folder: Path,
    device: Device,
    on_step: Callable[[TrainingProgress], None] | None = None,
    *,
    start: nn.Module | None = None,
) -> dict[str, Tensor]:
    """Return the averaged weights of a student trained on `sources`, resuming from `run_folder`.

    It begins with the weights of `start`, a student of the same shape; None: with random ones.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    trainer = StudentTrainer(shape, config, PairSampler(sources, config), device)
    if start is not None:
        trainer.begin_with(start.state_dict())
    trainer.learned_from = " ".join(
        f"{each.weight} {each.renoised_weight} {each.missing_mean} {digest_of_all((*each.noisy, *each.targets))}"
        for each in sources
    )
    return trainer.run(run_folder / CHECKPOINT_NAME, on_step)


def _published(
    recipe: DistillationRecipe,
    teacher: Model,
    earlier: Earlier | None,
    sources: Sequence[CleanedPhotos],
    weights: dict[str, Tensor],
    folder: Path,
    command: str,
) -> ModelEntry:
    """Make the student a part of the model that the recipe names, and return its entry."""
    shape, config = recipe.student, recipe.distillation
    drawn = ", or drawn" if any(source.drawn for source in recipe.sources) else ""
    targets = f"Every target is a result for a noisy photo{drawn}; none is a clean photo."
    for source in recipe.sources:
        if source.results_of:
            students = " and ".join(Path(each).name for each in source.results_of)
            targets += f" Those of {source.folder} are results of {students}."
    shifted = ", ".join(source.folder for source in recipe.sources if source.mean_from_skewness)
    if shifted:
        targets += f" The mean of the noise of {shifted} is told from its skewness."
    new = Publication(
        name=recipe.name,
        part="student",
        weights={name: value.to(torch.float16) for name, value in weights.items()},
        shape=shape,
        preset=teacher.preset,
        network=str(shape),
        data="; ".join(
            f"{each.name}: {len(each.noisy)} {'pictures drawn in its colours' if source.drawn else 'noisy tiles'}"
            for source, each in zip(recipe.sources, sources, strict=True)
        ),
        licence=recipe.licence,
        steps=config.steps,
        command=command,
        schedule=f"of {config.batch} crops of {config.crop_px} px, {config.renoised_share:.0%} of them scenes with "
        f"made-up noise, {config.transplanted_share:.0%} with that of the photos ({config.other_scene_share:.0%} of "
        f"it on other scenes), {config.grain_share:.0%} with grain; {config.grey_share:.0%} made grey; Muon, EMA "
        f"{config.ema_decay}",
        details=(
            targets,
            f"Teacher: {teacher.name} (SHA-256 {teacher.sha256})",
            *([] if earlier is None else _of_later_round(earlier, config)),
        ),
    )
    return publish(new, folder)


def _of_later_round(earlier: Earlier, config: DistillationConfig) -> list[str]:
    results = f"results of the student before it at quality best (SHA-256 {earlier.students[0].sha256})"
    lines = []
    if earlier.share == 1:
        lines.append(f"Targets: {results}")
    elif earlier.share:
        lines.append(f"Targets: {earlier.share:.0%} {results}, the rest the teacher's")
    if config.from_earlier:
        lines.append("Begins with the weights of the student before it")
    return lines

"""A student from a teacher: estimates kept, a run resumed, a model that has both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from model_folders import KeepModels
from PIL import Image
from reference.networks import TINY
from torch import nn

from lgbpn_cli.config import StudentConfig
from lgbpn_cli.errors import TrainingError
from lgbpn_cli.machine.device import Device
from lgbpn_cli.models.load import Model, load_model
from lgbpn_cli.models.manifest import ModelEntry, ModelPart, add_entry, file_sha256, read_manifest
from lgbpn_cli.models.weight_file import write_weights
from lgbpn_cli.network.student import Student
from lgbpn_cli.training.config import DataSource, DistillationConfig
from lgbpn_cli.training.engine.run import RecipeRun
from lgbpn_cli.training.engine.trainer import TrainingProgress
from lgbpn_cli.training.pictures.drawn import DRAWN_PX
from lgbpn_cli.training.recipe import DistillationRecipe
from lgbpn_cli.training.student.distil import (
    CHECKPOINT_NAME,
    DistillationProgress,
    Earlier,
    StudentTrainer,
    clean_photos,
    run_distillation,
)
from lgbpn_cli.training.student.estimates import result_tile
from lgbpn_cli.training.student.pairs import CleanedPhotos, PairSampler

SHAPE = StudentConfig(widths=(4, 4, 4))
CONFIG = DistillationConfig(steps=4, batch=2, crop_px=32, warmup_steps=1, checkpoint_every=2)


@pytest.fixture
def recipe(tmp_path: Path, photos: tuple[np.ndarray, ...]) -> DistillationRecipe:
    folder = tmp_path / "data" / "waves"
    folder.mkdir(parents=True)
    for index, photo in enumerate(photos):
        Image.fromarray(photo).save(folder / f"{index}.png")
    return DistillationRecipe("tiny", "CC0", (DataSource("waves", exclude=("2*",)),), "tiny", SHAPE, CONFIG)


class Run:
    """`run_distillation` in a folder of its own, noting what it says."""

    def __init__(self, tmp_path: Path, teacher: Model) -> None:
        self.tmp_path, self.teacher = tmp_path, teacher
        self.photos: list[DistillationProgress] = []
        self.steps: list[TrainingProgress] = []

    def __call__(self, recipe: DistillationRecipe, earlier: Model | None = None) -> ModelEntry:
        return run_distillation(
            recipe, self.teacher, self.told(self.steps.append), earlier=earlier, on_photo=self.photos.append
        )

    def told(self, on_step: Callable[[TrainingProgress], None]) -> RecipeRun:
        """The run whose steps are told."""
        folders = (self.tmp_path / "data", self.tmp_path / "run", self.tmp_path / "models")
        return RecipeRun(*folders, self.teacher.device, "lgbpn distill tiny.toml", on_step)


@pytest.fixture
def run(tmp_path: Path, teacher: Model) -> Run:
    return Run(tmp_path, teacher)


def test_the_student_joins_its_teachers_model(
    run: Run,
    recipe: DistillationRecipe,
    tmp_path: Path,
    teacher: Model,
    cpu: Device,
    keep_models: KeepModels,
) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "tiny.safetensors"
    write_weights(path, teacher.network.state_dict(), TINY, "dnd")
    add_entry(
        ModelEntry(
            "tiny",
            "dnd",
            {"teacher": ModelPart(path.name, file_sha256(path))},
            "teacher's",
            card="tiny.md",
            folder=folder,
        )
    )
    (folder / "tiny.md").write_text("# tiny\n\nA teacher.\n", encoding="utf-8")
    entry = run(recipe)
    assert set(read_manifest(folder)["tiny"].parts) == {"teacher", "student"} == set(entry.parts)
    assert entry.training_data == "teacher's; student: waves: 2 noisy tiles"
    assert run(recipe).training_data == entry.training_data
    card = (folder / "tiny.md").read_text(encoding="utf-8")
    assert "A teacher." in card
    assert entry.parts["student"].sha256 in card
    keep_models(folder)
    model = load_model("tiny", device=cpu)
    assert (model.part, model.network.config) == ("student", SHAPE)
    assert model.network.exit.weight.abs().max() > 0


def test_a_student_without_a_teacher_beside_it_is_a_model_of_its_own(
    run: Run, recipe: DistillationRecipe
) -> None:
    entry = run(recipe)
    assert set(entry.parts) == {"student"}
    assert entry.training_data == "waves: 2 noisy tiles"
    assert (run.photos[-1].photo, run.photos[-1].photos) == (2, 2)
    assert [progress.step for progress in run.steps] == [1, 2, 3, 4]


def test_weights_are_kept_in_half_precision_and_used_in_single(
    run: Run, recipe: DistillationRecipe, cpu: Device
) -> None:
    path = run(recipe).part_path("student")
    assert (
        path.stat().st_size
        < 2
        * 1.5
        * sum(value.numel() for value in load_model(str(path), device=cpu).network.state_dict().values())
        + 8000
    )
    assert load_model(str(path), device=cpu).network.exit.weight.dtype == torch.float32


def test_a_run_that_was_stopped_ends_as_one_that_was_not(
    run: Run, recipe: DistillationRecipe, tmp_path: Path
) -> None:
    whole = run(recipe).parts["student"].sha256
    (tmp_path / "run" / "student.pt").unlink()

    def stop(progress: TrainingProgress) -> None:
        if progress.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_distillation(recipe, run.teacher, run.told(stop))
    run.steps.clear()
    assert run(recipe).parts["student"].sha256 == whole
    assert [progress.step for progress in run.steps] == [3, 4]


def test_crops_that_the_student_cannot_halve_are_refused(run: Run, recipe: DistillationRecipe) -> None:
    with pytest.raises(TrainingError, match="not a multiple of 8"):
        run(replace(recipe, distillation=replace(CONFIG, crop_px=36)))


def some_student(cpu: Device) -> Model:
    torch.manual_seed(4)
    student = Model("tiny", "7" * 64, "dnd", Student(SHAPE), cpu)
    nn.init.normal_(student.network.exit.weight, std=0.02)  # type: ignore[arg-type, union-attr]
    return student


def test_a_second_round_takes_a_share_of_the_earlier_students_results(
    teacher: Model, photos: tuple[np.ndarray, ...], tmp_path: Path, cpu: Device
) -> None:
    student = some_student(cpu)
    source, tile = DataSource("waves"), photos[0]
    plain = clean_photos([tile], source, teacher, tmp_path).targets[0].astype(float)
    mixed = clean_photos([tile], source, teacher, tmp_path, earlier=Earlier((student,), 0.7)).targets[0]
    result = result_tile(tile, student, tmp_path / "result.npz").astype(float)
    assert abs(plain - result).mean() > 1
    np.testing.assert_allclose(mixed, np.clip(0.3 * plain + 0.7 * result, 0, 255), atol=1.01)


@pytest.mark.parametrize("name", ["earlier_share", "from_earlier"])
def test_a_second_round_without_an_earlier_student_is_refused(
    run: Run, recipe: DistillationRecipe, name: str
) -> None:
    with pytest.raises(TrainingError, match=f"{name}: there is no earlier student"):
        run(replace(recipe, distillation=replace(CONFIG, **{name: 1})))


def test_targets_of_the_earlier_student_alone_need_no_teacher(
    teacher: Model, photos: tuple[np.ndarray, ...], tmp_path: Path, cpu: Device
) -> None:
    student = some_student(cpu)
    earlier = Earlier((student,), 1.0)
    cleaned = clean_photos([photos[0]], DataSource("waves"), teacher, tmp_path / "kept", earlier=earlier)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["00000_0000_earlier_0.npz"]
    result = result_tile(photos[0], student, tmp_path / "result.npz").astype(float)
    np.testing.assert_allclose(cleaned.targets[0], np.clip(result, 0, 255), atol=0.6)


def test_a_round_with_drawn_pictures_runs_and_its_card_says_so(run: Run, recipe: DistillationRecipe) -> None:
    assert "result for a noisy photo; none is a clean photo" in card_of(run(recipe))
    drawn = replace(recipe.sources[0], weight=0, renoised_weight=1, drawn=1)
    with_drawn = replace(recipe, sources=(recipe.sources[0], drawn))
    with pytest.raises(TrainingError, match="made with other photos or targets"):
        run(with_drawn)  # where the run before left its checkpoint
    (run.tmp_path / "run" / CHECKPOINT_NAME).unlink()
    entry = run(with_drawn)
    assert "result for a noisy photo, or drawn; none is a clean photo" in card_of(entry)
    assert "pictures drawn in its colours" in entry.training_data
    assert "50% of them scenes with made-up noise, 0% with that of the photos (0% of it on" in card_of(entry)
    assert "0% made grey" in card_of(entry)


def card_of(entry: ModelEntry) -> str:
    return (entry.folder / entry.card).read_text(encoding="utf-8")


def test_crops_larger_than_drawn_pictures_are_refused_before_anything_is_cleaned(
    run: Run, recipe: DistillationRecipe
) -> None:
    drawn = replace(recipe.sources[0], weight=0, renoised_weight=1, drawn=1)
    large = replace(
        recipe, sources=(recipe.sources[0], drawn), distillation=replace(CONFIG, crop_px=DRAWN_PX + 32)
    )
    with pytest.raises(TrainingError, match=f"drawn pictures have {DRAWN_PX} px only"):
        run(large)


@pytest.mark.parametrize(
    ("weights", "shares", "missing"),
    [
        ((0.0, 1.0), {"renoised_share": 0.5}, "weight"),
        ((1.0, 0.0), {"renoised_share": 0.1}, "renoised_weight"),
        ((1.0, 0.0), {"renoised_share": 0, "grain_share": 0.1}, "renoised_weight"),
        (
            (1.0, 0.0),
            {"renoised_share": 0, "transplanted_share": 0.1, "other_scene_share": 0.1},
            "renoised_weight",
        ),
    ],
)
def test_pairs_that_no_source_is_for_are_refused_before_anything_is_cleaned(
    run: Run,
    recipe: DistillationRecipe,
    tmp_path: Path,
    weights: tuple[float, float],
    shares: dict[str, float],
    missing: str,
) -> None:
    source = replace(recipe.sources[0], weight=weights[0], renoised_weight=weights[1])
    with pytest.raises(TrainingError, match=f"^{missing}: it is 0 for all sources"):
        run(replace(recipe, sources=(source,), distillation=replace(CONFIG, **shares)))
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ((0.0, 1.0), {"renoised_share": 1.0}),
        ((0.0, 1.0), {"renoised_share": 0.75, "grain_share": 0.25}),
        ((1.0, 0.0), {"renoised_share": 0, "transplanted_share": 1.0}),
    ],
)
def test_pairs_that_are_not_asked_for_need_no_source(
    run: Run, recipe: DistillationRecipe, weights: tuple[float, float], shares: dict[str, float]
) -> None:
    source = replace(recipe.sources[0], weight=weights[0], renoised_weight=weights[1])
    assert "student" in run(replace(recipe, sources=(source,), distillation=replace(CONFIG, **shares))).parts


def test_a_round_may_begin_with_the_earlier_students_weights(
    run: Run, recipe: DistillationRecipe, cpu: Device
) -> None:
    earlier = some_student(cpu)
    still = replace(CONFIG, steps=1, learning_rate=1e-9, from_earlier=True)
    entry = run(replace(recipe, distillation=still), earlier)
    card = (entry.folder / entry.card).read_text(encoding="utf-8")
    assert "Begins with the weights of the student before it" in card
    assert "Targets: " not in card
    network = load_model(str(entry.part_path("student")), device=cpu).network
    torch.testing.assert_close(
        network.state_dict(), earlier.network.state_dict(), rtol=1e-3, atol=1e-5, check_dtype=False
    )
    other = replace(recipe, distillation=still, student=StudentConfig(widths=(4, 4, 8)))
    with pytest.raises(TrainingError, match="other widths, or more blocks"):
        run(other, earlier)
    torch.manual_seed(4)
    deeper = replace(earlier, network=Student(replace(SHAPE, blocks=(*(1 for _ in SHAPE.widths[1:]), 2))))
    with pytest.raises(TrainingError, match="other widths, or more blocks"):
        run(replace(recipe, distillation=still), deeper)


def test_a_round_may_begin_with_the_earlier_students_weights_and_more_blocks(
    run: Run, recipe: DistillationRecipe, cpu: Device, photos: tuple[np.ndarray, ...]
) -> None:
    earlier = some_student(cpu)
    still = replace(CONFIG, steps=1, learning_rate=1e-9, from_earlier=True)
    deeper = replace(SHAPE, blocks=(2, *(1 for _ in SHAPE.widths[1:])))
    network = load_model(
        str(run(replace(recipe, distillation=still, student=deeper), earlier).part_path("student")),
        device=cpu,
    ).network
    noisy = torch.from_numpy(photos[0]).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        torch.testing.assert_close(network(noisy), earlier.network(noisy), rtol=0, atol=2e-3)
    assert network.config == deeper


def test_a_round_may_tell_the_mean_of_noise_from_its_skewness(
    run: Run, recipe: DistillationRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "lgbpn_cli.training.student.distil.missing_mean", lambda noisy, cleaned: (0.1, 0.2, 0.3)
    )
    asked: list[tuple[float, ...]] = []

    class Watched(PairSampler):
        def __init__(self, sources: list[CleanedPhotos], config: DistillationConfig) -> None:
            asked.extend(each.missing_mean for each in sources)
            super().__init__(sources, config)

    monkeypatch.setattr("lgbpn_cli.training.student.distil.PairSampler", Watched)
    told = replace(recipe.sources[0], mean_from_skewness=True)
    card = card_of(run(replace(recipe, sources=(*recipe.sources, told))))
    assert "The mean of the noise of waves is told from its skewness" in card
    assert asked == [(0, 0, 0), (0.1, 0.2, 0.3)]


@pytest.mark.parametrize(("share", "words"), [(1.0, "Targets: results of"), (0.7, "Targets: 70% results of")])
def test_the_card_says_whose_results_were_learned(
    run: Run, recipe: DistillationRecipe, cpu: Device, share: float, words: str
) -> None:
    entry = run(replace(recipe, distillation=replace(CONFIG, earlier_share=share)), some_student(cpu))
    card = (entry.folder / entry.card).read_text(encoding="utf-8")
    assert words in card
    assert ("the rest the teacher's" in card) == (share < 1)
    assert "Begins with" not in card


def test_a_sources_targets_may_be_another_students_results(
    run: Run, recipe: DistillationRecipe, tmp_path: Path, cpu: Device
) -> None:
    other = tmp_path / "other.safetensors"
    torch.manual_seed(5)
    network = Student(SHAPE)
    torch.nn.init.normal_(network.exit.bias, std=0.2)
    write_weights(other, network.state_dict(), SHAPE, "sidd")
    taught = replace(recipe.sources[0], results_of=(str(other),))
    learned = replace(CONFIG, earlier_share=1.0)
    card = card_of(run(replace(recipe, distillation=learned, sources=(taught,)), some_student(cpu)))
    assert "Those of waves are results of other.safetensors." in card
    kept = next((tmp_path / "run" / "estimates").rglob("*_earlier_0.npz"))
    with np.load(kept) as arrays:
        answer = next(arrays[name] for name in arrays.files if arrays[name].ndim == 3)
    first = Image.open(sorted((tmp_path / "data" / "waves").iterdir())[0])
    shift = answer.astype(float).mean(axis=(0, 1)) - np.asarray(first, float).mean(axis=(0, 1))
    assert np.abs(shift).max() > 5  # what no trained student does, but this one


def test_the_results_of_several_students_are_averaged(
    photos: tuple[np.ndarray, ...], teacher: Model, tmp_path: Path, cpu: Device
) -> None:
    students = []
    for seed in (5, 6):
        torch.manual_seed(seed)
        network = Student(SHAPE)
        torch.nn.init.normal_(network.exit.bias, std=0.05)
        students.append(replace(some_student(cpu), network=network, sha256=str(seed)))

    def targets(name: str, *taught_by: Model) -> np.ndarray:
        earlier = Earlier(tuple(taught_by), share=1.0, quality="fast")
        cleaned = clean_photos(photos[:1], DataSource("waves"), teacher, tmp_path / name, earlier=earlier)
        return cleaned.targets[0].astype(float)

    first, second = (targets(str(nth), student) for nth, student in enumerate(students))
    assert np.abs(first - second).mean() > 2  # else their mean says nothing
    unclipped = (np.minimum(first, second) > 0) & (np.maximum(first, second) < 255)
    assert unclipped.mean() > 0.3
    assert np.abs(targets("both", *students) - (first + second) / 2)[unclipped].max() <= 1


def test_errors_of_a_places_mean_count_by_themselves_where_the_answer_is_known(
    photos: tuple[np.ndarray, ...], cpu: Device
) -> None:
    source = CleanedPhotos("waves", photos, photos, 1.0, 1.0)

    def loss(weight: float, offset: float, renoised_share: float) -> float:
        config = replace(CONFIG, coarse_weight=weight, renoised_share=renoised_share)
        trainer = StudentTrainer(SHAPE, config, PairSampler((source,), config), cpu)
        with torch.no_grad():
            trainer.network.exit.bias += offset  # type: ignore[operator, union-attr]
            return trainer.loss().item()

    def growth(weight: float, renoised_share: float) -> float:
        return loss(weight, 0.1, renoised_share) / loss(weight, 0.0, renoised_share)

    # An untrained student gives the noise back: its pixels are off by much, the means of 8x8 px by little.
    assert growth(4.0, 1.0) > 1.2 * growth(0.0, 1.0)
    assert growth(4.0, 0.0) == pytest.approx(growth(0.0, 0.0))

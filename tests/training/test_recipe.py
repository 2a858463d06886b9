"""Recipes: reading them, refusing what is unknown, and what those of the project train on."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lgbpn_cli.config import NETWORKS, RawConfig, StudentConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.training.config import (
    DataSource,
    DistillationConfig,
    NoiseEstimatorTrainingConfig,
    RawTrainingConfig,
    TrainingConfig,
)
from lgbpn_cli.training.pictures.data import source_files
from lgbpn_cli.training.recipe import (
    AnyRecipe,
    is_of_noise_estimator,
    read_distillation_recipe,
    read_noise_estimator_recipe,
    read_raw_recipe,
    read_recipe,
)
from lgbpn_cli.training.recipe import data_root as folder_of_data

WHOLE = """
name = "mine"
preset = "dnd"
licence = "CC0"

[network]
base = "small"
width = 16

[training]
steps = 100
learning_rate = 1e-3

[[sources]]
folder = "one/noisy"
weight = 0.75
exclude = ["33_*", "35_*"]

[[sources]]
folder = "two"
"""
KEPT_OUT = {
    "sidd-val-odd": ("33_*", "35_*", "37_*", "39_*"),
    "renoir-even": ("34*", "36*", "38*", "40*"),
    "clean": ("Dragonfly*", "aitzgorri*", "life*"),
    "photos": (
        "elementary_Leaves.jpg",
        "elementary_Brown_Architecture.jpg",
        "elementary_Disco_Sea_Eye_Ferns.jpg",
        "elementary_Our_Night_Under_The_Stars.jpg",
        "elementary_Living_Stones.jpg",
        "elementary_Deep_Blue.jpg",
        "elementary_Barn_Grafitti.jpg",
        "elementary_Lizard.jpg",
        "elementary_Viktor_Forgacs_02.jpg",
        "elementary_Sam_Henderson.jpg",
        "popos_jake-hills-36605.jpg",
        "popos_tony-webster-97532.jpg",
    ),
}
"""Photos that no recipe trains on, by data set."""
RECIPES = sorted((Path(__file__).resolve().parents[2] / "recipes").glob("*.toml"))
every_recipe = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)


def recipe_file(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def project_recipe(path: Path) -> AnyRecipe:
    """Read a recipe of the project: those that name a teacher are a student's, the raw network's has its name."""
    if is_of_noise_estimator(path):
        return read_noise_estimator_recipe(path)
    if path.stem == "raw":
        return read_raw_recipe(path)
    read = read_distillation_recipe if "teacher" in tomllib.loads(path.read_text()) else read_recipe
    return read(path)


def refusal_of(folder: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        read_recipe(recipe_file(folder, text))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_recipe_says_what_is_trained_on_what(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path, WHOLE))
    assert (recipe.name, recipe.preset, recipe.licence) == ("mine", "dnd", "CC0")
    assert recipe.training == TrainingConfig(steps=100, learning_rate=1e-3)
    assert recipe.sources == (DataSource("one/noisy", 0.75, ("33_*", "35_*")), DataSource("two"))


def test_a_network_is_a_named_one_with_the_fields_it_changes(tmp_path: Path) -> None:
    network = read_recipe(recipe_file(tmp_path, WHOLE)).network
    assert network.width == 16
    assert network.local_modules == NETWORKS["small"].local_modules
    assert network.value_range == NETWORKS["small"].value_range


STUDENT = """
name = "mine"
teacher = "lgbpn-base"
licence = "CC0"

[student]
widths = [8, 16]

[distillation]
steps = 100
other_scene_share = 0.25
shot = [1e-3, 1e-2]

[[sources]]
folder = "clean"
weight = 0.0
renoised_weight = 0.5
drawn = 2

[[sources]]
folder = "noisy"
mean_from_skewness = true
"""


def test_a_recipe_of_a_student_says_who_teaches_it_and_what(tmp_path: Path) -> None:
    recipe = read_distillation_recipe(recipe_file(tmp_path, STUDENT))
    assert (recipe.name, recipe.teacher, recipe.student) == ("mine", "lgbpn-base", StudentConfig((8, 16)))
    assert recipe.distillation == DistillationConfig(steps=100, other_scene_share=0.25, shot=(1e-3, 1e-2))
    assert recipe.sources == (
        DataSource("clean", weight=0.0, renoised_weight=0.5, drawn=2),
        DataSource("noisy", mean_from_skewness=True),
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "[distilation]\nsteps = 1",
        "shots = 1",
        "[distillation]\nshot = [0, 1]",
        '[distillation]\nprecision = "float16"',
    ],
    ids=str,
)
def test_a_recipe_of_a_student_with_something_unknown_or_impossible_is_refused(
    wrong: str, tmp_path: Path
) -> None:
    text = 'name = "a"\nteacher = "b"\nlicence = "c"\n' + wrong + '\n[[sources]]\nfolder = "d"'
    with pytest.raises(UsageError):
        read_distillation_recipe(recipe_file(tmp_path, text))


def test_what_a_recipe_leaves_out_has_its_default(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path, 'name = "a"\nlicence = "b"\n[[sources]]\nfolder = "c"'))
    assert recipe.preset == "sidd"
    assert recipe.network == NETWORKS["small"]
    assert recipe.training == TrainingConfig()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('name = "mine"', "", "name"),
        ('licence = "CC0"', "", "licence"),
        ('preset = "dnd"', 'preset = "raw"', "raw"),
        ('preset = "dnd"', 'color = "red"', "color"),
        ('base = "small"', 'base = "huge"', "huge"),
        ("width = 16", "breadth = 16", "breadth"),
        ("width = 16", "width = 17", "width"),
        ("steps = 100", "stepps = 100", "stepps"),
        ("weight = 0.75", "wieght = 0.75", "wieght"),
        ('folder = "two"', "", "folder"),
    ],
)
def test_a_key_that_is_unknown_or_missing_is_named(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in WHOLE
    assert named in refusal_of(tmp_path, WHOLE.replace(old, new))


RAW = """
name = "mine"
licence = "CC0"

[network]
widths = [8, 16]

[training]
steps = 100
shot = [1e-3, 1e-2]

[[sources]]
folder = "photos"
reduced = [2, 3]
"""


def test_a_recipe_of_a_raw_network_says_what_is_reduced(tmp_path: Path) -> None:
    recipe = read_raw_recipe(recipe_file(tmp_path, RAW))
    assert (recipe.name, recipe.network) == ("mine", RawConfig((8, 16)))
    assert recipe.training == RawTrainingConfig(steps=100, shot=(1e-3, 1e-2))
    assert recipe.sources == (DataSource("photos", reduced=(2, 3)),)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("[2, 3]", "[]", "reduced"),
        ("[2, 3]", "[0]", "reduced"),
        ("[1e-3, 1e-2]", "[1e-2, 1e-3]", "shot"),
        ("steps = 100", "stepps = 100", "stepps"),
    ],
)
def test_a_bad_recipe_of_a_raw_network_is_refused(tmp_path: Path, old: str, new: str, named: str) -> None:
    assert old in RAW
    with pytest.raises(UsageError, match=named):
        read_raw_recipe(recipe_file(tmp_path, RAW.replace(old, new)))


@pytest.mark.parametrize(
    "text",
    [
        'name = "a"\nlicence = "b"\nnetwork = "small"\nsources = [{folder = "c"}]',
        'name = "a"\nlicence = "b"\ntraining = 5\nsources = [{folder = "c"}]',
        'name = "a"\nlicence = "b"\nsources = "c"',
        'name = "a"\nlicence = "b"\n[sources]\nfolder = "c"',
        'name = "a"\nlicence = "b"',
        "name = ",
        "",
    ],
)
def test_a_recipe_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    assert "recipe.toml" in refusal_of(tmp_path, text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not a TOML file"):
        read_recipe(tmp_path / "recipe.toml")


def test_a_missing_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing\.toml: cannot be read"):
        read_recipe(tmp_path / "missing.toml")


def test_data_lies_where_lgbpn_data_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGBPN_DATA", "/somewhere")
    assert folder_of_data() == Path("/somewhere")
    monkeypatch.delenv("LGBPN_DATA")
    assert folder_of_data() == Path("../shared/data")


NOISE_ESTIMATOR = """
makes = "noise-estimator"
student = "lgbpn-base"
licence = "CC0"
start = "shipped"

[training]
steps = 100

[[sources]]
folder = "noisy"
"""


def test_a_recipe_of_the_noise_estimator_says_how_it_begins(tmp_path: Path) -> None:
    path = recipe_file(tmp_path, NOISE_ESTIMATOR)
    assert is_of_noise_estimator(path)
    recipe = read_noise_estimator_recipe(path)
    assert (recipe.student, recipe.start) == ("lgbpn-base", "shipped")
    assert recipe.training == NoiseEstimatorTrainingConfig(steps=100)
    assert recipe.sources == (DataSource("noisy"),)
    assert not is_of_noise_estimator(recipe_file(tmp_path, WHOLE))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('licence = "CC0"', "", "licence"),
        ('start = "shipped"', 'name = "mine"', "name"),
        ("steps = 100", "stepps = 100", "stepps"),
        ("steps = 100", "crop_px = 120", "crop_px"),
    ],
)
def test_a_bad_recipe_of_the_noise_estimator_is_refused(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert old in NOISE_ESTIMATOR
    with pytest.raises(UsageError, match=named):
        read_noise_estimator_recipe(recipe_file(tmp_path, NOISE_ESTIMATOR.replace(old, new)))


def test_the_project_has_recipes() -> None:
    assert RECIPES


@every_recipe
def test_every_recipe_of_the_project_can_be_read(path: Path) -> None:
    recipe = project_recipe(path)
    assert recipe.licence
    assert recipe.sources


@every_recipe
def test_no_recipe_trains_on_photos_that_are_kept_out(path: Path) -> None:
    for source in project_recipe(path).sources:
        name = source.folder.split("/")[0]
        assert set(KEPT_OUT.get(name, ())) <= set(source.exclude), source.folder


@every_recipe
def test_no_file_that_is_kept_out_is_among_those_a_recipe_reads(path: Path, data_root: Path) -> None:
    for source in project_recipe(path).sources:
        files = [file.name for file in source_files(source, data_root)]
        prefixes = tuple(each.rstrip("*") for each in KEPT_OUT.get(source.folder.split("/")[0], ()))
        assert files
        assert not prefixes or not [name for name in files if name.startswith(prefixes)]


@every_recipe
def test_no_recipe_reads_references_or_data_that_may_only_be_measured_on(path: Path) -> None:
    folders = [source["folder"].lower() for source in tomllib.loads(path.read_text())["sources"]]
    assert not [folder for folder in folders if "polyu" in folder or "reference" in folder]


@pytest.mark.parametrize("name", ["my model", "mine.safetensors", "auto"])
def test_a_name_that_no_model_can_have_is_refused_before_the_run(name: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(WHOLE.replace('name = "mine"', f'name = "{name}"'), "utf-8")
    with pytest.raises(UsageError, match="name"):
        read_recipe(path)

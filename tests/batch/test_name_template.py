"""`--name`: results are called as the template says, below the folder of the results, and never alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from lgbpn_cli.batch.name_template import ShotFacts, check_template, filled, with_model
from lgbpn_cli.batch.selection import select_sources
from lgbpn_cli.batch.targets import plan_targets
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import UsageError
from lgbpn_cli.photos.shot import Shot

FACTS = ShotFacts(Shot("NIKON D90", 3200), "2026:11:30 12:00:01")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{stem}_{iso}_dn.{ext}", "IMG_1_3200_dn.dng"),
        ("{date}/{camera}-{counter}", "2026-11-30/NIKON D90-0007.dng"),
        ("{folder} {stem}.{ext}", "trip IMG_1.dng"),
        ("{stem}{{x}}.{ext}", "IMG_1{x}.dng"),
        ("{stem}.v2", "IMG_1.v2.dng"),
    ],
)
def test_a_template_is_filled(template: str, name: str) -> None:
    check_template(template)
    assert filled(template, Path("trip/IMG_1.NEF"), ".dng", 7, FACTS) == Path(name)


def test_what_is_not_known_is_called_so() -> None:
    found = filled("{date}_{iso}_{camera}_{stem}", Path("/a.jpg"), ".jpg", 1, ShotFacts())
    assert found == Path("unknown_unknown_unknown_a.jpg")


def test_what_a_photo_says_of_itself_leads_nowhere() -> None:
    evil = ShotFacts(Shot("../../x\n:y", 1), "2026/11/30")
    assert filled("{camera}/{date}/{stem}", Path("a.jpg"), ".jpg", 1, evil) == Path(
        "..-..-x--y/unknown/a.jpg"
    )
    assert filled("{camera}/{stem}", Path("a.jpg"), ".jpg", 1, ShotFacts(Shot("..", 1))) == Path(
        "unknown/a.jpg"
    )


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{stem}_{lens}", "unknown field {lens}. Known are {stem}"),
        ("result.{ext}", "gives all photos of a folder one name"),
        ("{stem", "is not a template"),
        ("{stem!r}", "takes no format"),
        ("{stem.parent}", "unknown field"),
        ("{}", "unknown field"),
        ("/tmp/{stem}", "leads out of the folder"),
        ("../{stem}", "leads out of the folder"),
        ("C:\\{stem}", "leads out of the folder"),
    ],
)
def test_a_template_that_cannot_work_is_refused(template: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        check_template(template)
    assert words in str(refused.value)


def test_the_models_name_or_that_of_its_file_stands_for_it() -> None:
    assert with_model("{stem}_{model}", "my/own.safetensors") == "{stem}_own"


def test_clashes_get_names_of_their_own_and_are_told(tmp_path: Path) -> None:
    for name in ("a/x.jpg", "b/x.jpg", "b/y.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    photos = sorted(tmp_path.glob("*/*.jpg"))
    output = OutputConfig(output=str(tmp_path / "out"), name_template="{iso}_{stem}.{ext}")
    plan = plan_targets(select_sources(photos, output).sources, photos, output, lambda _: FACTS)
    names = [job.target.relative_to(tmp_path / "out").as_posix() for job in plan.jobs]
    assert names[0] == "3200_x.jpg"
    assert len(set(names)) == 3
    assert len(plan.notes()) == 1


def test_sub_folders_are_mirrored_with_other_names(tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/x.jpg").write_bytes(b"\xff\xd8\xff")
    output = OutputConfig(output=str(tmp_path / "out"), name_template="{stem}_dn", recursive=True)
    plan = plan_targets(select_sources([tmp_path / "in"], output).sources, [tmp_path / "in"], output)
    assert [job.target for job in plan.jobs] == [tmp_path / "out/deep/x_dn.jpg"]

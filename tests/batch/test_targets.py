"""Where results go: one place each, and never a source's."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgbpn_cli.batch import targets
from lgbpn_cli.batch.selection import Source, comparable_name, select_sources
from lgbpn_cli.batch.targets import TargetPlan, check_output, plan_targets
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import UsageError


def make(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture is needed to name a file")
    return paths


def plan(inputs: list[Path], output: OutputConfig) -> TargetPlan:
    check_output(inputs, output)
    return plan_targets(select_sources(inputs, output).sources, inputs, output)


def target_names(found: TargetPlan, folder: Path) -> list[str]:
    return [str(job.target.relative_to(folder)) for job in found.jobs]


def test_without_an_output_folder_a_result_lies_beside_its_source(tmp_path: Path) -> None:
    make(tmp_path, "a.JPG", "sub/b.tiff")
    found = plan([tmp_path], OutputConfig(recursive=True, suffix="-clean"))
    assert target_names(found, tmp_path) == ["a-clean.JPG", "sub/b-clean.tiff"]


def test_an_output_folder_mirrors_the_sub_folders(tmp_path: Path) -> None:
    make(tmp_path / "in", "a.jpg", "sub/deep/b.jpg")
    [named] = make(tmp_path / "elsewhere", "c.jpg")
    found = plan([tmp_path / "in", named], OutputConfig(recursive=True, output=str(tmp_path / "out")))
    assert target_names(found, tmp_path / "out") == ["a.jpg", "sub/deep/b.jpg", "c.jpg"]
    assert found.notes() == []


def test_for_one_photo_the_output_may_be_a_file(tmp_path: Path) -> None:
    [photo] = make(tmp_path, "a.jpg")
    for name in ("new/clean.jpg", "clean.JPEG"):
        found = plan([photo], OutputConfig(output=str(tmp_path / name)))
        assert target_names(found, tmp_path) == [name]


def test_a_folder_that_is_called_like_a_photo_is_a_folder(tmp_path: Path) -> None:
    [photo] = make(tmp_path, "a.jpg")
    (tmp_path / "out.jpg").mkdir()
    found = plan([photo], OutputConfig(output=str(tmp_path / "out.jpg")))
    assert target_names(found, tmp_path) == ["out.jpg/a.jpg"]


def test_of_two_sources_with_one_target_the_second_is_renamed_and_said(tmp_path: Path) -> None:
    inputs = make(tmp_path, "a/IMG_1.jpg", "b/IMG_1.JPG", "c/img_1.jpg", "d/IMG_1.jpg")
    found = plan(inputs, OutputConfig(output=str(tmp_path / "out")))
    assert target_names(found, tmp_path / "out") == [
        "IMG_1.jpg",
        "IMG_1.jpg.JPG",
        "img_1.jpg-2.jpg",
        "IMG_1.jpg-3.jpg",
    ]
    assert [job.source for job in found.renamed] == inputs[1:]
    assert str(inputs[1]) in found.notes()[0]
    assert "IMG_1.jpg.JPG" in found.notes()[0]


def test_names_that_differ_only_in_case_or_unicode_form_share_a_target(tmp_path: Path) -> None:
    inputs = make(tmp_path, "a/\u00e9.png", "b/e\u0301.png", "c/\u00c9.png")
    found = plan(inputs, OutputConfig(output=str(tmp_path / "out")))
    assert len({comparable_name(job.target) for job in found.jobs}) == 3
    assert len(found.renamed) == 2


def test_a_renamed_target_has_the_suffix_where_it_is_recognised(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "A.jpg")
    found = plan([tmp_path], OutputConfig())
    assert target_names(found, tmp_path) == ["A_denoised.jpg", "a.jpg_denoised.jpg"]
    for job in found.jobs:
        job.target.touch()
    assert target_names(plan([tmp_path], OutputConfig()), tmp_path) == target_names(found, tmp_path)


def test_a_rename_takes_no_other_sources_plain_target(tmp_path: Path) -> None:
    inputs = make(tmp_path, "a/x.jpg", "b/x.jpg", "c/x.jpg.jpg")
    found = plan(inputs, OutputConfig(output=str(tmp_path / "out")))
    assert target_names(found, tmp_path / "out") == ["x.jpg", "x.jpg-2.jpg", "x.jpg.jpg"]


@settings(deadline=None, max_examples=50)  # it makes files, on a machine that may be busy
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "A", "b", "b/a"]), st.sampled_from(["x", "X", "x.jpg", "x.jpg-2"])),
        unique=True,
        max_size=12,
    )
)
def test_no_two_results_ever_share_a_file(places: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        sources = []
        for number, (folder, stem) in enumerate(places):
            [path] = make(root / f"in{number}", f"{folder}/{stem}.jpg")
            sources.append(Source(path, Path(folder) / path.name))
        found = plan_targets(sources, [root], OutputConfig(output=str(root / "out")))
        assert [job.source for job in found.jobs] == [source.path for source in sources]
        assert len({comparable_name(job.target) for job in found.jobs}) == len(sources)


def test_a_target_that_is_the_source_itself_is_refused(tmp_path: Path) -> None:
    [photo] = make(tmp_path, "a.jpg")
    for output in (tmp_path, photo, tmp_path / "." / "a.jpg"):
        found = plan([photo], OutputConfig(output=str(output), overwrite=True))
        assert found.jobs == []
        assert "would replace the photo" in str(found.refused[0][1])


@pytest.mark.parametrize("link", ["symbolic", "hard", "folder"])
def test_a_target_that_leads_to_a_source_is_refused(link: str, tmp_path: Path) -> None:
    [photo] = make(tmp_path / "in", "a.jpg")
    out = tmp_path / "out"
    if link == "folder":
        out.symlink_to(tmp_path / "in", target_is_directory=True)
    else:
        out.mkdir()
        if link == "hard":
            os.link(photo, out / "a.jpg")
        else:
            (out / "a.jpg").symlink_to(photo)
    found = plan([photo], OutputConfig(output=str(out), overwrite=True))
    assert found.jobs == []
    assert len(found.refused) == 1


def test_a_target_that_is_another_input_is_refused(tmp_path: Path) -> None:
    inputs = make(tmp_path, "a/x.jpg", "b/x.jpg", "b/y.jpg")
    found = plan(inputs[:2], OutputConfig(output=str(tmp_path / "b"), overwrite=True))
    assert found.jobs == []
    assert [job.source for job, _ in found.refused] == inputs[:2]


def test_a_target_that_is_a_folder_is_refused(tmp_path: Path) -> None:
    [photo] = make(tmp_path, "a.jpg")
    (tmp_path / "out" / "a.jpg").mkdir(parents=True)
    found = plan([photo], OutputConfig(output=str(tmp_path / "out"), overwrite=True))
    assert "is a folder" in str(found.refused[0][1])


def test_a_file_in_the_place_of_an_output_folder_is_refused(tmp_path: Path) -> None:
    make(tmp_path / "in", "sub/a.jpg", "b.jpg")
    make(tmp_path / "out", "sub")
    found = plan([tmp_path / "in"], OutputConfig(recursive=True, output=str(tmp_path / "out")))
    assert target_names(found, tmp_path / "out") == ["b.jpg"]
    assert str(tmp_path / "out" / "sub") in str(found.refused[0][1])


def test_a_name_too_long_for_the_disk_is_refused(tmp_path: Path) -> None:
    [photo] = make(tmp_path, "a" * 250 + ".jpg")
    found = plan([photo], OutputConfig())
    assert "cannot be written" in str(found.refused[0][1])


def test_a_folder_without_permission_is_refused_before_the_network_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [photo] = make(tmp_path, "a.jpg")
    monkeypatch.setattr(targets.os, "access", lambda folder, mode: Path(folder) != tmp_path)
    found = plan([photo], OutputConfig(output=str(tmp_path / "new" / "folder")))
    assert "nothing can be written" in str(found.refused[0][1])


def test_output_options_that_cannot_work_stop_everything(tmp_path: Path) -> None:
    first, second = make(tmp_path, "a.jpg", "b.jpg")
    cases = [
        ([first], OutputConfig(suffix=""), "is empty"),
        ([first], OutputConfig(suffix="2"), "a photo's number"),
        ([first], OutputConfig(suffix="/x"), "is a path"),
        ([first], OutputConfig(output=str(tmp_path / "clean.png")), "is a .jpg file and cannot become .png"),
        ([first, second], OutputConfig(output=str(tmp_path / "clean.jpg")), "names a file"),
        ([tmp_path], OutputConfig(output=str(tmp_path / "clean.jpg")), "names a file"),
        ([tmp_path], OutputConfig(output=str(tmp_path)), "is an input folder"),
    ]
    for inputs, output, cause in cases:
        with pytest.raises(UsageError, match=cause):
            check_output(inputs, output)
    make(tmp_path, "file")
    with pytest.raises(UsageError, match="is a file, not a folder"):
        check_output([first], OutputConfig(output=str(tmp_path / "file")))


@pytest.mark.parametrize("parts", [1, 2, 3, 8])
def test_parts_are_disjoint_nearly_equal_and_all_there_is(tmp_path: Path, parts: int) -> None:
    make(tmp_path, *(f"{number}.jpg" for number in range(7)))
    found = []
    for number in range(1, parts + 1):
        share = plan([tmp_path], OutputConfig(output=str(tmp_path / "out")))
        share.keep_part(number, parts)
        found.append([job.source.name for job in share.jobs])
    assert sorted(name for share in found for name in share) == sorted(f"{number}.jpg" for number in range(7))
    assert max(map(len, found)) - min(map(len, found)) <= 1


@pytest.mark.parametrize("name", ["out.gif", "OUT.BMP", "out.psd"])
def test_a_picture_of_a_type_that_is_not_written_is_no_folder(tmp_path: Path, name: str) -> None:
    [photo] = make(tmp_path, "a.jpg")
    with pytest.raises(UsageError, match="files cannot be written"):
        check_output([photo], OutputConfig(output=str(tmp_path / name)))
    (tmp_path / name).mkdir()
    check_output([photo], OutputConfig(output=str(tmp_path / name)))


def test_a_target_that_is_a_link_to_nowhere_is_refused(tmp_path: Path) -> None:
    [photo] = make(tmp_path / "in", "a.jpg")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.jpg").symlink_to("nowhere.jpg")
    found = plan([photo], OutputConfig(output=str(tmp_path / "out")))
    assert found.jobs == []
    [(_, error)] = found.refused
    assert "a broken link" in str(error)

"""Photos that arrive: new ones, once they have stopped growing, once; and again when they change."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from lgbpn_cli.batch.watch import Arrivals
from lgbpn_cli.config import OutputConfig
from lgbpn_cli.photos.reading_process import ReadingProcess


class Inbox:
    """A folder that is watched."""

    def __init__(self, folder: Path, reading: ReadingProcess, **output: object) -> None:
        self.folder = folder / "inbox"
        self.folder.mkdir()
        settings = OutputConfig(output=str(folder / "out"), **output)  # type: ignore[arg-type]
        self.arrivals = Arrivals([self.folder], settings, reading)

    def put(self, name: str, level: int = 0) -> Path:
        Image.new("RGB", (9 + level, 8), (level, 0, 0)).save(self.folder / name)
        return self.folder / name

    def look(self) -> list[str]:
        jobs, _ = self.arrivals.look()
        return [job.source.name for job in jobs]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path, ReadingProcess())  # which starts nothing before it is asked


def test_a_photo_comes_when_it_was_the_same_twice_and_then_never_again(inbox: Inbox) -> None:
    inbox.put("a.png")
    assert [inbox.look() for _ in range(4)] == [[], ["a.png"], [], []]


def test_a_photo_that_grows_is_waited_for(inbox: Inbox) -> None:
    photo = inbox.put("a.png")
    whole = photo.read_bytes()
    for end in (20, 40, len(whole)):
        photo.write_bytes(whole[:end])
        assert inbox.look() == []
    assert inbox.look() == ["a.png"]


def test_a_photo_that_failed_comes_again_when_it_has_changed(inbox: Inbox) -> None:
    inbox.put("a.png")
    assert [inbox.look(), inbox.look(), inbox.look()] == [[], ["a.png"], []]
    inbox.put("a.png", level=5)
    assert [inbox.look(), inbox.look(), inbox.look()] == [[], ["a.png"], []]


def test_another_name_is_another_photo_and_a_result_that_is_there_is_enough(
    inbox: Inbox, tmp_path: Path
) -> None:
    photo = inbox.put("a.png")
    (tmp_path / "out").mkdir()
    inbox.put("done.png").rename(tmp_path / "out" / "done.png")
    inbox.put("done.png")
    inbox.look()
    assert inbox.look() == ["a.png"]
    photo.rename(photo.with_name("b.png"))
    assert [inbox.look(), inbox.look()] == [[], ["b.png"]]


def test_a_folder_that_is_gone_for_a_while_is_looked_at_again(inbox: Inbox, tmp_path: Path) -> None:
    inbox.put("a.png")
    away = inbox.folder.rename(tmp_path / "away")
    assert inbox.look() == []
    away.rename(inbox.folder)
    assert [inbox.look(), inbox.look()] == [[], ["a.png"]]


def test_a_photo_whose_result_has_no_place_is_told_of_once(inbox: Inbox, tmp_path: Path) -> None:
    inbox.put("a.png")
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    inbox.look()
    jobs, [refused] = inbox.arrivals.look()
    assert jobs == []
    assert refused.failure is not None
    assert "is a folder" in refused.failure.message
    assert inbox.arrivals.look() == ([], [])

"""Whatever a file does to its decoder: an answer, or that photo's error, and the next photo is read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from photo_samples import PhotoMaker

from lgbpn_cli.errors import PhotoReadError, UsageError
from lgbpn_cli.photos import reading_process
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.reading_process import ReadingProcess

PHOTO = Path("photo.jpg")
MEGABYTE_BYTES = 1_000_000


def torch_is_imported() -> bool:
    return "torch" in sys.modules


def say_and_return(words: bytes) -> str:
    os.write(2, words)
    os.write(1, b"this is no answer")
    return "done"


def end_with_words(words: str) -> None:
    """End the process as an exception outside of any call does."""
    os.write(2, words.encode())
    os._exit(1)


def read_too_much(path: Path, size: int) -> int:
    return np.ones(size, np.uint8).nbytes


def have_no_files_in_memory() -> None:
    """Be as on macOS and Windows."""
    vars(os).pop("memfd_create", None)


def fill_memory_in_threads() -> None:
    """Take small pieces of memory in several threads at a time, as decoders do, and let go of them."""
    everyone = threading.Barrier(4)
    np.ones(3_500_000)  # from which glibc concludes that so much is worth keeping

    def fill() -> None:
        everyone.wait(30)
        pieces = [np.ones(8000) for _ in range(300)]
        everyone.wait(30)
        pieces.clear()

    threads = [threading.Thread(target=fill) for _ in range(everyone.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def resident_bytes() -> int:
    return psutil.Process().memory_info().rss


@pytest.fixture(autouse=True, scope="module")
def cold_readers() -> Iterator[None]:
    """Started as users' are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_process, "subprocess", subprocess)
        yield


@pytest.fixture
def reading() -> Iterator[ReadingProcess]:
    with ReadingProcess(time_limit_s=60) as process:
        yield process


def test_a_photo_comes_back_as_it_is_read_here(
    reading: ReadingProcess, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> None:
    for path in (make_png(), make_tiff()):
        here, there = read_photo(path), reading.call(path, read_photo, path)
        assert np.array_equal(here.pixels, there.pixels)
        assert (here.metadata, here.container, here.path) == (there.metadata, there.container, there.path)
        there.pixels[:] = 0  # they are the caller's own


def test_photos_stay_as_they_are_when_the_next_one_comes(
    reading: ReadingProcess, make_jpeg: PhotoMaker
) -> None:
    paths = [make_jpeg(f"{number}.jpg", size=(64, 8 * number)) for number in range(1, 4)]
    photos = [reading.call(path, read_photo, path) for path in paths]
    reading.close()
    assert all(
        np.array_equal(photo.pixels, read_photo(path).pixels)
        for path, photo in zip(paths, photos, strict=True)
    )


def test_where_no_files_are_in_memory_those_on_the_disk_do_not_pile_up(
    reading: ReadingProcess, make_jpeg: PhotoMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    path = make_jpeg("photo.jpg", size=(64, 8))
    reading.close()
    reading.call(PHOTO, have_no_files_in_memory)
    photos = [reading.call(path, read_photo, path) for _ in range(3)]
    if sys.platform != "win32":  # where what is open stays
        assert reading.call(PHOTO, os.listdir, temporary) == []
    assert all(np.array_equal(photo.pixels, read_photo(path).pixels) for photo in photos)


def test_an_error_comes_back_with_its_cause_and_cure(reading: ReadingProcess, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PhotoReadError) as here:
        read_photo(bad)
    with pytest.raises(PhotoReadError) as there:
        reading.call(bad, read_photo, bad)
    assert str(there.value) == str(here.value)
    assert (there.value.subject, there.value.cure) == (here.value.subject, here.value.cure)


def test_a_decoder_that_crashes_is_one_photos_failure(reading: ReadingProcess) -> None:
    with pytest.raises(PhotoReadError, match=r"photo.jpg: its decoder crashed \(SIGABRT\)"):
        reading.call(PHOTO, os.abort)
    assert reading.call(PHOTO, len, "abc") == 3


def test_a_child_that_cannot_start_or_ends_by_itself_is_no_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_folder(*_: object) -> str:
        raise FileNotFoundError(2, "No usable temporary directory")

    with ReadingProcess() as reading:
        with pytest.raises(PhotoReadError, match=r"reads photos ended \(no room\)"):
            reading.call(PHOTO, end_with_words, "no room")
        monkeypatch.setattr("tempfile.TemporaryFile", no_folder)
        with pytest.raises(PhotoReadError, match=r"cannot be started .*temporary"):
            reading.call(PHOTO, len, "abc")
    with pytest.raises(UsageError, match=r"cannot be started .*TMPDIR"):
        ReadingProcess().__enter__()


def test_a_decoder_that_never_ends_is_stopped_in_time(reading: ReadingProcess) -> None:
    reading.call(PHOTO, len, "")  # it is ready
    reading.time_limit_s = 0.3
    start = time.monotonic()
    with pytest.raises(PhotoReadError, match=r"longer than 0\.3 s"):
        reading.call(PHOTO, time.sleep, 50)
    assert time.monotonic() - start < 10
    reading.time_limit_s = 60
    assert reading.call(PHOTO, len, "abc") == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit a process's memory")
def test_the_system_keeps_the_memory_limit(reading: ReadingProcess) -> None:
    reading.max_bytes = lambda: 50 * MEGABYTE_BYTES
    with pytest.raises(MemoryError):
        reading.call(PHOTO, read_too_much, PHOTO, 20_000 * MEGABYTE_BYTES)
    assert reading.call(PHOTO, read_too_much, PHOTO, 40 * MEGABYTE_BYTES) == 40 * MEGABYTE_BYTES


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer that sends signals")
def test_the_answer_of_a_call_that_was_interrupted_is_nobodys(reading: ReadingProcess) -> None:
    reading.call(PHOTO, len, "")

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            reading.call(PHOTO, time.sleep, 1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert reading.call(PHOTO, len, "abc") == 3


def test_what_decoders_write_to_the_terminal_is_kept_from_it(
    reading: ReadingProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    assert reading.call(PHOTO, say_and_return, b"\x1b[31mphoto.nef: data corrupted at 12\nagain\n") == "done"
    assert reading.words == ["\x1b[31mphoto.nef: data corrupted at 12", "again", "this is no answer"]
    assert reading.call(PHOTO, len, "abc") == 3
    assert reading.words == []
    assert capfd.readouterr() == ("", "")


def test_the_child_imports_neither_pytorch_nor_what_lies_beside_the_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('taken from the folder of the photos')")
    monkeypatch.chdir(tmp_path)
    with ReadingProcess() as reading:
        assert not reading.call(PHOTO, torch_is_imported)


def test_the_child_ends_with_the_run_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ReadingProcess() as reading:
        pid = reading.call(PHOTO, os.getpid)
    assert not psutil.pid_exists(pid)
    assert list(tmp_path.iterdir()) == []


LONELY = """
import time
from pathlib import Path
from lgbpn_cli.photos.reading_process import ReadingProcess

reading = ReadingProcess(time_limit_s=3)
print(reading._start().pid, flush=True)
reading.call(Path("photo.jpg"), time.sleep, 1000)
"""


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by a signal")
def test_a_decoder_that_never_ends_does_not_outlive_its_parent_for_long() -> None:
    with subprocess.Popen([sys.executable, "-c", LONELY], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(2)  # it sleeps now
        parent.kill()
        parent.wait()
        child.wait(60)


ORPHANED = """
import mmap
import os
import signal
import sys
import tempfile
from pathlib import Path
import numpy
from lgbpn_cli.photos.reading_process import ReadingProcess

def die(*_):
    print(len(os.listdir(sys.argv[1])), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

tempfile.tempdir = sys.argv[1]
mmap.mmap = die
reading = ReadingProcess()
print(reading._start().pid, flush=True)
reading.call(Path("photo.jpg"), exec, "import os; vars(os).pop('memfd_create', None)")
reading.call(Path("photo.jpg"), numpy.ones, 1000)
"""


@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process by a signal")
def test_a_parent_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ORPHANED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert int(parent.stdout.readline()) == 1
        child.wait(60)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is known to keep what was freed")
def test_what_a_decoders_threads_took_is_not_kept_until_the_next_photo(reading: ReadingProcess) -> None:
    before = reading.call(PHOTO, resident_bytes)
    for _ in range(3):
        reading.call(PHOTO, fill_memory_in_threads)
    assert reading.call(PHOTO, resident_bytes) - before < 20 * MEGABYTE_BYTES

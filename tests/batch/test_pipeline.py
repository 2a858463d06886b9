"""Photos one after another: overlap, bounds, isolation, and Ctrl-C."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lgbpn_cli.batch.outcome import Job, Outcome, RunFacts, Status
from lgbpn_cli.batch.pipeline import Steps, describe_failure, run_jobs
from lgbpn_cli.denoise.denoiser import Denoised
from lgbpn_cli.errors import ModelError, PhotoReadError, PhotoWriteError, ResultExistsError
from lgbpn_cli.image.types import OnTile
from lgbpn_cli.photos.photo import Photo
from lgbpn_cli.photos.record import Record

PATIENCE_S = 10


def jobs(number: int) -> list[Job]:
    return [Job(Path(f"{index}.jpg"), Path("out") / f"{index}.jpg") for index in range(1, number + 1)]


def photo(path: Path) -> Photo:
    return Photo(path, np.zeros((10, 20, 3), np.uint8), alpha=None, format="jpeg", orientation=1)


def denoised(photo: Photo, model: str = "a model", notes: tuple[str, ...] = ()) -> Denoised:
    return Denoised(photo, Record("1", model, "{}"), notes)


def run(photo: Photo, on_tile: OnTile) -> Denoised:
    on_tile(1, 2)
    on_tile(2, 2)
    return denoised(photo)


def steps(
    read: Callable[[Path], Photo] = photo,
    run: Callable[[Photo, OnTile], Denoised] = run,
    write: Callable[[Denoised, Path], None] = lambda denoised, target: None,
) -> Steps:
    return Steps(read, run, write)


class Listener:
    """Keeps all it is told, and that it is told so by the main thread."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self.notes: list[str] = []
        self.events: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def found_file(self) -> None:
        raise AssertionError("the pipeline looks for nothing")

    def prepared(self, facts: RunFacts, photos: int) -> None:
        raise AssertionError("the pipeline prepares nothing")

    def started(self, job: Job) -> None:
        self._add(f"start {job.source}")

    def planned(self, plan: object) -> None:
        raise AssertionError("the pipeline plans nothing")

    def tile(self, done: int, total: int) -> None:
        self._add(f"tile {done}/{total}")

    def finished(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self._add(f"{outcome.status} {outcome.source}")

    def _add(self, event: str) -> None:
        assert threading.current_thread() is threading.main_thread()
        self.events.append(event)

    @property
    def statuses(self) -> list[str]:
        return [event for event in self.events if event.split()[0] in tuple(Status)]


def test_every_photo_is_read_run_written_and_reported_in_order() -> None:
    written = []
    listener = Listener()
    run_jobs(jobs(3), steps(write=lambda done, target: written.append((done.photo.path, target))), listener)
    assert written == [(job.source, job.target) for job in jobs(3)]
    assert listener.statuses == ["done 1.jpg", "done 2.jpg", "done 3.jpg"]
    assert listener.outcomes[0].target == Path("out/1.jpg")
    assert listener.outcomes[0].megapixels == pytest.approx(0.0002)
    assert listener.events[:3] == ["start 1.jpg", "tile 1/2", "tile 2/2"]


def test_a_photos_seconds_are_those_of_its_own_three_steps() -> None:
    def slowly(step: Callable[..., Any]) -> Callable[..., Any]:
        def slow(*arguments: object) -> Any:
            time.sleep(0.1)
            return step(*arguments)

        return slow

    listener = Listener()
    run_jobs(jobs(2), steps(slowly(photo), slowly(run), slowly(steps().write)), listener)
    for outcome in listener.outcomes:
        assert outcome.seconds is not None
        assert 0.29 <= outcome.seconds <= 0.8


def test_no_jobs_are_no_work() -> None:
    listener = Listener()
    run_jobs([], steps(), listener)
    assert listener.events == []


def test_the_next_photo_is_read_and_the_last_one_written_while_the_network_runs() -> None:
    read_third, finish_first = threading.Event(), threading.Event()

    def read(path: Path) -> Photo:
        if path.name == "3.jpg":
            read_third.set()
        return photo(path)

    def run_second(photo: Photo, on_tile: OnTile) -> Denoised:
        if photo.path.name == "2.jpg":
            assert read_third.wait(PATIENCE_S)  # nobody reads the third photo unless it is done beside this
            finish_first.set()
        return denoised(photo)

    def write(denoised: Denoised, target: Path) -> None:
        if target.name == "1.jpg":
            assert finish_first.wait(PATIENCE_S)

    listener = Listener()
    run_jobs(jobs(3), steps(read, run_second, write), listener)
    assert listener.statuses == ["done 1.jpg", "done 2.jpg", "done 3.jpg"]


def test_no_more_than_one_photo_is_read_ahead() -> None:
    started: list[str] = []
    ahead: list[int] = []

    def read(path: Path) -> Photo:
        started.append(path.name)
        return photo(path)

    def slow_run(photo: Photo, on_tile: OnTile) -> Denoised:
        threading.Event().wait(0.05)
        ahead.append(len(started) - int(photo.path.stem))
        return denoised(photo)

    run_jobs(jobs(5), steps(read, slow_run), Listener())
    assert ahead == [1, 1, 1, 1, 0]


def test_a_written_photo_is_reported_before_the_next_is_finished() -> None:
    listener = Listener()

    def run_second(photo: Photo, on_tile: OnTile) -> Denoised:
        if photo.path.name == "2.jpg":
            for tile in range(1, 2000):
                on_tile(tile, 2000)
                if listener.statuses:
                    break
                threading.Event().wait(0.005)
        return denoised(photo)

    run_jobs(jobs(2), steps(run=run_second), listener)
    assert listener.events.index("done 1.jpg") < listener.events.index("done 2.jpg") - 1


@pytest.mark.parametrize("step", ["read", "run", "write"])
@pytest.mark.parametrize("error", [PhotoReadError("2.jpg", "it is damaged", "Skip it."), RuntimeError("x")])
def test_an_error_in_any_step_fails_that_photo_alone(step: str, error: Exception) -> None:
    def fail_second(path: Path, result: Any) -> Any:
        if path.name == "2.jpg":
            raise error
        return result

    def write(denoised: Denoised, target: Path) -> None:
        fail_second(target, denoised)

    chosen = {
        "read": steps(read=lambda path: fail_second(path, photo(path))),
        "run": steps(run=lambda photo, on_tile: fail_second(photo.path, denoised(photo))),
        "write": steps(write=write),
    }[step]
    listener = Listener()
    run_jobs(jobs(4), chosen, listener)
    assert listener.statuses == ["done 1.jpg", "failed 2.jpg", "done 3.jpg", "done 4.jpg"]
    failure = listener.outcomes[1].failure
    assert failure is not None
    assert failure.message.startswith("2.jpg: ")
    assert (failure.traceback is None) == isinstance(error, PhotoReadError)


def test_an_error_that_was_not_foreseen_is_one_line_with_a_cause_and_a_cure() -> None:
    source = Path("a.jpg")
    text = describe_failure(source, RuntimeError("size mismatch.\nat line 3")).message
    assert (
        text == "a.jpg: unexpected RuntimeError: size mismatch. Run it again with `verbose` for the details."
    )
    assert describe_failure(source, KeyError()).message.startswith("a.jpg: unexpected KeyError. ")


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_too_little_memory_is_called_so(error: Exception) -> None:
    text = describe_failure(Path("a.jpg"), error).message
    assert (
        text == "a.jpg: there is not enough memory for it. Use a smaller `tile_px`, or close other programs."
    )


def test_an_error_about_something_else_names_the_photo_too() -> None:
    error = PhotoWriteError("out/a.jpg", "cannot be written (No space left on device)", "Free some space.")
    assert describe_failure(Path("a.jpg"), error).message.startswith("a.jpg: out/a.jpg: cannot")
    assert describe_failure(Path("a.jpg"), ModelError("m", "x", "y")).message == "a.jpg: m: x. y"


def test_ctrl_c_lets_the_photo_that_is_being_written_become_whole() -> None:
    written = []
    second_runs = threading.Event()

    def stop_at_second(photo: Photo, on_tile: OnTile) -> Denoised:
        if photo.path.name == "2.jpg":
            second_runs.set()
            raise KeyboardInterrupt
        return denoised(photo)

    def slow_write(photo: Photo, target: Path) -> None:
        assert second_runs.wait(PATIENCE_S)
        threading.Event().wait(0.1)
        written.append(target.name)

    listener = Listener()
    with pytest.raises(KeyboardInterrupt):
        run_jobs(jobs(5), steps(run=stop_at_second, write=slow_write), listener)
    assert written == ["1.jpg"]
    assert listener.statuses == ["done 1.jpg"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("reader", "writer"))]


def test_every_further_ctrl_c_waits_for_the_photo_that_is_being_written() -> None:
    begun, written = threading.Event(), []

    def slow_write(photo: Photo, target: Path) -> None:
        begun.set()
        time.sleep(0.5)
        written.append(target.name)

    def press() -> None:
        assert begun.wait(PATIENCE_S)
        for _ in range(3):
            time.sleep(0.05)
            os.kill(os.getpid(), signal.SIGINT)

    listener = Listener()
    hand = threading.Thread(target=press)
    # A test run in the background of a shell ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        hand.start()
        with pytest.raises(KeyboardInterrupt):
            run_jobs(jobs(1), steps(write=slow_write), listener)
        hand.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert written == ["1.jpg"]
    assert listener.statuses == ["done 1.jpg"]


def test_a_result_that_another_run_wrote_meanwhile_is_skipped() -> None:
    def write(denoised: Denoised, target: Path) -> None:
        if target.name == "3.jpg":
            raise ResultExistsError(target, "it is there already", "Leave it.")

    ran = []

    def run_over(photo: Photo, on_tile: OnTile) -> Denoised:
        ran.append(photo.path.name)
        return denoised(photo)

    listener = Listener()
    run_jobs(
        jobs(3),
        replace(steps(run=run_over, write=write), is_done=lambda target: target.name == "2.jpg"),
        listener,
    )
    assert listener.statuses == ["done 1.jpg", "skipped 2.jpg", "skipped 3.jpg"]
    assert ran == ["1.jpg", "3.jpg"]


def test_the_model_of_a_photo_is_reported_with_it() -> None:
    listener = Listener()
    run_jobs(jobs(2), replace(steps(), run=lambda photo, _: denoised(photo, f"of {photo.path}")), listener)
    assert [outcome.model for outcome in listener.outcomes] == ["of 1.jpg", "of 2.jpg"]


def test_a_failed_photos_pixels_are_given_back() -> None:
    pixels: list[weakref.ref[Photo]] = []

    def read(path: Path) -> Photo:
        made = photo(path)
        pixels.append(weakref.ref(made))
        return made

    def fail(photo: Photo, on_tile: OnTile) -> Denoised:
        raise RuntimeError("no")

    listener = Listener()
    run_jobs(jobs(3), steps(read, fail), listener)
    gc.collect()
    assert len(listener.outcomes) == 3
    assert [reference() for reference in pixels] == [None] * 3


@pytest.mark.parametrize("overlap", [True, False])
def test_a_photo_is_let_go_while_its_result_is_written(overlap: bool) -> None:
    photos: dict[Path, weakref.ref[Photo]] = {}
    gone: list[bool] = []

    def read(path: Path) -> Photo:
        made = photo(path)
        photos[path] = weakref.ref(made)
        return made

    def other(photo: Photo, on_tile: OnTile) -> Denoised:
        return denoised(replace(photo))

    def write(result: Denoised, target: Path) -> None:
        end = time.monotonic() + PATIENCE_S
        while (reference := photos[result.photo.path])() is not None and time.monotonic() < end:
            time.sleep(0.01)
        gone.append(reference() is None)

    run_jobs(jobs(2), replace(steps(read, other, write), overlap=overlap), Listener())
    assert gone == [True, True]


def test_what_is_to_be_known_about_a_result_is_told_with_its_photo() -> None:
    listener = Listener()
    run_jobs(jobs(1), replace(steps(), run=lambda photo, _: denoised(photo, notes=("too small",))), listener)
    assert listener.notes == ["1.jpg: too small"]

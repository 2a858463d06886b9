"""Processes that start at once: forked from one that has imported everything.

A cold reading process takes most of a second to start and `lgbpn` some three; the suite starts more than a thousand.
What runs is the same program, with streams, signals and an exit code of its own. Tests of starting itself start cold.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

READER = "from lgbpn_cli.photos import reading_child"
LGBPN = "import torch; import lgbpn_cli.app, lgbpn_cli.training.workshop; from lgbpn_cli.cli import main"
START = "import sys; sys.path[:] = {path!r}; {imports}; from warm_processes import serve; serve({descriptor})"
MOST_BYTES = 1 << 17
PATIENCE_S = 0.005


class Nursery:
    """The process that has imported what others need; it forks one that runs a program, and tells how it ended."""

    def __init__(self, imports: str) -> None:
        """Nothing is started yet; `imports` is what it imports then."""
        self._imports = imports
        self._path: list[str] | None = None
        self._one_at_a_time = threading.Lock()

    def takes(self, path: list[str]) -> bool:
        """Whether modules are looked for where they were when it started; it starts where it has not."""
        if self._path is None:
            self._start(path)
        return path == self._path

    def fork(self, program: str, streams: list[int], environment: dict[str, str], folder: Path) -> int:
        """Return the number of a new process that runs this program with these files as its first three."""
        assert self.takes(sys.path)
        with self._one_at_a_time:
            socket.send_fds(self._socket, [pickle.dumps((program, environment, str(folder)))], streams)
            return int(pickle.loads(self._socket.recv(MOST_BYTES)))

    def exit_code(self, pid: int) -> int | None:
        """Return how this process of its ended; None while it runs."""
        with self._one_at_a_time:
            self._socket.send(pickle.dumps(pid))
            code: int | None = pickle.loads(self._socket.recv(MOST_BYTES))
        return code

    def _start(self, path: list[str]) -> None:
        self._path = list(path)
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        its_path = [str(Path(__file__).parent), *path]
        program = START.format(path=its_path, imports=self._imports, descriptor=theirs.fileno())
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-c", program],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the tests
        )
        theirs.close()
        atexit.register(self._end)

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


class WarmProcess:
    """A forked process, with what tests and `ReadingProcess` ask of `subprocess.Popen`."""

    def __init__(
        self,
        nursery: Nursery,
        program: str,
        *,
        stderr: IO[bytes] | None = None,
        text: bool = False,
        environment: dict[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Run this program; its standard streams are pipes, but stderr where a file is given."""
        kind = "" if text else "b"
        their_stdin, our_stdin = os.pipe()
        our_stdout, their_stdout = os.pipe()
        theirs = [their_stdin, their_stdout]
        self.stdin: IO[Any] = os.fdopen(our_stdin, f"w{kind}")
        self.stdout: IO[Any] = os.fdopen(our_stdout, f"r{kind}")
        self.stderr: IO[Any] | None = None
        if stderr is None:
            our_stderr, their_stderr = os.pipe()
            theirs.append(their_stderr)
            self.stderr = os.fdopen(our_stderr, f"r{kind}")
        streams = theirs if stderr is None else [*theirs, stderr.fileno()]
        environment = dict(os.environ) if environment is None else environment
        self._nursery = nursery
        self.pid = nursery.fork(program, streams, environment, folder or Path.cwd())
        for descriptor in theirs:
            os.close(descriptor)
        self.returncode: int | None = None

    def __enter__(self) -> WarmProcess:
        """Return itself, running."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close its streams, and wait for it."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def poll(self) -> int | None:
        """Return its exit code, None while it runs."""
        if self.returncode is None:
            self.returncode = self._nursery.exit_code(self.pid)
        return self.returncode

    def wait(self, timeout: float = 600.0) -> int:
        """Return its exit code when it has ended; raises TimeoutExpired."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("a warm process", timeout)
            time.sleep(PATIENCE_S)
        return code

    def communicate(self, timeout: float = 600.0) -> tuple[str, str]:
        """Return what it writes to stdout and stderr until it ends; raises TimeoutExpired."""
        self.stdin.close()
        written = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                written[number] = stream.read()

        assert self.stderr is not None
        streams = enumerate((self.stdout, self.stderr))
        readers = [threading.Thread(target=read, args=each, daemon=True) for each in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return written[0], written[1]

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class WarmSubprocess:
    """Stands where `lgbpn_cli.photos.reading_process` has the module subprocess."""

    PIPE = subprocess.PIPE
    TimeoutExpired = subprocess.TimeoutExpired

    @staticmethod
    def Popen(command: list[str], *, stderr: IO[bytes], **streams: Any) -> Any:  # noqa: N802 - what it stands for
        """Return a reading process; a cold one where a test has modules of its own for it."""
        if not READERS.takes(sys.path):
            return subprocess.Popen(command, stderr=stderr, **streams)
        return WarmProcess(READERS, command[-1], stderr=stderr)


READERS = Nursery(READER)
COMMANDS = Nursery(LGBPN)


def start_lgbpn_cli(
    *arguments: object, environment: dict[str, str] | None = None, folder: Path | None = None
) -> Any:
    """Return `lgbpn` with these arguments, started in that folder; `environment` comes on top of this process's."""
    words = [str(argument) for argument in arguments]
    whole = {**os.environ, **(environment or {})}
    if sys.platform != "linux":
        command = [sys.executable, "-m", "lgbpn_cli", *words]
        pipes: dict[str, Any] = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(command, env=whole, cwd=folder, text=True, **pipes)
    program = f"import sys; sys.argv = {['lgbpn', *words]!r}; from lgbpn_cli.__main__ import main; main()"
    return WarmProcess(COMMANDS, program, text=True, environment=whole, folder=folder)


def run_lgbpn_cli(
    *arguments: object, environment: dict[str, str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Return what `lgbpn` with these arguments wrote, and its exit code; as `start_lgbpn_cli`."""
    process = start_lgbpn_cli(*arguments, environment=environment, folder=folder)
    stdout, stderr = process.communicate(timeout=500)
    return subprocess.CompletedProcess(list(map(str, arguments)), process.returncode, stdout, stderr)


def serve(descriptor: int) -> None:
    """Fork on request until nobody asks any more; returns in the forked process, when its program has ended."""
    requests = socket.socket(fileno=descriptor)
    ended: dict[int, int] = {}
    while True:
        data, streams, _, _ = socket.recv_fds(requests, MOST_BYTES, 3)
        if not data:
            return
        request = pickle.loads(data)
        if isinstance(request, int):
            if request not in ended:
                pid, status = os.waitpid(request, os.WNOHANG)
                if pid:
                    ended[pid] = os.waitstatus_to_exitcode(status)
            requests.send(pickle.dumps(ended.get(request)))
            continue
        pid = os.fork()
        if not pid:
            requests.close()
            program, environment, folder = request
            _move_in(streams, environment, folder)
            exec(program, {"__name__": "__main__"})
            return
        for stream in streams:
            os.close(stream)
        requests.send(pickle.dumps(pid))


def _move_in(streams: list[int], environment: dict[str, str], folder: str) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)

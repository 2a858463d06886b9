"""Everything that can go wrong for a user, each class with the exit code the command ends with.

    LgbpnError                     1
    |-- UsageError                 2   wrong options, missing input
    |   |-- DeviceError            2   a device that is not there
    |   `-- ModelError             2   unknown, corrupt or incomplete model
    |-- PhotoError                 1   one photo cannot be read or written; the others go on
    |   |-- PhotoReadError         1
    |   |-- UnsupportedPhotoError  1
    |   `-- PhotoWriteError        1
    |       `-- ResultExistsError  -   its result is there: nothing failed
    `-- TrainingError              1   a training run cannot start or go on

A message is one line: what it is about, the cause, the cure.
"""

from __future__ import annotations


class LgbpnError(Exception):
    """The base of all errors this package raises on purpose.

    `subject` is the file, option or model it is about; `cause` says what is wrong; `cure` what to do.
    """

    exit_code = 1

    def __init__(self, subject: object, cause: str, cure: str) -> None:
        """Put the message together: `subject: cause. cure`."""
        super().__init__(f"{subject}: {cause}. {cure}")
        self.subject = str(subject)
        self.cause = cause
        self.cure = cure

    def __reduce__(self) -> tuple[type[LgbpnError], tuple[str, str, str]]:
        """Return how to build it anew: errors come from other processes, too."""
        return type(self), (self.subject, self.cause, self.cure)


class UsageError(LgbpnError):
    """The command was called in a way that cannot work."""

    exit_code = 2


class DeviceError(UsageError):
    """The device that was asked for is not there or cannot be used."""


class ModelError(UsageError):
    """A model is unknown, damaged, or lacks the part that was asked for."""


class PhotoError(LgbpnError):
    """One photo failed; others are not affected."""


class PhotoReadError(PhotoError):
    """The file is damaged, empty, or not readable."""


class UnsupportedPhotoError(PhotoError):
    """The file is whole, but of a kind this version does not handle."""


class PhotoWriteError(PhotoError):
    """The result could not be written; no partial file is left."""


class ResultExistsError(PhotoWriteError):
    """A result is there that was not when the run began; it stays as it is."""


class TrainingError(LgbpnError):
    """A training run cannot start or go on."""


def unforeseen(
    source: object,
    error: Exception,
    *,
    memory_cure: str = "Use a smaller `tile_px`, or close other programs.",
    cure: str = "Run it again with `verbose` for the details.",
) -> PhotoError:
    """Return the failure of one photo that an error means which nobody had in mind; `memory_cure` is for lack of it."""
    text = (str(error).splitlines() or [""])[0]
    kind = type(error).__name__
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in text:
        return PhotoError(source, "there is not enough memory for it", memory_cure)
    cause = f"unexpected {kind}: {text}".removesuffix(": ").removesuffix(".")
    return PhotoError(source, cause, cure)


def shown(text: object) -> str:
    """Return a path or a message that fits on one line of any terminal: odd characters as escapes.

    A file name may hold line breaks and commands to the terminal.
    """
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(text))

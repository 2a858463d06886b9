"""What every verdict on a fine-tuned network says: whether it replaces its base, and why not."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Verdict(ABC):
    """The comparison of a new network with its base."""

    @property
    @abstractmethod
    def reasons(self) -> list[str]:
        """Why it is not accepted; nothing if it is."""

    @abstractmethod
    def gains(self) -> str:
        """Return what it is better in, for people."""

    @property
    def accepted(self) -> bool:
        """Whether the new network replaces its base."""
        return not self.reasons

    def words(self) -> str:
        """Return the result for people."""
        return f"accepted: {self.gains()}" if self.accepted else f"not accepted: {'; '.join(self.reasons)}"

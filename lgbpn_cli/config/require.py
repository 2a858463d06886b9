"""The check that all configurations share."""

from __future__ import annotations

from lgbpn_cli.errors import UsageError


def require(condition: bool, subject: str, cause: str, cure: str) -> None:
    """Raise UsageError with these words unless the condition holds."""
    if not condition:
        raise UsageError(subject, cause, cure)

"""Bands of rows: temporary arrays stay small beside a photo that is worked on band by band."""

from __future__ import annotations


def bands(height: int, rows: int) -> list[slice]:
    """Return the rows of a picture in bands of so many, the last one with what is left."""
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]

"""What a look into a table gives."""

from __future__ import annotations

import numpy as np

from lgbpn_cli.image.tables import look_up


def test_each_channel_has_a_row_of_its_own() -> None:
    table = np.arange(12, dtype=np.float32).reshape(3, 4)
    levels = np.array([[[0, 1, 3], [3, 0, 0]]], np.uint16)
    assert look_up(table, levels).tolist() == [[[0, 5, 11], [3, 4, 8]]]

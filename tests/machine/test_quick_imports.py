"""What garbage collection does round imports."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

import pytest

from lgbpn_cli.machine.quick_imports import no_garbage_yet


def test_imported_modules_are_never_looked_through_but_nothing_else_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = gc.get_freeze_count()
    try:
        with no_garbage_yet():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() <= kept  # nothing was imported
        with no_garbage_yet():
            monkeypatch.setitem(sys.modules, "a_new_module", ModuleType("a_new_module"))
        assert gc.get_freeze_count() > kept
    finally:
        gc.unfreeze()

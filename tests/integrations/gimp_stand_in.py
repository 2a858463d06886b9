"""Runs GIMP's plug-in without GIMP: real GEGL buffers, and a stand-in for what of GIMP it calls.

    python3 gimp_stand_in.py PLUG_IN IN.png OUT.png COMMAND SETTINGS.json

Prints what the plug-in answers, as JSON. The system's own Python, which has GEGL's bindings.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import gi

versions = gi.require_version
gi.require_version = lambda name, version: None if name.startswith("Gimp") else versions(name, version)  # type: ignore
versions("Gegl", "0.4")
import gi.repository  # noqa: E402
from gi.repository import Gegl  # noqa: E402

plug_in, source, target, command, settings = sys.argv[1:]
calls: list[str] = []


class Procedure:
    """Collects the settings that are declared."""

    def __init__(self) -> None:
        self.defaults: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            if name.startswith("add_") and name.endswith("_argument"):
                self.defaults[arguments[0]] = arguments[-2]
            return None

        return call

    def new_return_values(self, status: str, error: Any) -> tuple[str, str]:
        return status, getattr(error, "message", None) or ""


class Drawable:
    """A layer: a buffer, and the one that GIMP merges into it."""

    def __init__(self, path: str) -> None:
        loader = Gegl.Node()
        picture = loader.create_child("gegl:png-load")
        picture.set_property("path", path)
        self.box = picture.get_bounding_box()
        self.buffer, self.shadow = (
            Gegl.Buffer.new("R'G'B'A u16", 0, 0, self.box.width, self.box.height) for _ in "ab"
        )
        into = loader.create_child("gegl:write-buffer")
        into.set_property("buffer", self.buffer)
        picture.link(into)
        into.process()

    def get_buffer(self) -> Any:
        return self.buffer

    def get_shadow_buffer(self) -> Any:
        return self.shadow

    def get_width(self) -> int:
        return int(self.box.width)

    def get_height(self) -> int:
        return int(self.box.height)

    def merge_shadow(self, undo: bool) -> None:
        calls.append(f"merge {undo}")
        self.buffer = self.shadow

    def update(self, *area: int) -> None:
        calls.append(f"update {area}")


gimp = ModuleType("gi.repository.Gimp")
vars(gimp).update(
    PlugIn=type("PlugIn", (), {"__gtype__": None, "error_quark": staticmethod(lambda: 1)}),
    ImageProcedure=SimpleNamespace(new=lambda *_: Procedure()),
    PDBProcType=SimpleNamespace(PLUGIN="plug-in"),
    PDBStatusType=SimpleNamespace(
        SUCCESS="success", EXECUTION_ERROR="error", CALLING_ERROR="calling", CANCEL="cancel"
    ),
    ProcedureSensitivityMask=SimpleNamespace(DRAWABLE=1),
    RunMode=SimpleNamespace(INTERACTIVE=0, NONINTERACTIVE=1),
    progress_init=lambda text: calls.append("progress"),
    displays_flush=lambda: calls.append("flush"),
)
for name, module in (("Gimp", gimp), ("GimpUi", ModuleType("gi.repository.GimpUi"))):
    sys.modules[f"gi.repository.{name}"] = module
    setattr(gi.repository, name, module)

spec = importlib.util.spec_from_file_location("plug_in", plug_in)
assert spec is not None
assert spec.loader is not None
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

Gegl.init(None)
filter_ = module.Lgbpn()
[procedure_name] = filter_.do_query_procedures()
procedure = filter_.do_create_procedure(procedure_name)
values = {**procedure.defaults, "command": command, **json.loads(settings)}
layers = [Drawable(source)] * values.pop("layers", 1)
image = SimpleNamespace(
    undo_group_start=lambda: calls.append("begin"), undo_group_end=lambda: calls.append("end")
)
config = SimpleNamespace(get_property=values.__getitem__)
status, message = filter_.run(procedure, gimp.RunMode.NONINTERACTIVE, image, layers, config, None)
if layers:
    module.save_buffer(layers[0].buffer, module.Path(target))
print(json.dumps({"status": status, "message": message, "calls": calls, "settings": procedure.defaults}))

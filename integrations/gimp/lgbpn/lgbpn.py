#!/usr/bin/env python3
"""GIMP 3: Filters > Enhance > Denoise with lgbpn, on the layer at hand.

The layer goes to lgbpn as a PNG of 16 bits and comes back the same way; the selection limits what is changed, and it
can be undone. Written for GIMP 3.0's Python interface. See docs/guides/other-programs.md for where this file goes.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, GimpUi, GLib, GObject  # noqa: E402 - the versions come first

PROCEDURE = "plug-in-lgbpn-denoise"
TITLE = "Denoise with lgbpn"
SETTINGS = GObject.ParamFlags.READWRITE


def options_of(config: object) -> list[str]:
    """Return what the choices of the dialog are to `lgbpn denoise`."""
    strength = config.get_property("strength")
    names = ("luma", "chroma")
    if config.get_property("measured"):
        shares = {
            name: "auto" if config.get_property(name) == 1 else f"{config.get_property(name):g}"
            for name in names
        }
    else:
        shares = {name: f"{strength * config.get_property(name):g}" for name in names}
    options = [word for name in names for word in (f"--{name}", shares[name])]
    return [*options, "--quality", "best"] if config.get_property("best") else options


def denoise_file(command: str, source: Path, target: Path, options: list[str]) -> None:
    """Have lgbpn make `target` of `source`. Raises RuntimeError with what it said."""
    words = [*shlex.split(command), "denoise", str(source), "-o", str(target), "--no-provenance", *options]
    hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False, **hidden)
    except OSError as error:
        raise RuntimeError(f"{words[0]} cannot be started ({error.strerror}). Say where it is.") from error
    if done.returncode != 0 or not target.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RuntimeError(lines[-1] if lines else f"lgbpn ended with exit code {done.returncode}")


def save_buffer(buffer: object, path: Path) -> None:
    """Write a buffer as a PNG of 16 bits, with its colour space."""
    graph = Gegl.Node()
    source = graph.create_child("gegl:buffer-source")
    source.set_property("buffer", buffer)
    sink = graph.create_child("gegl:png-save")
    sink.set_property("path", str(path))
    sink.set_property("bitdepth", 16)
    source.link(sink)
    sink.process()


def load_buffer(path: Path, buffer: object) -> None:
    """Put a picture into a buffer of the same size."""
    graph = Gegl.Node()
    source = graph.create_child("gegl:png-load")
    source.set_property("path", str(path))
    sink = graph.create_child("gegl:write-buffer")
    sink.set_property("buffer", buffer)
    source.link(sink)
    sink.process()
    buffer.flush()


def denoise_drawable(drawable: object, command: str, options: list[str]) -> None:
    """Denoise a layer where the selection lets it be changed. Raises RuntimeError."""
    # Not the system's own folder for such files: a sandboxed GIMP has one that lgbpn outside does not see.
    with tempfile.TemporaryDirectory(prefix="lgbpn-", dir=GLib.get_user_cache_dir()) as folder:
        source, target = Path(folder) / "layer.png", Path(folder) / "denoised.png"
        save_buffer(drawable.get_buffer(), source)
        denoise_file(command, source, target, options)
        load_buffer(target, drawable.get_shadow_buffer())
    drawable.merge_shadow(True)
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


class Lgbpn(Gimp.PlugIn):
    """The filter."""

    def do_set_i18n(self, _name: str) -> bool:
        """Return that there are no translations."""
        return False

    def do_query_procedures(self) -> list[str]:
        """Return the names of the filters here."""
        return [PROCEDURE]

    def do_create_procedure(self, name: str) -> object:
        """Return the filter with its settings."""
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self.run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_menu_label(f"{TITLE}...")
        procedure.add_menu_path("<Image>/Filters/Enhance")
        procedure.set_documentation(TITLE, "Removes the noise of a photo with the program lgbpn", name)
        procedure.set_attribution("lgbpn contributors", "MIT licence", "2026")
        procedure.add_boolean_argument(
            "measured", "_By the measured noise", "Put back what was removed beyond it", True, SETTINGS
        )
        procedure.add_double_argument(
            "strength", "_Strength", "If not by the measured noise: 1 removes all", 0, 1, 1, SETTINGS
        )
        procedure.add_double_argument("luma", "_Luma", "Share of the brightness's noise", 0, 1, 1, SETTINGS)
        procedure.add_double_argument("chroma", "_Chroma", "Share of the colours' noise", 0, 1, 1, SETTINGS)
        procedure.add_boolean_argument("best", "B_est quality", "Eight times as slow", False, SETTINGS)
        procedure.add_string_argument(
            "command",
            "C_ommand",
            "Where lgbpn is; in a Flatpak: flatpak-spawn --host lgbpn",
            "lgbpn",
            SETTINGS,
        )
        return procedure

    def run(self, procedure, run_mode, image, drawables, config, _data):
        """Do it, after a dialog unless GIMP is asked by a script."""
        Gegl.init(None)
        if len(drawables) != 1:
            return failure(procedure, Gimp.PDBStatusType.CALLING_ERROR, "Choose one layer.")
        if run_mode == Gimp.RunMode.INTERACTIVE:
            GimpUi.init(PROCEDURE)
            dialog = GimpUi.ProcedureDialog.new(procedure, config, TITLE)
            dialog.fill(None)
            if not dialog.run():
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())
        Gimp.progress_init(TITLE)
        image.undo_group_start()
        try:
            denoise_drawable(drawables[0], config.get_property("command"), options_of(config))
        except (RuntimeError, OSError) as error:
            return failure(procedure, Gimp.PDBStatusType.EXECUTION_ERROR, str(error))
        finally:
            image.undo_group_end()
        Gimp.displays_flush()
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


def failure(procedure: object, status: object, message: str) -> object:
    """Return what tells GIMP, and whoever called it, what went wrong."""
    return procedure.new_return_values(status, GLib.Error.new_literal(Gimp.PlugIn.error_quark(), message, 0))


if __name__ == "__main__":
    Gimp.main(Lgbpn.__gtype__, sys.argv)

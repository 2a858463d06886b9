"""The files for file managers: well-formed, and the script hands every selected photo on, whatever its name."""

from __future__ import annotations

import configparser
import os
import plistlib
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest


@pytest.fixture
def folder(repo_root: Path) -> Path:
    return repo_root / "integrations/file-managers"


def run(script: Path, tmp_path: Path, code: int, *arguments: str, **variables: str) -> tuple[int, list[str]]:
    """The exit code of a script, and the arguments that an lgbpn in its place was given, a line each."""
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    said = tmp_path / "said"
    (programs / "lgbpn").write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{said}"\nexit {code}\n')
    (programs / "notify-send").write_text("#!/bin/sh\n")
    for each in programs.iterdir():
        each.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin", **variables}
    done = subprocess.run(["/bin/sh", str(script), *arguments], env=environment, timeout=60, check=False)
    return done.returncode, said.read_text().splitlines() if said.exists() else []


NAMES = ("/photos/a b.jpg", "/photos/it's $HOME `x`.jpg", "/photos/-r.jpg")


@pytest.mark.parametrize("program", ["NAUTILUS", "NEMO", "CAJA"])
def test_the_script_hands_on_what_is_selected(folder: Path, tmp_path: Path, program: str) -> None:
    selected = {f"{program}_SCRIPT_SELECTED_FILE_PATHS": "\n".join(NAMES) + "\n"}
    script = folder / "nautilus-lgbpn.sh"
    assert run(script, tmp_path, 0, "ignored.jpg", **selected) == (0, ["denoise", *NAMES])
    assert run(script, tmp_path, 1, **selected)[0] == 1


def test_the_script_does_nothing_where_nothing_is_selected(folder: Path, tmp_path: Path) -> None:
    assert run(folder / "nautilus-lgbpn.sh", tmp_path, 0) == (0, [])


def test_dolphins_menu_has_an_entry_for_each_action(folder: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(folder / "dolphin-lgbpn.desktop", "utf-8")
    actions = parser["Desktop Entry"]["Actions"].rstrip(";").split(";")
    assert [f"Desktop Action {action}" for action in actions] == parser.sections()[1:]
    assert all("lgbpn" in parser[section]["Exec"] for section in parser.sections()[1:])


def test_thunars_action_and_the_quick_action_of_macos_are_well_formed(folder: Path) -> None:
    action = ElementTree.parse(folder / "thunar-lgbpn.xml").getroot()
    assert (action.findtext("command") or "").endswith("lgbpn denoise %F")
    contents = folder / "Denoise with lgbpn.workflow/Contents"
    [service] = plistlib.loads((contents / "Info.plist").read_bytes())["NSServices"]
    assert service["NSMenuItem"]["default"] == "Denoise with lgbpn"
    workflow = plistlib.loads((contents / "document.wflow").read_bytes())
    command = workflow["actions"][0]["action"]["ActionParameters"]["COMMAND_STRING"]
    subprocess.run(["/bin/sh", "-n", "-c", command], check=True)
    assert 'lgbpn denoise "$@"' in command


def test_the_file_for_windows_has_its_line_ends(folder: Path) -> None:
    text = (folder / "Denoise with lgbpn.bat").read_bytes()
    assert text.count(b"\r\n") == text.count(b"\n") > 3
    assert b"lgbpn denoise %*" in text

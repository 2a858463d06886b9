"""Nothing lost, as an independent reader sees it: every tag of real files before and after, by exiftool."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoError
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.write import write_photo

FOLDERS = ["phone-highiso", "raw", "odd/exif_orientation", "odd/heic_photo", "odd/modes", "odd/tiff16_png16"]
STORAGE = (
    "System:", "ExifTool:", "File:", "Composite:", "IFD1:", "QuickTime:", "Meta:", "RIFF:", "MPF",
)  # fmt: skip
"""Groups about the file, its codec and its thumbnail instead of the photo."""
MOVED = (
    "Offset", "Length", "ByteCounts", "Thumbnail", "Preview", "JpgFromRaw", "Padding", "ImageWidth", "ImageHeight",
    "BitsPerSample", "Compression", "SubfileType", "RowsPerStrip", "Predictor", "PhotometricInterpretation",
    "SamplesPerPixel", "PlanarConfiguration", "CFA", "BlackLevel", "WhiteLevel", "ActiveArea", "DefaultCrop",
    "DNGVersion", "DNGBackwardVersion", "BaselineNoise", "BaselineSharpness", "LinearResponseLimit", "Orientation",
    "Interlace", "SignificantBits", "Palette", "Transparency", "DataDump", "JFIFVersion", "FillOrder",
    "HalftoneHints", "Photoshop", "ICC_Profile", "FocalPlane",
)  # fmt: skip
"""Names about where and how things are stored, which change with the type; and what a type cannot hold."""
GROUPS_NOT_CARRIED = {
    ".crw": ("CanonRaw:", "Canon:", "CanonCustom:"),
    ".heic": ("XMP-hdrgm:", "XMP-HDRGainMap:", "XMP-Container:", "XMP-x:", "Samsung:"),
}
"""CRW has no EXIF but a directory of its own, of which LibRaw hands over the essentials; a HEIC's gain map has
XMP of its own and goes with it, as does what Samsung appends to the file."""

RECORD = Record("0.1.0", "model", '{"strength":1.0}')
HISTORY = "XMP-xmpMM:History"
OWN_EVENT = {
    "XMP-xmpMM:HistoryAction": ["filtered"],
    "XMP-xmpMM:HistorySoftwareAgent": ["lgbpn 0.1.0"],
    "XMP-xmpMM:HistoryParameters": [RECORD.to_text()],
}


def tags_of(path: Path) -> dict[str, object]:
    answer = subprocess.run(
        ["exiftool", "-json", "-G1", "-a", "-n", str(path)], capture_output=True, check=False
    )
    found: dict[str, object] = json.loads(answer.stdout)[0]
    return {
        name: value
        for name, value in found.items()
        if name != "SourceFile" and not name.startswith(STORAGE) and not any(word in name for word in MOVED)
    }


def equal(name: str, old: object, new: object, record: Record | None) -> bool:
    if record is not None and name.startswith(HISTORY):
        return new == [*(old if isinstance(old, list) else [old]), *OWN_EVENT.get(name, [])]
    return old == new or str(old).strip() == str(new).strip()


@pytest.mark.parametrize("record", [None, RECORD], ids=["without-provenance", "with-provenance"])
@pytest.mark.parametrize("folder", FOLDERS)
def test_no_tag_is_lost_or_changed(
    data_root: Path, tmp_path: Path, folder: str, record: Record | None
) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    compared = 0
    for source in sorted((data_root / folder).iterdir()):
        try:
            photo = as_result(read_photo(source), OutputConfig())
        except PhotoError:
            continue  # what is refused loses nothing
        target = tmp_path / f"result{source.suffix}"
        write_photo(photo, target, record=record)
        before, after = tags_of(source), tags_of(target)
        left_out = GROUPS_NOT_CARRIED.get(source.suffix.lower(), ("nothing",))
        lost = {
            name: (value, after.get(name))
            for name, value in before.items()
            if not name.startswith(left_out) and not equal(name, value, after.get(name), record)
        }
        assert lost == {}, source.name
        if record is not None:
            assert any(after.get(f"{group}:Software") for group in ("IFD0", "PNG")), source.name
            history = after["XMP-xmpMM:HistoryParameters"]
            assert (history[-1] if isinstance(history, list) else history) == record.to_text()
        compared += 1
    assert compared

"""Sidecars of raw files: what is said of a photo goes along, what was done to other pixels stays behind, by name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_samples import mosaic_of, write_raw

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.errors import PhotoReadError
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.prepare import read_as_result
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.sidecars import broken_sidecars, description_of
from lgbpn_cli.photos.write import write_photo

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:darktable="http://darktable.sf.net/" xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmp:Rating="4" photoshop:City="Wien" {attributes}>
<dc:subject><rdf:Bag><rdf:li>owl</rdf:li></rdf:Bag></dc:subject>{elements}</rdf:Description></rdf:RDF></x:xmpmeta>"""
DARKTABLE = """<darktable:history><rdf:Seq><rdf:li darktable:operation="rawprepare" darktable:params="00"/></rdf:Seq>
</darktable:history><darktable:colorlabels><rdf:Seq><rdf:li>2</rdf:li></rdf:Seq></darktable:colorlabels>"""
DESCRIPTION = (b'Rating="4"', b"Wien", b"owl")


def raw_with(folder: Path, name: str = "IMG_7.dng", sidecar: str = "IMG_7.dng.xmp", **parts: str) -> Path:
    source = write_raw(folder / name, mosaic_of(np.full((40, 50, 3), 0.3)))
    parts = {"attributes": "", "elements": ""} | parts
    (folder / sidecar).write_text(XMP.format(**parts), "utf-8")
    return source


def result_of(source: Path, target: Path, output: OutputConfig | None = None) -> tuple[Path, tuple[str, ...]]:
    target.parent.mkdir(exist_ok=True)
    photo = as_result(read_photo(source), output or OutputConfig())
    with with_companions(source, target):
        write_photo(photo, target)
    return target, photo.notes


@pytest.mark.parametrize("sidecar", ["IMG_7.dng.xmp", "IMG_7.xmp", "IMG_7.XMP"])
def test_description_goes_along_and_develop_history_stays_behind(tmp_path: Path, sidecar: str) -> None:
    source = raw_with(
        tmp_path,
        sidecar=sidecar,
        elements=DARKTABLE,
        attributes='darktable:history_end="10" crs:Exposure2012="+1"',
    )
    result, notes = result_of(source, tmp_path / "out" / "IMG_7.dng")
    for xmp in (result.with_name(sidecar).read_bytes(), result.read_bytes()):
        assert all(part in xmp for part in (*DESCRIPTION, b"colorlabels", b"Exposure2012"))
        assert b"rawprepare" not in xmp
        assert b"history_end" not in xmp
    assert notes == (f"{sidecar}: darktable's develop history stays behind: it is for the raw file",)
    assert b"rawprepare" in (tmp_path / sidecar).read_bytes()


def test_a_sidecar_without_history_is_copied_byte_for_byte(tmp_path: Path) -> None:
    source = raw_with(tmp_path)
    result, notes = result_of(source, tmp_path / "out" / "IMG_7.dng")
    assert result.with_name("IMG_7.dng.xmp").read_bytes() == (tmp_path / "IMG_7.dng.xmp").read_bytes()
    assert notes == ()


@pytest.mark.parametrize(
    ("photo", "sidecar", "copied"),
    [
        ("IMG_7.jpg", "IMG_7.Xmp", "IMG_7.Xmp"),
        ("IMG_7.jpg", "IMG_7.JPG.XMP", "IMG_7.jpg.XMP"),
        ("IMG_7.JPG", "IMG_7.jpg.xmp", "IMG_7.JPG.xmp"),
    ],
)
def test_sidecars_are_found_however_their_endings_are_written(
    tmp_path: Path, photo: str, sidecar: str, copied: str
) -> None:
    (tmp_path / photo).write_bytes(b"")
    (tmp_path / sidecar).write_bytes(b"x")
    (tmp_path / "out").mkdir()
    with with_companions(tmp_path / photo, tmp_path / "out" / photo):
        assert [path.name for path in (tmp_path / "out").iterdir()] == [copied]


def test_the_sidecar_of_a_photo_whose_ending_is_written_otherwise_is_that_ones(tmp_path: Path) -> None:
    for name in ("IMG_7.JPG", "IMG_7.jpg", "IMG_7.JPG.xmp"):
        (tmp_path / name).write_bytes(name.encode())
    if (tmp_path / "IMG_7.jpg").read_bytes() != b"IMG_7.jpg":
        pytest.skip("this file system takes both names for one")
    (tmp_path / "out").mkdir()
    with with_companions(tmp_path / "IMG_7.jpg", tmp_path / "out/IMG_7.jpg"):
        assert not list((tmp_path / "out").iterdir())


def test_a_rendered_result_is_not_developed_once_more(tmp_path: Path) -> None:
    source = raw_with(tmp_path, sidecar="IMG_7.xmp", attributes='crs:Exposure2012="+1"')
    result, _ = result_of(source, tmp_path / "out" / "IMG_7.tif", OutputConfig(format="tiff"))
    for xmp in (result.with_name("IMG_7.xmp").read_bytes(), result.read_bytes()):
        assert all(part in xmp for part in DESCRIPTION)
        assert b"Exposure2012" not in xmp


def test_what_the_sidecar_says_counts_more_than_what_is_inside_but_silence_does_not(tmp_path: Path) -> None:
    source = tmp_path / "IMG_7.dng"
    inside = XMP.format(attributes='photoshop:Country="Austria" xmp:Label="Red"', elements="").encode()
    write_raw(source, mosaic_of(np.full((40, 50, 3), 0.3)), tags=((700, 1, len(inside), inside, True),))
    later = XMP.format(attributes='xmp:Label=""', elements="").replace('Rating="4"', 'Rating="1"')
    source.with_suffix(".xmp").write_text(later, "utf-8")
    xmp = read_photo(source).metadata.xmp
    assert xmp is not None
    assert b'Rating="1"' in xmp
    assert b'Rating="4"' not in xmp
    assert b"Austria" in xmp
    assert b'Label="Red"' in xmp


@pytest.mark.parametrize(
    "name",
    [
        "IMG_7.dng.pp3",
        "IMG_7.pp3",
        "IMG_7.dng.arp",
        "IMG_7.dng.dop",
        "IMG_7.on1",
        "IMG_7.vrd",
        "IMG_7.DR4",
        "IMG_7.acr",
        "IMG_7.AAE",
        "NKSC_PARAM/IMG_7.dng.nksc",
        "CaptureOne/Settings153/IMG_7.dng.cos",
    ],
)
def test_files_of_settings_stay_behind_by_name(tmp_path: Path, name: str) -> None:
    source = write_raw(tmp_path / "IMG_7.dng", mosaic_of(np.full((40, 50, 3), 0.3)))
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("[Exposure]\nCompensation=1\n")
    result, notes = result_of(source, tmp_path / "out" / "IMG_7.dng")
    assert [path.name for path in result.parent.iterdir()] == ["IMG_7.dng"]
    assert len(notes) == 1
    assert notes[0].startswith(f"{name} stays behind")


def test_edits_of_a_photo_that_a_phone_keeps_beside_it_stay_behind_by_name(tmp_path: Path) -> None:
    Image.effect_noise((40, 30), 20).save(tmp_path / "IMG_7.jpg")
    (tmp_path / "IMG_7.AAE").write_text("<plist/>")
    photo, _ = read_as_result(tmp_path / "IMG_7.jpg", OutputConfig(), None)
    assert photo.notes == ("IMG_7.AAE stays behind: Apple's settings are for the photo as it was",)


def test_aftershots_settings_stay_behind(tmp_path: Path) -> None:
    names = " ".join(
        f'xmlns:{prefix}="http://www.bibblelabs.com/{name}/"'
        for prefix, name in (("dmf", "DigitalMasterFile/1.0"), ("bopt", "BibbleOpt/5.0"))
    )
    settings = "<dmf:versions><rdf:Seq><rdf:li bopt:exposureval='1'/></rdf:Seq></dmf:versions>"
    source = raw_with(tmp_path, attributes=f'{names} dmf:versionCount="1"', elements=settings)
    result, notes = result_of(source, tmp_path / "out" / "IMG_7.dng")
    for xmp in (result.with_name("IMG_7.dng.xmp").read_bytes(), result.read_bytes()):
        assert all(part in xmp for part in DESCRIPTION)
        assert b"exposureval" not in xmp
    assert notes == ("IMG_7.dng.xmp: AfterShot's develop history stays behind: it is for the raw file",)


def test_a_sidecar_of_nothing_but_history_is_not_copied(tmp_path: Path) -> None:
    only = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    only += b'<rdf:Description xmlns:d="http://darktable.sf.net/" d:history_end="3"/></rdf:RDF></x:xmpmeta>'
    assert description_of(only, developed=False) == (None, ["darktable's"])
    source = write_raw(tmp_path / "IMG_7.dng", mosaic_of(np.full((40, 50, 3), 0.3)))
    (tmp_path / "IMG_7.dng.xmp").write_bytes(only)
    result, _ = result_of(source, tmp_path / "out" / "IMG_7.dng")
    assert [path.name for path in result.parent.iterdir()] == ["IMG_7.dng"]


@pytest.mark.parametrize("content", [b"", b"no xmp", b"\xff\xfe\0\0", b"<x:xmpmeta>"])
def test_a_sidecar_that_is_no_xmp_is_copied_as_it_is(tmp_path: Path, content: bytes) -> None:
    source = write_raw(tmp_path / "IMG_7.dng", mosaic_of(np.full((40, 50, 3), 0.3)))
    (tmp_path / "IMG_7.xmp").write_bytes(content)
    result, _ = result_of(source, tmp_path / "out" / "IMG_7.dng")
    assert result.with_name("IMG_7.xmp").read_bytes() == content


def test_what_goes_inside_is_a_packet_as_files_hold_them(tmp_path: Path) -> None:
    source = raw_with(tmp_path)
    sidecar = tmp_path / "IMG_7.dng.xmp"
    sidecar.write_text('<?xml version="1.0" encoding="UTF-8"?>\n' + sidecar.read_text("utf-8"), "utf-8")
    xmp = read_photo(source).metadata.xmp
    assert xmp is not None
    assert xmp.startswith(b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>')
    assert xmp.endswith(b'<?xpacket end="w"?>')
    assert b"<?xml" not in xmp


def test_darktable_shows_a_result_with_its_sidecar_as_without(data_root: Path, tmp_path: Path) -> None:
    if shutil.which("darktable-cli") is None:
        pytest.skip("darktable-cli is not installed")
    for path in (data_root / "cases/darktable_sidecar").glob("IMG_7.dng*"):
        shutil.copy(path, tmp_path)
    result, _ = result_of(tmp_path / "IMG_7.dng", tmp_path / "out" / "IMG_7.dng")
    sidecar = result.with_name("IMG_7.dng.xmp")
    shown = []
    for name in ("with.png", "without.png"):
        if name == "without.png":
            sidecar.unlink()
        target = tmp_path / name
        options = ["--core", "--configdir", str(tmp_path / "configuration"), "--library", ":memory:"]
        options += ["--conf", "write_sidecar_files=never"]
        command = ["darktable-cli", str(result), str(target), *options]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        shown.append(np.asarray(Image.open(target).convert("RGB"), float))
    assert shown[0].shape == shown[1].shape
    assert np.abs(shown[0] - shown[1]).mean() < 0.5


@pytest.mark.parametrize("name", ["IMG_7.dng", "IMG_7.jpg"])
def test_a_sidecar_that_cannot_be_read_is_what_the_error_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    source = raw_with(tmp_path, sidecar=f"{name}.xmp").with_name(name)
    Image.effect_noise((40, 30), 20).save(tmp_path / "IMG_7.jpg")
    (tmp_path / "out").mkdir()
    real = Path.read_bytes

    def denied(path: Path) -> bytes:
        if path.suffix == ".xmp":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(PhotoReadError, match=rf"{name}.xmp: .* cannot be read \(Permission denied\)"):
        result_of(source, tmp_path / "out" / name)
    assert not list((tmp_path / "out").iterdir())


def test_a_sidecar_that_is_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    for name in ("a.jpg.xmp", "a.XMP"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
    (tmp_path / "a.xmp").write_text("whole")
    assert broken_sidecars(photo) == tuple(
        f"its sidecar {name} is a broken link, and is left out" for name in ("a.XMP", "a.jpg.xmp")
    )
    assert broken_sidecars(tmp_path / ("x" * 254)) == ()

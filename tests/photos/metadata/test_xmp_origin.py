"""A result's XMP names the document it was made of, by identities and never by a file's name."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lgbpn_cli.config import OUTPUT_FORMATS, OutputConfig
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.metadata.xmp_history import MEDIA_MANAGEMENT, RDF, with_event
from lgbpn_cli.photos.metadata.xmp_origin import REFERENCE, made_id, with_origin
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.record import Record
from lgbpn_cli.photos.source_id import source_id_of
from lgbpn_cli.photos.write import write_photo

SOURCE, RESULT = "100:abc", "record"
EMPTY = with_event(None, "lgbpn 1", "{}")


def packet(attributes: str = "", inside: str = "", padding: str = "") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{RDF}"><r:Description r:about="it" '
        f'xmlns:mm="{MEDIA_MANAGEMENT}" xmlns:s="{REFERENCE}" xmlns:dc="http://purl.org/dc/elements/1.1/" {attributes}>'
        f"<dc:title>Größe</dc:title>{inside}</r:Description></r:RDF></x:xmpmeta>{padding}<?xpacket end='w'?>"
    ).encode()


def exiftool(*words: str | Path, data: bytes | None = None) -> dict[str, Any]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed (Debian: libimage-exiftool-perl)")
    answer = subprocess.run(
        ["exiftool", "-j", "-XMP-xmpMM:all", *words], input=data, capture_output=True, check=True
    )
    found: dict[str, Any] = json.loads(answer.stdout)[0]
    return found


def origin_of(xmp: bytes) -> dict[str, Any]:
    return exiftool("-XMP-dc:all", "-", data=xmp)


def test_a_photo_without_identity_gets_one_from_its_digest() -> None:
    found = origin_of(with_origin(EMPTY, SOURCE, RESULT))
    assert found["DerivedFromDocumentID"] == made_id("xmp.did:", SOURCE) == found["OriginalDocumentID"]
    assert found["DerivedFromInstanceID"] == made_id("xmp.iid:", SOURCE)
    assert found["DocumentID"] == made_id("xmp.did:", RESULT)
    assert found["InstanceID"] == made_id("xmp.iid:", RESULT)
    assert found["HistoryAction"] == "filtered"


@pytest.mark.parametrize("as_attributes", [True, False])
def test_a_photos_own_identity_is_what_the_result_derives_from(as_attributes: bool) -> None:
    own = {"DocumentID": "xmp.did:1", "InstanceID": "xmp.iid:2", "OriginalDocumentID": "A&B"}
    escaped = {name: value.replace("&", "&amp;") for name, value in own.items()}
    xmp = packet(
        " ".join(f'mm:{name}="{value}"' for name, value in escaped.items()) if as_attributes else "",
        ""
        if as_attributes
        else "".join(f"<mm:{name}>{value}</mm:{name}>" for name, value in escaped.items()),
    )
    found = origin_of(with_origin(xmp, SOURCE, RESULT))
    assert found["DerivedFromDocumentID"] == "xmp.did:1"
    assert found["DerivedFromInstanceID"] == "xmp.iid:2"
    assert found["DerivedFromOriginalDocumentID"] == found["OriginalDocumentID"] == "A&B"
    assert found["DocumentID"] == made_id("xmp.did:", RESULT)
    assert found["Title"] == "Größe"


def test_an_older_origin_with_a_path_in_it_does_not_stay() -> None:
    inside = (
        '<mm:DerivedFrom r:parseType="Resource"><s:filePath>/home/me/secret.jpg</s:filePath></mm:DerivedFrom>'
    )
    once = with_origin(packet('mm:DocumentID="a"', inside), SOURCE, RESULT)
    assert b"secret" not in once
    again = with_origin(once, "other", "second")
    assert origin_of(again)["DerivedFromDocumentID"] == made_id("xmp.did:", RESULT)
    assert origin_of(again)["OriginalDocumentID"] == "a"
    assert again.count(b"DerivedFrom") == 2


def test_the_padding_gives_room_to_it() -> None:
    old = packet(padding=" " * 3000)
    assert len(with_origin(old, SOURCE, RESULT)) == len(old)


@pytest.mark.parametrize(
    "xmp", [b"stars", b"\xff\xfe<\0", b"<a/>", b'<!DOCTYPE a [<!ENTITY b "b">]>' + packet()]
)
def test_what_is_no_xmp_stays_as_it_is(xmp: bytes) -> None:
    assert with_origin(xmp, SOURCE, RESULT) == xmp


@pytest.mark.parametrize(
    "kind", [kind for kind in OUTPUT_FORMATS if kind not in ("preserve", "dng", "cfa-dng")]
)
def test_results_of_every_type_name_their_photo(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "secret name.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)).save(source)
    photo = as_result(read_photo(source), OutputConfig(format=kind))  # type: ignore[arg-type]
    record = Record("1", "m", "{}", source_id_of(source, ""))
    target = tmp_path / f"result.{kind}"
    write_photo(photo, target, record=record)
    content = ":".join(record.source.split(":")[1:4:2])
    found = exiftool(target)
    assert found["DerivedFromDocumentID"] == made_id("xmp.did:", content)
    assert found["DocumentID"] == made_id("xmp.did:", record.to_text())
    assert b"secret" not in target.read_bytes()

"""What other programs can read of a result's making: one more event in the XMP history, all else untouched."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from lgbpn_cli.photos.metadata.xmp_history import EVENT, MEDIA_MANAGEMENT, RDF, with_event

PARAMETERS = '{"model":"m","settings":"a<b & \\"c\\""}'
BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
END = '<?xpacket end="w"?>'


def packet(inside: str, *, rdf: str = "rdf", about: str = "", padding: str = "") -> bytes:
    body = (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><{rdf}:RDF xmlns:{rdf}="{RDF}"><{rdf}:Description '
        f'{rdf}:about="{about}" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:mm="{MEDIA_MANAGEMENT}" '
        f'xmlns:e="{EVENT}" dc:format="image/jpeg">{inside}</{rdf}:Description></{rdf}:RDF></x:xmpmeta>'
    )
    return (BEGIN + body + padding + END).encode("utf-8")


def events(xmp: bytes) -> list[dict[str, str | None]]:
    root = ElementTree.fromstring(xmp.decode("utf-8").strip("\ufeff\0 \n"))
    (history,) = root.iter(f"{{{MEDIA_MANAGEMENT}}}History")
    return [
        {part.tag.removeprefix(f"{{{EVENT}}}"): part.text for part in event}
        or {name.removeprefix(f"{{{EVENT}}}"): value for name, value in event.attrib.items()}
        for event in history.iter(f"{{{RDF}}}li")
    ]


OWN = {"action": "filtered", "softwareAgent": "lgbpn 1", "parameters": PARAMETERS}
OLD_LIST = '<mm:History><rdf:Seq><rdf:li e:action="created" e:softwareAgent="x"/></rdf:Seq></mm:History>'


def test_a_photo_without_xmp_gets_a_packet_with_one_event() -> None:
    assert events(with_event(None, "lgbpn 1", PARAMETERS)) == [OWN]


def test_a_history_gets_one_more_event_at_its_end() -> None:
    once = with_event(packet(OLD_LIST), "lgbpn 1", PARAMETERS)
    assert events(once) == [{"action": "created", "softwareAgent": "x"}, OWN]
    assert [event["action"] for event in events(with_event(once, "lgbpn 2", "{}"))] == [
        "created", "filtered", "filtered",
    ]  # fmt: skip


@pytest.mark.parametrize("rdf", ["rdf", "r"])
def test_xmp_without_history_gets_one_and_keeps_every_byte(rdf: str) -> None:
    old = packet("<dc:title>Größe</dc:title>", rdf=rdf, about="uuid:1")
    new = with_event(old, "lgbpn 1", PARAMETERS)
    assert events(new) == [OWN]
    begin = old.index(f"</{rdf}:RDF>".encode())
    assert new.startswith(old[:begin])
    assert new.endswith(old[begin:])
    assert new.count(b'about="uuid:1"') == 2


def test_the_padding_gives_room_to_the_event() -> None:
    old = packet("", padding=" " * 3000 + "\n")
    assert len(with_event(old, "lgbpn 1", PARAMETERS)) == len(old)
    small = packet("", padding=" " * 10)
    assert with_event(small, "lgbpn 1", PARAMETERS).endswith(b"</x:xmpmeta> " + END.encode())


@pytest.mark.parametrize(
    "xmp",
    [
        b"stars",
        b"\xff\xfe<\0",
        packet("<dc:title>"),
        packet("", rdf="rdf").replace(b"RDF", b"rDF"),
        b'<!DOCTYPE a [<!ENTITY b "b">]>' + packet("&b;"),
        packet(f"<mm:Pantry><rdf:Bag><rdf:li>{OLD_LIST}</rdf:li></rdf:Bag></mm:Pantry>"),
        packet("<mm:History/>"),
    ],
)
def test_what_cannot_be_changed_safely_stays_as_it_is(xmp: bytes) -> None:
    assert with_event(xmp, "lgbpn 1", PARAMETERS) == xmp

"""XMP packets as a list of properties that can be cut out, moved or added; all other bytes stay as they are.

The way in which packets above a JPEG segment's size are parted is that of the XMP specification, part 3: a standard
packet that names an extended one by its MD5.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from xml.parsers import expat

from lgbpn_cli.photos.metadata.xml_text import quoteattr

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NOTE = "http://ns.adobe.com/xmp/note/"
EXTENDED = "HasExtendedXMP"
TAG = re.compile(rb"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
ATTRIBUTE = re.compile(rb"\s+([^\s=\"'<>/]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
BLANK = b"\xef\xbb\xbf\0 \t\r\n"
PROPERTY_DEPTH = 2
"""How deep in rdf:RDF properties lie: in a description."""


@dataclass(frozen=True)
class Property:
    """One property of the photo, in whichever of its two spellings."""

    namespace: str
    name: str
    begin: int
    end: int
    is_attribute: bool
    prefixes: tuple[tuple[str, str], ...]
    """Prefixes known where it stands, with their namespaces."""


@dataclass(frozen=True)
class Packet:
    """A packet in UTF-8 and where its properties lie."""

    data: bytes
    properties: tuple[Property, ...]
    rdf_end: int
    """Where the description list ends: a place for further descriptions."""

    def text(self, part: Property) -> bytes:
        """Return the bytes of a property."""
        return self.data[part.begin : part.end]

    def without(self, parts: Iterable[Property]) -> bytes:
        """Return the packet with these properties cut out."""
        kept, position = [], 0
        for part in sorted(parts, key=lambda each: each.begin):
            kept.append(self.data[position : part.begin])
            position = part.end
        return b"".join([*kept, self.data[position:]])


def read_packet(xmp: bytes | None) -> Packet | None:
    """Return the parts of a packet in UTF-8 or UTF-16; None for no packet, and for what is not XMP."""
    data = (xmp or b"").strip(BLANK)
    if data.startswith((b"<\0", b"\xff\xfe", b"\xfe\xff")) or data[:1] == b"\0":
        try:
            data = (xmp or b"").decode("utf-16").encode("utf-8").strip(BLANK)
        except UnicodeError:
            return None
    scan = _Scan(data)
    try:
        scan.parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):
        return None
    return Packet(data, tuple(scan.properties), scan.rdf_end) if scan.rdf_end else None


@dataclass
class _Scan:
    """What is found while a packet is read."""

    data: bytes
    properties: list[Property] = field(default_factory=list)
    rdf_end: int = 0
    depth: int = -1
    """Elements that are open inside rdf:RDF; -1 outside."""
    open_property: tuple[str, str, int, int] | None = None

    def __post_init__(self) -> None:
        self.prefixes: list[tuple[str, str]] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartNamespaceDeclHandler = self._declared
        self.parser.EndNamespaceDeclHandler = self._undeclared
        self.parser.StartElementHandler = self._begins
        self.parser.EndElementHandler = self._ends
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise ValueError("XMP with a document type")

    def _declared(self, prefix: str | None, namespace: str) -> None:
        self.prefixes.append((prefix or "", namespace))

    def _undeclared(self, _: str | None) -> None:
        self.prefixes.pop()

    def _begins(self, name: str, attributes: dict[str, str]) -> None:
        del attributes  # their own bytes are read
        begin = self.parser.CurrentByteIndex
        if self.depth < 0:
            if name == f"{RDF} RDF":
                self.depth = 0
            return
        self.depth += 1
        tag = TAG.match(self.data, begin)
        end = tag.end() if tag is not None else begin
        if self.depth == PROPERTY_DEPTH - 1 and name == f"{RDF} Description":
            self._read_attributes(begin, end)
        if self.depth == PROPERTY_DEPTH:
            namespace, _, local = name.rpartition(" ")
            self.open_property = (namespace, local, begin, end)

    def _ends(self, name: str) -> None:
        if self.depth < 0:
            return
        if self.depth == 0:
            self.rdf_end = self.parser.CurrentByteIndex if name == f"{RDF} RDF" else 0
            self.depth = -1
            return
        if self.depth == PROPERTY_DEPTH and self.open_property is not None:
            namespace, local, begin, tag_end = self.open_property
            empty = self.data[tag_end - 2 : tag_end] == b"/>"
            end = tag_end if empty else self.data.find(b">", self.parser.CurrentByteIndex) + 1
            self.properties.append(Property(namespace, local, begin, end, False, tuple(self.prefixes)))
        self.depth -= 1

    def _read_attributes(self, begin: int, end: int) -> None:
        known = dict(self.prefixes)
        for found in ATTRIBUTE.finditer(self.data, begin, end):
            prefix, _, local = found[1].decode("utf-8", "replace").partition(":")
            namespace = known.get(prefix, "")
            if namespace and namespace != RDF and prefix not in ("xml", "xmlns"):
                place = Property(namespace, local, found.start(), found.end(), True, tuple(self.prefixes))
                self.properties.append(place)


def without_properties(xmp: bytes, unwanted: Callable[[Property], bool]) -> bytes:
    """Return the packet without the properties that are unwanted; one without such, or no XMP, as it is."""
    packet = read_packet(xmp)
    parts = [] if packet is None else [part for part in packet.properties if unwanted(part)]
    return packet.without(parts) if packet is not None and parts else xmp


def parted(xmp: bytes, most_bytes: int) -> tuple[bytes, bytes] | None:
    """Return a standard packet of at most `most_bytes` and an extended one; None where the packet cannot be parted.

    The largest properties are the ones that move.
    """
    packet = read_packet(xmp)
    if packet is None:
        return None
    most_bytes -= len(_note("0" * 32))
    moved: list[Property] = []
    length = len(packet.data)
    for part in sorted(packet.properties, key=lambda each: each.begin - each.end):
        if length <= most_bytes:
            break
        moved.append(part)
        length -= part.end - part.begin
    if length > most_bytes or not moved:
        return None
    extended = b"".join([
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="' + RDF.encode() + b'">',
        *(_description(packet, part) for part in moved),
        b"</rdf:RDF></x:xmpmeta>",
    ])  # fmt: skip
    standard = packet.without(moved)
    place = len(standard) - (len(packet.data) - packet.rdf_end)
    note = _note(hashlib.md5(extended, usedforsecurity=False).hexdigest().upper())
    return standard[:place] + note + standard[place:], extended


def joined(xmp: bytes, extended: bytes) -> bytes:
    """Return one packet with the properties of both; the standard one alone where one of them is not XMP."""
    packet, further = read_packet(xmp), read_packet(extended)
    if packet is None or further is None:
        return xmp
    note = [part for part in packet.properties if (part.namespace, part.name) == (NOTE, EXTENDED)]
    standard = packet.without(note)
    place = packet.rdf_end - sum(part.end - part.begin for part in note if part.begin < packet.rdf_end)
    added = b"".join(_description(further, part) for part in further.properties)
    return standard[:place] + added + standard[place:]


def completed(xmp: bytes, other: bytes) -> bytes:
    """Return the first packet with those properties of the other that it has not; as it is where one is not XMP."""
    packet, further = read_packet(xmp), read_packet(other)
    if packet is None or further is None:
        return xmp
    told = {(part.namespace, part.name) for part in packet.properties}
    # Where the extended packet has been joined, its name is gone from the first.
    known = [
        part for part in further.properties if (part.namespace, part.name) in told or part.name == EXTENDED
    ]
    return xmp if len(known) == len(further.properties) else joined(xmp, further.without(known))


def extended_name(xmp: bytes) -> bytes | None:
    """Return the MD5, in hexadecimal letters, by which a packet names its extended one."""
    packet = read_packet(xmp)
    for part in packet.properties if packet is not None else ():
        if packet is not None and (part.namespace, part.name) == (NOTE, EXTENDED):
            found = re.search(rb"[0-9A-F]{32}", packet.text(part))
            return None if found is None else found[0]
    return None


def _note(name: str) -> bytes:
    return (
        f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="" xmlns:xmpNote="{NOTE}" '
        f'xmpNote:{EXTENDED}="{name}"/>'
    ).encode("ascii")


def _description(packet: Packet, part: Property) -> bytes:
    """Return a description of its own for one property, wherever it came from."""
    known = {"rdf": RDF} | dict(part.prefixes)
    rdf = next(prefix for prefix, namespace in reversed(known.items()) if namespace == RDF)
    declared = "".join(
        f" xmlns{':' if prefix else ''}{prefix}={quoteattr(namespace)}" for prefix, namespace in known.items()
    )
    head = f'<{rdf}:Description{declared} {rdf}:about=""'.encode()
    if part.is_attribute:
        return head + packet.text(part) + b"/>"
    return head + b">" + packet.text(part) + f"</{rdf}:Description>".encode()

"""Which document a result was made of, as XMP says it: `xmpMM:DerivedFrom`, with identities and never with a file name.

A result is a document of its own (XMP specification, part 2, xmpMM): it gets a DocumentID and an InstanceID, those of
its source go into DerivedFrom, and OriginalDocumentID stays that of the first of the chain. What has no identity gets
one from its digest, so that all results of a photo name the same.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from lgbpn_cli.photos.metadata.xml_text import escape, quoteattr
from lgbpn_cli.photos.metadata.xmp_history import MEDIA_MANAGEMENT, RDF, less_padded
from lgbpn_cli.photos.metadata.xmp_packet import read_packet

REFERENCE = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
REPLACED = ("DocumentID", "InstanceID", "DerivedFrom", "OriginalDocumentID")
"""Properties of xmpMM that are a result's own."""
SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "lgbpn")
"""In which identities are made from digests (RFC 9562, version 5)."""


@dataclass(frozen=True)
class _Identity:
    """What a packet says about which document it belongs to; empty where it says nothing."""

    document: str
    instance: str
    original: str


def with_origin(xmp: bytes, source: str, result: str) -> bytes:
    """Return the packet as that of a result: with identities of its own, derived from those that it had.

    `source` and `result` are what tells both from all others, such as digests. What is no XMP comes back as it is.
    """
    packet = read_packet(xmp)
    if packet is None:
        return xmp
    try:
        root = next(ElementTree.fromstring(packet.data).iter(f"{{{RDF}}}RDF"))
    except (ElementTree.ParseError, StopIteration, ValueError, RecursionError):
        return xmp
    old = _Identity(*(_value(root, name) for name in ("DocumentID", "InstanceID", "OriginalDocumentID")))
    document = old.document or made_id("xmp.did:", source)
    source_is = _Identity(document, old.instance or made_id("xmp.iid:", source), old.original or document)
    about = next((each.get(f"{{{RDF}}}about", "") for each in _descriptions(root)), "")
    cut = [part for part in packet.properties if part.namespace == MEDIA_MANAGEMENT and part.name in REPLACED]
    kept = packet.without(cut)
    place = packet.rdf_end - sum(part.end - part.begin for part in cut)
    added = _description(about, source_is, result).encode("utf-8")
    rest = less_padded(kept[place:].decode("utf-8", "surrogateescape"), len(added))
    return kept[:place] + added + rest.encode("utf-8", "surrogateescape")


def made_id(kind: str, digest: str) -> str:
    """Return an identity in the form that Adobe's programs give theirs: the same for the same digest."""
    return f"{kind}{uuid.uuid5(SPACE, kind + digest)}"


def _descriptions(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    yield from root.findall(f"{{{RDF}}}Description")


def _value(root: ElementTree.Element, name: str) -> str:
    """Return a property of the photo in either spelling, attribute or element; empty where it has none."""
    tag = f"{{{MEDIA_MANAGEMENT}}}{name}"
    for each in _descriptions(root):
        if found := (each.get(tag) or each.findtext(tag) or "").strip():
            return found
    return ""


def _description(about: str, source: _Identity, result: str) -> str:
    return (
        f'<rdf:Description xmlns:rdf="{RDF}" rdf:about={quoteattr(about)} xmlns:xmpMM="{MEDIA_MANAGEMENT}" '
        f'xmlns:stRef="{REFERENCE}">'
        f"<xmpMM:DocumentID>{made_id('xmp.did:', result)}</xmpMM:DocumentID>"
        f"<xmpMM:InstanceID>{made_id('xmp.iid:', result)}</xmpMM:InstanceID>"
        f"<xmpMM:OriginalDocumentID>{escape(source.original)}</xmpMM:OriginalDocumentID>"
        '<xmpMM:DerivedFrom rdf:parseType="Resource">'
        f"<stRef:documentID>{escape(source.document)}</stRef:documentID>"
        f"<stRef:instanceID>{escape(source.instance)}</stRef:instanceID>"
        f"<stRef:originalDocumentID>{escape(source.original)}</stRef:originalDocumentID>"
        "</xmpMM:DerivedFrom></rdf:Description>"
    )

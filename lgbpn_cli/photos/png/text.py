"""What the text chunks of a PNG say, as XMP, for results of other types."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lgbpn_cli.photos.metadata.xml_text import escape
from lgbpn_cli.photos.metadata.xmp_history import PACKET_BEGIN, PACKET_END
from lgbpn_cli.photos.metadata.xmp_packet import RDF, joined, read_packet
from lgbpn_cli.photos.png.chunks import Chunk, inflated

TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
PROPERTIES = {
    "Title": ("title", "Alt"),
    "Author": ("creator", "Seq"),
    "Description": ("description", "Alt"),
    "Copyright": ("rights", "Alt"),
}
"""Keywords of PNG's specification (11.3.3.1), with Dublin Core's names and kinds of list (XMP, part 1, 8.3)."""
NOT_IN_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, 2.2."""
SAID_ELSEWHERE = frozenset(
    {"XML:com.adobe.xmp", "lgbpn", "Software", "date:create", "date:modify", "date:timestamp"}
)
"""XMP, this program's own mark, which program wrote the file, and the times of an earlier file."""


def with_text(xmp: bytes | None, chunks: Sequence[Chunk]) -> tuple[bytes | None, bool]:
    """Return the packet with what the chunks say and it does not, and whether any text is not in it."""
    packet = read_packet(xmp)
    if xmp is not None and packet is None:
        return xmp, any(_texts(chunks))
    said = {} if packet is None else {each.name: packet.text(each) for each in packet.properties
                                      if each.namespace == DUBLIN_CORE}  # fmt: skip
    added: list[str] = []
    left = False
    for keyword, text in _texts(chunks):
        name, kind = PROPERTIES.get(keyword, ("", ""))
        if not name or NOT_IN_XML.search(text):
            left = True
        elif name in said:
            left = left or escape(text).encode() not in said[name]
        else:
            said[name] = escape(text).encode()
            language = ' xml:lang="x-default"' if kind == "Alt" else ""
            item = f"<rdf:li{language}>{escape(text)}</rdf:li>"
            added.append(f"<dc:{name}><rdf:{kind}>{item}</rdf:{kind}></dc:{name}>")
    if not added:
        return xmp, left
    description = f'<rdf:Description rdf:about="" xmlns:dc="{DUBLIN_CORE}">{"".join(added)}</rdf:Description>'
    rdf = f'<rdf:RDF xmlns:rdf="{RDF}">{description}</rdf:RDF>'
    new = f'{PACKET_BEGIN}<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>{PACKET_END}'.encode()
    return (new if xmp is None else joined(xmp, new)), left


def _texts(chunks: Sequence[Chunk]) -> Iterator[tuple[str, str]]:
    """Yield keyword and text of each chunk that says something."""
    for chunk in chunks:
        if chunk.kind not in TEXT_CHUNKS:
            continue
        keyword, _, rest = chunk.payload.partition(b"\0")
        if chunk.kind == b"iTXt":
            _, _, behind_language = rest[2:].partition(b"\0")
            _, _, packed = behind_language.partition(b"\0")
            text = (inflated(packed) if rest[:1] == b"\1" else packed).decode("utf-8", "replace")
        else:
            text = (inflated(rest[1:]) if chunk.kind == b"zTXt" else rest).decode("latin-1")
        name = keyword.decode("latin-1")
        if name not in SAID_ELSEWHERE and text.strip():
            yield name, text.strip()

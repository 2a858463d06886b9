"""One more event in a photo's XMP history, put between the bytes that are there; nothing is written anew.

`xmpMM:History` is where programs note what they did to a photo (XMP specification, part 2, ResourceEvent).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree

from lgbpn_cli.photos.metadata.xml_text import escape, quoteattr

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MEDIA_MANAGEMENT = "http://ns.adobe.com/xap/1.0/mm/"
EVENT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
ACTION = "filtered"
"""The specification's word for what a filter does."""
PACKET_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
PACKET_END = '\n<?xpacket end="w"?>'
END_BEGINS = "<?xpacket end="
LEAST_PADDING = 1


def with_event(xmp: bytes | None, software: str, parameters: str) -> bytes:
    """Return the XMP packet with an event of this program added to its history; a new packet for None.

    What cannot be read as XMP in UTF-8, or keeps its history in an unusual form, comes back as it is.
    """
    if xmp is None:
        description = _description("rdf", "", software, parameters)
        rdf = f'<rdf:RDF xmlns:rdf="{RDF}">{description}</rdf:RDF>'
        packet = f'{PACKET_BEGIN}<x:xmpmeta xmlns:x="adobe:ns:meta/">{rdf}</x:xmpmeta>{PACKET_END}'
        return packet.encode("utf-8")
    try:
        text = xmp.decode("utf-8")
        tree = _parsed(text)
        changed = _with_inserted(text, tree, software, parameters)
        if changed is None or len(list(_parsed(changed).iter(f"{{{EVENT}}}softwareAgent"))) <= len(
            list(tree.iter(f"{{{EVENT}}}softwareAgent"))
        ):
            return xmp
    except (UnicodeError, ElementTree.ParseError, ValueError, RecursionError):
        return xmp
    return changed.encode("utf-8")


def _parsed(text: str) -> ElementTree.Element:
    """Return the packet's root; a declared document type, which no XMP has, is refused before it is read."""
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise ValueError("XMP with a document type")
    return ElementTree.fromstring(text.strip("\ufeff\0 \t\r\n"))


def _with_inserted(text: str, tree: ElementTree.Element, software: str, parameters: str) -> str | None:
    """Return the text with the event in it, or None where there is no plain place for it."""
    history = f"{{{MEDIA_MANAGEMENT}}}History"
    root = next(tree.iter(f"{{{RDF}}}RDF"), None)
    if root is None:
        return None
    described = root.findall(f"{{{RDF}}}Description")
    own = [part for each in described for part in each.findall(history)]
    if len(own) != len(list(tree.iter(history))) or len(own) > 1:
        return None  # those of a picture's ingredients look alike
    if own:
        place = re.search(r"</(?P<rdf>[\w.-]+):Seq\s*>\s*</[\w.-]+:History\s*>", text)
        event = "" if place is None else _event(place["rdf"], software, parameters)
    else:
        place = re.search(r"</(?P<rdf>[\w.-]+):RDF\s*>", text)
        about = described[0].get(f"{{{RDF}}}about", "") if described else ""
        event = "" if place is None else _description(place["rdf"], about, software, parameters)
    if place is None:
        return None
    return text[: place.start()] + event + less_padded(text[place.start() :], len(event.encode("utf-8")))


def less_padded(rest: str, added_bytes: int) -> str:
    """Return the rest of a packet with its padding used up as far as the new event needs room."""
    # No regular expression: blanks without an end behind them would be gone over once for each of them.
    end = rest.find(END_BEGINS)
    if end < 0:
        return rest
    text = rest[:end].rstrip()
    padding = rest[len(text) : end]
    kept = max(LEAST_PADDING, len(padding) - added_bytes)
    return text + padding[-kept:] + rest[end:]


def _description(rdf: str, about: str, software: str, parameters: str) -> str:
    event = _event(rdf, software, parameters)
    return (
        f'<{rdf}:Description {rdf}:about={quoteattr(about)} xmlns:xmpMM="{MEDIA_MANAGEMENT}">'
        f"<xmpMM:History><{rdf}:Seq>{event}</{rdf}:Seq></xmpMM:History></{rdf}:Description>"
    )


def _event(rdf: str, software: str, parameters: str) -> str:
    return (
        f'<{rdf}:li xmlns:stEvt="{EVENT}" {rdf}:parseType="Resource"><stEvt:action>{ACTION}</stEvt:action>'
        f"<stEvt:softwareAgent>{escape(software)}</stEvt:softwareAgent>"
        f"<stEvt:parameters>{escape(parameters)}</stEvt:parameters></{rdf}:li>"
    )

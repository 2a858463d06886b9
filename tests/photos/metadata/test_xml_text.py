"""Text in XML comes back from a parser as it was."""

from __future__ import annotations

from xml.etree import ElementTree

from lgbpn_cli.photos.metadata.xml_text import escape, quoteattr

AWKWARD = "a < b & \"c\" > 'd'\tand\na line\r&amp; é"


def test_attributes_and_text_come_back_as_they_were() -> None:
    element = ElementTree.fromstring(f"<x y={quoteattr(AWKWARD)}>{escape(AWKWARD.replace(chr(13), ''))}</x>")
    assert element.get("y") == AWKWARD
    assert element.text == AWKWARD.replace("\r", "")

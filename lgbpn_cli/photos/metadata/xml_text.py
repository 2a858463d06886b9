"""Text as XML has it; `xml.sax.saxutils`, which does the same, imports all that it takes to open web pages."""

from __future__ import annotations

import html

LINE_ENDS = {ord(character): f"&#{ord(character)};" for character in "\t\n\r"}
"""In an attribute these would be read as spaces."""


def escape(text: str) -> str:
    """Return the text as it stands between two tags."""
    return html.escape(text, quote=False)


def quoteattr(value: str) -> str:
    """Return the value of an attribute with its quotation marks."""
    return f'"{html.escape(value).translate(LINE_ENDS)}"'

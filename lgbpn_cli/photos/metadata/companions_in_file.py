"""What else lies in a photo's file beside the photo: its film, gain map, depth map and the like, as XMP speaks of it.

A result of another type has none of them, and its XMP must not promise them.
"""

from __future__ import annotations

import re

from lgbpn_cli.photos.metadata.xmp_packet import Property, read_packet

VIDEO, GAIN_MAP, DEPTH_MAP, PICTURE, SOUND = "video", "HDR gain map", "depth map", "second picture", "sound"
UNKNOWN, LEAST_UNKNOWN_BYTES = "data behind the picture", 64
"""A few bytes are some writer's padding."""
PICTURES = "further pictures"
"""Behind their number, where there are more than two pictures in all."""
TEXT = "text"
"""What a PNG says in words of its own, and no other type."""
GOOGLE = "http://ns.google.com/photos/1.0/"
NAMESPACES = {
    "http://ns.adobe.com/hdr-gain-map/1.0/": GAIN_MAP,
    "http://ns.apple.com/HDRGainMap/1.0/": GAIN_MAP,
    "http://ns.apple.com/pixeldatainfo/1.0/": DEPTH_MAP,
    "http://ns.apple.com/depthData/1.0/": DEPTH_MAP,
    "http://ns.apple.com/depthBlurEffect/1.0/": DEPTH_MAP,
    "http://ns.apple.com/portraitEffectsMatte/1.0/": DEPTH_MAP,
    "http://ns.xiaomi.com/photos/1.0/camera/": DEPTH_MAP,
    GOOGLE + "depthmap/": DEPTH_MAP,
    GOOGLE + "focus/": DEPTH_MAP,
    GOOGLE + "image/": PICTURE,
    GOOGLE + "audio/": SOUND,
}
"""Namespaces that are all about one of them."""
FILM_NAMESPACES = (
    GOOGLE + "camera/",
    "http://ns.oplus.com/photos/1.0/camera/",
    "http://ns.vivo.com/photos/1.0/camera/",
)
FILM_PROPERTY = re.compile(r"MotionPhoto|MicroVideo|OLivePhoto|LivePhoto|VideoLength")
CONTAINER = GOOGLE + "container/"
SEMANTICS = {b"MotionPhoto": VIDEO, b"GainMap": GAIN_MAP, b"Depth": DEPTH_MAP}
DYNAMIC_DEPTH = "http://ns.google.com/photos/dd/1.0/"
XMP_CORE, THUMBNAILS = "http://ns.adobe.com/xap/1.0/", "Thumbnails"


def further_pictures(pictures: int) -> frozenset[str]:
    """Return what a file of so many pictures holds besides the photo: nothing, or one name."""
    if pictures < 2:
        return frozenset()
    return frozenset({PICTURE if pictures == 2 else f"{pictures - 1} {PICTURES}"})


def alone(xmp: bytes | None) -> tuple[bytes | None, frozenset[str]]:
    """Return the packet for a file that holds the photo alone, and what it spoke of besides.

    What is not XMP comes back as it is.
    """
    packet = read_packet(xmp)
    if packet is None:
        return xmp, frozenset()
    parts: list[Property] = []
    named: set[str] = set()
    for part in packet.properties:
        kinds = _kinds(part, packet.text(part))
        if kinds is not None:
            parts.append(part)
            named |= kinds
    return (packet.without(parts) if parts else xmp), frozenset(named)


def _kinds(part: Property, text: bytes) -> set[str] | None:
    """Return what a property speaks of, perhaps nothing that has a name; None for a property of the photo itself."""
    if part.namespace in NAMESPACES:
        return {NAMESPACES[part.namespace]}
    if part.namespace.startswith(DYNAMIC_DEPTH):
        return {DEPTH_MAP}
    if part.namespace in FILM_NAMESPACES and FILM_PROPERTY.search(part.name):
        said_none = part.is_attribute and re.search(rb"[\"']0[\"']$", text)
        return set() if said_none else {VIDEO}
    if part.namespace == CONTAINER:
        return {kind for word, kind in SEMANTICS.items() if word in text}
    if (part.namespace, part.name) == (XMP_CORE, THUMBNAILS):
        return set()
    return None

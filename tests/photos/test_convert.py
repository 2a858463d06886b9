"""Photos turned into another type, depth or quality before they are denoised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from photo_samples import ICC, PhotoMaker, noise
from PIL import Image, PngImagePlugin
from working_results import from_working

from lgbpn_cli.config import OutputConfig
from lgbpn_cli.denoise.working import decode_light, encode_light, to_working
from lgbpn_cli.errors import UnsupportedPhotoError
from lgbpn_cli.photos.companions import with_companions
from lgbpn_cli.photos.convert import as_result
from lgbpn_cli.photos.metadata.xmp_packet import read_packet
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.suffixes import result_suffix
from lgbpn_cli.photos.write import write_photo

XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:source>film</dc:source></rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def test_by_default_a_photo_stays_what_it_is(
    make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker
) -> None:
    for path in (make_jpeg(), make_png(), make_tiff()):
        photo = read_photo(path)
        ready = as_result(photo, OutputConfig())
        assert (ready.format, ready.container, ready.metadata) == (
            photo.format, photo.container, photo.metadata,
        )  # fmt: skip
        assert ready.pixels is photo.pixels


@pytest.mark.parametrize(
    ("name", "becomes"),
    [("a.heic", "jpeg"), ("a.bmp", "png"), ("a.jp2", "png"), ("a.jpg", "png"), ("a", "png")],
)
def test_a_photo_by_another_types_name_is_in_its_result_what_that_ones_name_says(
    make_png: PhotoMaker, name: str, becomes: str
) -> None:
    path = make_png()
    photo = read_photo(path.rename(path.with_name(name)))
    assert photo.format == "png"
    assert as_result(photo, OutputConfig()).format == becomes


@pytest.mark.parametrize(("name", "becomes"), [("a.bmp", "png"), ("a.jpg", "jpeg"), ("a.tif", "tiff")])
def test_a_type_that_is_only_read_becomes_what_its_results_name_says(
    tmp_path: Path, name: str, becomes: str
) -> None:
    Image.fromarray(noise((20, 30, 3))).save(tmp_path / name, "BMP")
    assert as_result(read_photo(tmp_path / name), OutputConfig()).format == becomes


@pytest.mark.parametrize("wanted", ["jpeg", "png", "tiff", "webp", "avif"])
def test_profile_and_orientation_go_into_every_type(
    make_jpeg: PhotoMaker, tmp_path: Path, wanted: str
) -> None:
    photo = read_photo(make_jpeg())
    write_photo(as_result(photo, OutputConfig(format=wanted)), tmp_path / "result")
    again = read_photo(tmp_path / "result")
    assert again.format == wanted
    assert again.metadata.icc == ICC
    assert again.orientation == (1 if wanted == "avif" else 6)  # an AVIF is written upright


def test_a_tiffs_tags_become_exif_in_a_jpeg(make_tiff: PhotoMaker, tmp_path: Path) -> None:
    write_photo(as_result(read_photo(make_tiff()), OutputConfig(format="jpeg")), tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as image:
        exif = image.getexif()
        assert (exif[305], exif[315], exif[274]) == ("a program", "somebody", 6)
        assert 256 not in exif
        assert image.info["xmp"] == b"x" * 40


def test_the_bit_depth_can_be_chosen(make_png: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_png())
    deep = as_result(photo, OutputConfig(bit_depth=16))
    assert np.array_equal(deep.pixels, photo.pixels.astype(np.uint16) * 257)
    write_photo(deep, tmp_path / "deep.png")
    found = read_photo(tmp_path / "deep.png")
    assert found.bit_depth == 16
    assert found.metadata == photo.metadata
    assert np.array_equal(as_result(found, OutputConfig(bit_depth=8)).pixels, photo.pixels)


def test_16_bits_are_refused_where_they_do_not_fit(make_jpeg: PhotoMaker) -> None:
    with pytest.raises(UnsupportedPhotoError, match="cannot hold 16 bits"):
        as_result(read_photo(make_jpeg()), OutputConfig(bit_depth=16))


@pytest.mark.parametrize(("kind", "longest"), [("jpeg", 65_500), ("webp", 16_383), ("avif", 32_768)])
def test_a_photo_too_long_for_a_type_is_refused_and_the_longest_is_written(
    make_png: PhotoMaker, tmp_path: Path, kind: Any, longest: int
) -> None:
    output = OutputConfig(format=kind)
    with pytest.raises(UnsupportedPhotoError, match=f"at most {longest}"):
        as_result(read_photo(make_png(picture=Image.fromarray(noise((8, longest + 1, 3))))), output)
    write_photo(
        as_result(read_photo(make_png(picture=Image.fromarray(noise((8, longest, 3))))), output),
        tmp_path / "a",
    )
    assert sorted(read_photo(tmp_path / "a").pixels.shape) == [3, 8, longest]


def test_the_jpeg_quality_can_be_chosen(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg(quality=95))
    write_photo(as_result(photo, OutputConfig(jpeg_quality=40)), tmp_path / "result.jpg")
    make_jpeg("expected.jpg", quality=40)
    with Image.open(tmp_path / "result.jpg") as image, Image.open(tmp_path / "expected.jpg") as expected:
        assert vars(image)["quantization"] == vars(expected)["quantization"]
        assert image.info["icc_profile"] == ICC


def test_stripped_photos_keep_profile_and_orientation_alone(
    make_jpeg: PhotoMaker, make_png: PhotoMaker, make_tiff: PhotoMaker, tmp_path: Path
) -> None:
    for path in (make_jpeg(comment=b"secret"), make_png(), make_tiff()):
        photo = read_photo(path)
        write_photo(as_result(photo, OutputConfig(strip_metadata=True)), tmp_path / "result")
        data = (tmp_path / "result").read_bytes()
        assert not any(word in data for word in (b"secret", b"somebody", b"any bytes behind", b"a program"))
        again = read_photo(tmp_path / "result")
        assert (again.orientation, again.metadata.icc) == (6, ICC)
        if path.suffix != ".jpg":
            assert np.array_equal(again.pixels, photo.pixels)


def test_transparency_is_not_dropped_for_jpeg(make_png: PhotoMaker) -> None:
    photo = read_photo(make_png(picture=Image.fromarray(noise((9, 9, 4)))))
    with pytest.raises(UnsupportedPhotoError, match="transparency"):
        as_result(photo, OutputConfig(format="jpeg"))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_transparency_that_is_nowhere_keeps_nothing_from_being_a_jpeg(tmp_path: Path, dtype: type) -> None:
    samples = noise((20, 30, 4), dtype)
    samples[..., 3] = np.iinfo(dtype).max
    (tmp_path / "photo.png").write_bytes(imagecodecs.png_encode(samples))
    photo = as_result(read_photo(tmp_path / "photo.png"), OutputConfig(format="jpeg"))
    assert photo.format == "jpeg"
    assert photo.alpha is None


def test_a_float_tiff_is_linear_light_and_comes_back_with_its_highlights(
    make_tiff: PhotoMaker, tmp_path: Path
) -> None:
    samples = np.random.default_rng(0).uniform(-0.01, 1, (50, 70, 3)).astype(np.float32)
    samples[3, 4] = 6.5
    photo = read_photo(make_tiff(samples=samples, compression="zlib"))
    assert photo.linear
    assert np.array_equal(photo.pixels, samples)
    write_photo(from_working(to_working(photo), photo), tmp_path / "result.tif")
    found = tifffile.imread(tmp_path / "result.tif")
    assert found.dtype == np.float32
    assert np.allclose(found, samples, rtol=3e-6, atol=1e-8)


def test_a_float_tiff_becomes_nothing_else(make_tiff: PhotoMaker) -> None:
    photo = read_photo(make_tiff(samples=np.ones((9, 9, 3), np.float32)))
    with pytest.raises(UnsupportedPhotoError, match="linear light"):
        as_result(photo, OutputConfig(format="png"))


def test_the_curve_is_srgbs_and_goes_on_above_white_and_below_black() -> None:
    light = np.array([-0.002, 0.0, 0.001, 0.18, 1.0, 4.0], np.float32)
    encoded = encode_light(light)
    assert encoded[[1, 3, 4]].tolist() == pytest.approx([0.0, 0.4614, 1.0], abs=1e-4)
    assert encoded[5] > 1.8
    assert np.allclose(decode_light(encoded), light, rtol=2e-6, atol=0)


@pytest.mark.parametrize("wanted", ["jpeg", "tiff", "webp", "avif", "jxl"])
@pytest.mark.parametrize("xmp", [False, True])
def test_a_pngs_words_become_xmp_in_other_types(
    make_png: PhotoMaker, tmp_path: Path, wanted: str, xmp: bool
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "Größe <1 & 2>")
    text.add_itxt("Author", "日本", zip=True)
    text.add_text("Description", "zz" * 50, zip=True)
    text.add_text("Copyright", "ours")
    text.add_text("Software", "a program")
    if xmp:
        text.add_itxt("XML:com.adobe.xmp", XMP)
    path = make_png(pnginfo=text, icc_profile=None)
    ready = as_result(read_photo(path), OutputConfig(format=wanted))
    assert ready.notes == ()
    write_photo(ready, tmp_path / "result")
    packet = read_packet(read_photo(tmp_path / "result").metadata.xmp)
    assert packet is not None
    said = {each.name: packet.text(each).decode() for each in packet.properties}
    words = {
        "title": "Größe &lt;1 &amp; 2&gt;",
        "creator": "日本",
        "description": "zz" * 50,
        "rights": "ours",
    }
    assert all(f">{word}</rdf:li>" in said[name] for name, word in words.items())
    assert ("source" in said) is xmp


@pytest.mark.parametrize(
    ("keyword", "words"), [("Comment", "hm"), ("Title", "another"), ("Author", "a \x02 in it")]
)
def test_text_without_a_place_is_named_where_it_stays_behind(
    make_png: PhotoMaker, tmp_path: Path, keyword: str, words: str
) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a title")
    text.add_text(keyword, words)
    photo = read_photo(make_png(pnginfo=text))
    assert as_result(photo, OutputConfig(format="jpeg")).notes == ("left behind: its text",)
    assert as_result(photo, OutputConfig()).notes == ()
    assert as_result(photo, OutputConfig(strip_metadata=True)).notes == ()
    write_photo(as_result(photo, OutputConfig()), tmp_path / "result.png")
    with Image.open(tmp_path / "result.png") as image:
        assert image.info[keyword] == words


@pytest.mark.parametrize(
    ("source", "wanted", "expected"),
    [
        (".JPG", "preserve", ".JPG"),
        (".heic", "preserve", ".jpg"),
        (".NEF", "preserve", ".dng"),
        (".dng", "preserve", ".dng"),
        (".NEF", "tiff", ".tif"),
        (".tiff", "tiff", ".tiff"),
        (".jpg", "avif", ".avif"),
        (".txt", "preserve", ".txt"),
    ],
)
def test_results_get_the_ending_of_their_type(source: str, wanted: str, expected: str) -> None:
    assert result_suffix(source, wanted) == expected


def test_sidecars_are_copied_by_the_results_name_and_never_replaced(tmp_path: Path) -> None:
    source, target = tmp_path / "a.nef", tmp_path / "out" / "a_clean.dng"
    target.parent.mkdir()
    for path in (source, target):
        path.write_bytes(b"photo")
    (tmp_path / "a.xmp").write_bytes(b"stars")
    (tmp_path / "a.nef.xmp").write_bytes(b"darktable")
    (target.parent / "a_clean.xmp").write_bytes(b"later")
    with with_companions(source, target):
        assert (target.parent / "a_clean.dng.xmp").exists()
    assert (target.parent / "a_clean.xmp").read_bytes() == b"later"
    assert (target.parent / "a_clean.dng.xmp").read_bytes() == b"darktable"


def test_sidecars_of_darktables_duplicates_are_copied_in_their_form(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "out" / "a_clean.png"
    target.parent.mkdir()
    for name in ("a.jpg", "a.jpg.xmp", "a_01.jpg.xmp", "a_12.jpg.xmp", "a_02.jpg", "a_02.jpg.xmp"):
        (tmp_path / name).write_text(name)
    with with_companions(source, target):
        target.write_bytes(b"photo")
    copied = {path.name: path.read_text() for path in target.parent.glob("*.xmp")}
    assert copied == {  # the second is that of another photo
        "a_clean.png.xmp": "a.jpg.xmp",
        "a_clean_01.png.xmp": "a_01.jpg.xmp",
        "a_clean_12.png.xmp": "a_12.jpg.xmp",
    }


def test_a_name_too_long_for_a_sidecar_is_no_error(tmp_path: Path) -> None:
    name = "a" * 249 + ".jpg"
    (tmp_path / "out").mkdir()
    for path in (tmp_path / name, tmp_path / "out" / name):
        path.write_bytes(b"photo")
    with with_companions(tmp_path / name, tmp_path / "out" / name):
        pass
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]

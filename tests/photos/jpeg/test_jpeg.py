"""JPEG: what surrounds the picture survives byte for byte, and the picture is coded as it was."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photo_samples import EXIF_ORIENTATION_6, ICC, PhotoMaker, noise, smooth
from PIL import Image, JpegImagePlugin

from lgbpn_cli.errors import PhotoReadError, UnsupportedPhotoError
from lgbpn_cli.photos.jpeg import encode
from lgbpn_cli.photos.metadata.xmp_packet import read_packet
from lgbpn_cli.photos.read import read_photo
from lgbpn_cli.photos.tiff.directory import read_directory
from lgbpn_cli.photos.write import write_photo


def coding(path: Path) -> tuple[object, ...]:
    """What Pillow says about how the picture is coded."""
    image: Any
    with Image.open(path) as image:
        tables = [image.quantization[part[3]] for part in image.layer]
        factors = [part[1:3] for part in image.layer]
        return image.size, image.mode, tables, factors, bool(image.info.get("progressive"))


def segments(path: Path) -> list[tuple[str, bytes]]:
    image: Any
    with Image.open(path) as image:
        return list(image.applist)


def is_exif_with_another_thumbnail(new: tuple[str, bytes], old: tuple[str, bytes]) -> bool:
    begin = old[1][:100]
    return begin.startswith(b"Exif") and new[1].startswith(begin) and b"\xff\xd8" in old[1]


def test_the_thumbnail_is_the_results(data_root: Path, tmp_path: Path) -> None:
    source = data_root / "phone-highiso/Olympus_PEN_E-P3.jpg"
    write_photo(read_photo(source), tmp_path / "result.jpg")
    old, new = read_photo(source).metadata.exif, read_photo(tmp_path / "result.jpg").metadata.exif
    assert old is not None
    assert new is not None
    assert read_directory(io.BytesIO(old), len(old)).next_offset > 0
    place = read_directory(io.BytesIO(new), len(new)).next_offset
    assert place > 0
    assert new[-2:] == b"\xff\xd9"
    with Image.open(source) as before, Image.open(tmp_path / "result.jpg") as after:
        assert dict(after.getexif()) == dict(before.getexif())


def test_every_real_camera_file_keeps_all_segments_and_its_coding(data_root: Path, tmp_path: Path) -> None:
    names = [
        "phone-highiso/Olympus_PEN_E-P3.jpg",
        "phone-highiso/canon_hdr_YES.jpg",
        "odd/modes/hopper_gray.jpg",
    ]
    sources = [data_root / name for name in names] + sorted(
        (data_root / "odd/exif_orientation").glob("*.jpg")
    )
    for source in sources:
        target = tmp_path / "result.jpg"
        write_photo(read_photo(source), target)
        kept = zip(segments(target), segments(source), strict=True)
        changed = [each for each in kept if each[0] != each[1] and not is_exif_with_another_thumbnail(*each)]
        assert changed == [], source
        assert coding(target) == coding(source), source


def test_orientation_is_read_and_the_pixels_stay_as_stored(data_root: Path) -> None:
    for source in (data_root / "odd/exif_orientation").glob("*.jpg"):
        photo = read_photo(source)
        with Image.open(source) as image:
            assert photo.orientation == (image.getexif().get(274) or 1)  # one file says 0
            assert np.array_equal(photo.pixels, np.asarray(image))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_subsampling_tables_and_progressive_flag_stay(
    make_jpeg: PhotoMaker, tmp_path: Path, subsampling: str, progressive: bool
) -> None:
    source = make_jpeg(subsampling=subsampling, progressive=progressive, quality=83)
    target = tmp_path / "result.jpg"
    write_photo(read_photo(source), target)
    assert coding(target) == coding(source)
    assert segments(target) == segments(source)


def test_a_grey_photo_stays_grey(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg(mode="L"))
    assert photo.pixels.shape == (50, 70, 1)
    write_photo(photo, tmp_path / "result.jpg")
    assert coding(tmp_path / "result.jpg") == coding(photo.path)


def test_three_different_tables_stay_three(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(qtables=[[3] * 64, [5] * 64, [7] * 64])
    write_photo(read_photo(source), tmp_path / "result.jpg")
    assert coding(tmp_path / "result.jpg") == coding(source)


def test_one_table_for_all_stays_one(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(qtables=[list(range(1, 65))])
    write_photo(read_photo(source), tmp_path / "result.jpg")
    image: Any
    with Image.open(tmp_path / "result.jpg") as image:
        assert list(image.quantization) == [0]
    assert coding(tmp_path / "result.jpg") == coding(source)


def test_a_jpeg_stored_as_rgb_stays_so_and_keeps_its_colours(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(keep_rgb=True, quality=98)
    photo = read_photo(source)
    target = tmp_path / "result.jpg"
    write_photo(photo, target)
    assert segments(target) == segments(source)
    image: Any
    with Image.open(target) as image:
        assert [part[0] for part in image.layer] == list(b"RGB")
        assert np.abs(np.asarray(image).astype(int) - photo.pixels).mean() < 1


def test_an_adobe_marker_that_says_ycbcr_is_kept(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(exif=b"", icc_profile=None)
    data = source.read_bytes()
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"
    end_of_jfif = 4 + int.from_bytes(data[4:6], "big")
    source.write_bytes(data[:2] + adobe + data[end_of_jfif:])  # in place of JFIF
    photo = read_photo(source)
    write_photo(photo, tmp_path / "result.jpg")
    assert segments(tmp_path / "result.jpg") == segments(source) == [("APP14", adobe[4:])]
    with Image.open(tmp_path / "result.jpg") as image:
        assert np.abs(np.asarray(image).astype(int) - photo.pixels).mean() < 1


def test_colour_sampling_the_encoder_does_not_know_becomes_full_colour(
    make_jpeg: PhotoMaker, tmp_path: Path
) -> None:
    source = make_jpeg(subsampling="4:2:2", size=(64, 64))
    data = bytearray(source.read_bytes())
    start_of_frame = data.index(b"\xff\xc0")
    data[start_of_frame + 11] = 0x12  # 2 down instead of 2 across: as many blocks in a square picture
    source.write_bytes(data)
    write_photo(read_photo(source), tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as image:
        assert JpegImagePlugin.get_sampling(image) == 0


def test_the_coarsest_tables_are_written_as_any_decoder_knows_them(
    make_jpeg: PhotoMaker, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = make_jpeg(quality=50, qtables=[[20] + [300] * 63, [90] + [999] * 63])
    capfd.readouterr()
    write_photo(read_photo(source), tmp_path / "result.jpg")
    assert coding(tmp_path / "result.jpg")[2] == [[20] + [255] * 63, *2 * [[90] + [255] * 63]]
    assert capfd.readouterr() == ("", "")  # libjpeg would complain about tables of 16 bits


def test_untouched_pixels_hardly_change(data_root: Path, tmp_path: Path) -> None:
    photo = read_photo(data_root / "phone-highiso/Olympus_PEN_E-P3.jpg")
    write_photo(photo, tmp_path / "result.jpg")
    again = read_photo(tmp_path / "result.jpg")
    assert np.sqrt(np.mean((again.pixels.astype(float) - photo.pixels) ** 2)) < 1.5


def test_changed_pixels_are_what_is_written(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    photo = read_photo(make_jpeg())
    write_photo(replace(photo, pixels=255 - photo.pixels), tmp_path / "result.jpg")
    again = read_photo(tmp_path / "result.jpg")
    assert np.abs(again.pixels.astype(int) - (255 - photo.pixels.astype(int))).mean() < 2


@pytest.mark.parametrize("progressive", [False, True])
def test_the_busiest_picture_at_the_finest_tables_can_be_written(
    make_jpeg: PhotoMaker, tmp_path: Path, capfd: pytest.CaptureFixture[str], progressive: bool
) -> None:
    photo = read_photo(
        make_jpeg(size=(400, 400), qtables=[[1] * 64], subsampling="4:4:4", progressive=progressive)
    )
    checkered = np.where(noise(photo.pixels.shape) < 128, 0, 255).astype(np.uint8)
    write_photo(replace(photo, pixels=checkered), tmp_path / "result.jpg")
    assert np.abs(read_photo(tmp_path / "result.jpg").pixels.astype(int) - checkered).mean() < 2
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "grey"])
def test_large_pictures_do_without_codes_of_their_own_and_are_coded_band_by_band(
    make_jpeg: PhotoMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subsampling: str
) -> None:
    grey = subsampling == "grey"
    photo = read_photo(
        make_jpeg("L" if grey else "RGB", size=(301, 827), subsampling=0 if grey else subsampling)
    )
    write_photo(photo, tmp_path / "own.jpg")
    monkeypatch.setattr(encode, "MOST_WITH_OWN_CODES_PX", 301 * 827 - 1)
    write_photo(photo, tmp_path / "usual.jpg")
    own, usual = (read_photo(tmp_path / f"{name}.jpg") for name in ("own", "usual"))
    assert usual.notes == usual.damage == ()
    assert np.array_equal(own.pixels, usual.pixels)
    assert (tmp_path / "own.jpg").stat().st_size < (tmp_path / "usual.jpg").stat().st_size
    with Image.open(tmp_path / "usual.jpg") as image:  # by another decoder
        assert np.array_equal(np.asarray(image), usual.pixels.squeeze())


def test_exif_icc_and_long_metadata_survive_byte_for_byte(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg(icc_profile=ICC * 200, comment=b"a comment")  # a profile over several segments
    photo = read_photo(source)
    assert photo.orientation == 6
    write_photo(photo, tmp_path / "result.jpg")
    with Image.open(tmp_path / "result.jpg") as image:
        assert image.info["exif"] == b"Exif\0\0" + EXIF_ORIENTATION_6
        assert image.info["icc_profile"] == ICC * 200
        assert image.info["comment"] == b"a comment"


def test_damaged_metadata_is_carried_along_and_does_not_stop_the_photo(
    make_jpeg: PhotoMaker, tmp_path: Path
) -> None:
    source = make_jpeg()
    data = source.read_bytes()
    broken = b"Exif\0\0II*\0\xff\xff\xff\x7f"
    segment = b"\xff\xe1" + (len(broken) + 2).to_bytes(2, "big") + broken
    mpf = b"\xff\xe2\x00\x0aMPF\0MM\0*"
    source.write_bytes(data[:2] + segment + mpf + data[2:])
    photo = read_photo(source)
    assert photo.orientation == 1
    write_photo(photo, tmp_path / "result.jpg")
    assert segment + mpf in (tmp_path / "result.jpg").read_bytes()


def test_further_pictures_stay_reachable_when_the_first_changes_its_size(tmp_path: Path) -> None:
    source, target = tmp_path / "two.jpg", tmp_path / "result.jpg"
    first, second = Image.fromarray(noise((60, 80, 3))), Image.fromarray(smooth(40, 50))
    first.save(source, "MPO", save_all=True, append_images=[second])
    photo = read_photo(source)
    write_photo(replace(photo, pixels=smooth(60, 80)), target)
    assert target.stat().st_size < source.stat().st_size
    image: Any
    pictures = []
    for path in (source, target):
        with Image.open(path) as image:
            assert image.n_frames == 2
            image.seek(1)
            pictures.append(np.asarray(image))
    assert np.array_equal(*pictures)


def test_bytes_behind_the_picture_are_kept(make_jpeg: PhotoMaker, tmp_path: Path) -> None:
    source = make_jpeg()
    source.write_bytes(source.read_bytes() + b"a phone's film")
    write_photo(read_photo(source), tmp_path / "result.jpg")
    assert (tmp_path / "result.jpg").read_bytes().endswith(b"\xff\xd9a phone's film")


@pytest.mark.parametrize("progressive", [False, True])
def test_every_truncation_is_an_error(make_jpeg: PhotoMaker, progressive: bool) -> None:
    path = make_jpeg(size=(40, 40), progressive=progressive)
    data = path.read_bytes()
    for length in [*range(len(data) - 40, len(data)), *range(4, len(data), 37)]:
        path.write_bytes(data[:length])
        with pytest.raises(PhotoReadError):
            read_photo(path)


def test_a_whole_file_with_damaged_tables_is_an_error_of_one_line(make_jpeg: PhotoMaker) -> None:
    path = make_jpeg()
    data = bytearray(path.read_bytes())
    first_table = data.index(b"\xff\xc4") + 5
    data[first_table : first_table + 16] = b"\xff" * 16
    path.write_bytes(data)
    with pytest.raises(PhotoReadError, match="its picture cannot be decoded"):
        read_photo(path)


def test_cmyk_is_refused_by_name(data_root: Path) -> None:
    for source in (data_root / "odd/cmyk").glob("*.jpg"):
        with pytest.raises(UnsupportedPhotoError, match="CMYK"):
            read_photo(source)


def test_a_picture_above_pillows_own_limit_is_read_without_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    Image.new("L", (9600, 9600), 100).save(path, quality=30)
    photo = read_photo(path)
    assert photo.megapixels == pytest.approx(92.16)
    assert abs(int(photo.pixels[-1, -1, 0]) - 100) < 3


@pytest.mark.parametrize(("place", "value"), [(9, 0), (11, 0x01), (11, 0x50)])
def test_a_header_without_components_or_sampling_is_named(
    make_jpeg: PhotoMaker, place: int, value: int
) -> None:
    source = make_jpeg(progressive=True)
    data = bytearray(source.read_bytes())
    data[data.index(b"\xff\xc2") + place] = value
    source.write_bytes(data)
    with pytest.raises(PhotoReadError, match=r"header is cut off|sampling makes no sense"):
        read_photo(source)


def test_two_packets_of_xmp_are_one_in_other_types(make_jpeg: PhotoMaker) -> None:
    def packet(attributes: str) -> bytes:
        inner = f'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" {attributes}/>'
        begin = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        return f"{begin}{inner}</rdf:RDF></x:xmpmeta>".encode()

    source = make_jpeg(xmp=packet('xmp:Rating="3"'))
    second = b"http://ns.adobe.com/xap/1.0/\0" + packet('xmp:Rating="5" xmp:Label="owl"')
    data = source.read_bytes()
    place = data.index(b"\xff\xdb")  # behind the other segments
    source.write_bytes(
        data[:place] + b"\xff\xe1" + (len(second) + 2).to_bytes(2, "big") + second + data[place:]
    )
    xmp = read_photo(source).metadata.xmp or b""
    assert read_packet(xmp) is not None
    assert (xmp.count(b'Rating="3"'), xmp.count(b"Rating"), xmp.count(b"owl")) == (1, 1, 1)

"""What reading pictures promises: any kind of portrait comes out as it is meant to be seen, or is refused
in words before it costs anything."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from studio.errors import BadInput, StorageFailed
from studio.video.pictures import fitted, is_picture, jpeg_bytes, note_of, read_picture, write_png
from tests.audio_files import megabytes_used
from tests.small_disk import said_under_a_limit, tiny_disk
from tests.video_files import BLUE, GREEN, GREY, RED, flat, halves, near


def saved(path: Path, image: Image.Image, kind: str | None = None, **options: object) -> Path:
    image.save(path, kind, **options)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_kind_of_file_is_read_alike_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path / "picture.txt", Image.fromarray(halves()), kind)
    picture = read_picture(path)
    assert (picture.shape, picture.dtype) == ((64, 96, 3), np.uint8)
    assert near(picture[50, 50], BLUE)
    assert near(picture[10, 80], RED)
    assert near(picture[10, 10], GREEN)
    assert picture.flags.writeable
    assert is_picture(path)
    assert note_of(path) == ()


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "PNG"), ("1", "PNG"), ("P", "PNG"), ("P", "GIF"), ("LA", "PNG"), ("I;16", "PNG"), ("F", "TIFF"),
     ("I;16", "TIFF"), ("I", "TIFF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("RGBA", "WEBP")],
)  # fmt: skip
def test_every_mode_of_colour_becomes_rgb(tmp_path: Path, mode: str, kind: str) -> None:
    black_and_grey = np.zeros((64, 96, 3), np.uint8)
    black_and_grey[32:] = (255, 255, 255) if mode == "1" else GREY
    image = Image.fromarray(black_and_grey)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.float32) / 255)
    elif mode == "P":
        image = image.quantize(16)
    else:
        image = image.convert(mode)
    assert image.mode == mode
    picture = read_picture(saved(tmp_path / "a", image, kind))
    assert picture.shape == (64, 96, 3)
    assert near(picture[5, 50], (0, 0, 0))
    assert near(picture[60, 50], black_and_grey[60, 50])


def test_sixteen_bits_a_channel_become_eight(tmp_path: Path) -> None:
    bgr = halves()[..., ::-1].astype(np.uint16) * 257
    assert cv2.imwrite(str(tmp_path / "a.png"), bgr)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png"), halves())


def test_inks_become_colours(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", Image.fromarray(halves()).convert("CMYK"), "JPEG", quality=95)
    assert near(read_picture(path)[50, 50], BLUE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_what_is_transparent_lies_over_white(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(np.dstack([halves(), np.full((64, 96), 255, np.uint8)]))
    image.paste((0, 0, 0, 0), (0, 32, 96, 64))
    picture = read_picture(saved(tmp_path / "a", image, kind))
    assert near(picture[50, 50], (255, 255, 255))
    assert near(picture[10, 80], RED)


def test_half_transparent_is_half_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([flat((0, 0, 0)), np.full((64, 96), 128, np.uint8)]))
    assert near(read_picture(saved(tmp_path / "a.png", image))[0, 0], (127, 127, 127), 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_picture(tmp_path: Path, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    undone = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[orientation]  # what takes it back
    lying = Image.fromarray(halves())
    lying.getexif()[0x0112] = undone
    lying = ImageOps.exif_transpose(lying)
    picture = read_picture(saved(tmp_path / "a", lying, kind, exif=exif))
    assert picture.shape == (64, 96, 3)
    assert near(picture[50, 50], BLUE, 20)
    assert near(picture[10, 80], RED, 20)
    assert near(picture[10, 10], GREEN, 20)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_exif_that_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    for exif in (
        b"Exif\0\0nonsense",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12",
    ):
        path = saved(tmp_path / "a.jpg", Image.fromarray(halves()), exif=exif)
        assert near(read_picture(path)[10, 10], GREEN)


def with_primaries_swapped() -> bytes:
    """A profile in which red and green have changed places."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert profile.count(b"rXYZ") == profile.count(b"gXYZ") == 1
    swapped = profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
    return swapped.replace("sRGB".encode("utf-16-be"), "Mine".encode("utf-16-be"))


def test_colours_are_taken_to_srgb(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.fromarray(flat(RED)), icc_profile=with_primaries_swapped())
    assert near(read_picture(path)[0, 0], (RED[1], RED[0], RED[2]), 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_that_is_damaged_or_of_another_kind_is_passed_over(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(flat(GREY)).convert(mode)
    for profile in (b"nonsense", with_primaries_swapped()[:200]):
        path = saved(tmp_path / "a", image, "TIFF" if mode == "CMYK" else "PNG", icc_profile=profile)
        assert near(read_picture(path)[0, 0], GREY)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_frame_is_read_and_that_is_said(tmp_path: Path, kind: str) -> None:
    first, second = Image.fromarray(flat(RED)), Image.fromarray(flat(BLUE))
    path = saved(tmp_path / "a", first, kind, save_all=True, append_images=[second, first], duration=100)
    assert near(read_picture(path)[5, 5], RED)
    assert any("first frame" in note for note in note_of(path))


def test_of_several_pages_the_first_is_read_and_that_is_said(tmp_path: Path) -> None:
    first, second = Image.fromarray(flat(RED)), Image.fromarray(flat(BLUE))
    path = saved(tmp_path / "a", first, "TIFF", save_all=True, append_images=[second])
    assert near(read_picture(path)[5, 5], RED)
    assert any("pages" in note for note in note_of(path))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_scaled_down_and_that_is_said(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path / "a", Image.fromarray(halves(3000, 1200)), kind)
    picture = read_picture(path, max_side=1000)
    assert picture.shape == (400, 1000, 3)
    assert near(picture[300, 500], BLUE)
    assert near(picture[10, 900], RED)
    assert any("longer side has 1000 pixels" in note for note in note_of(path, max_side=1000))
    assert note_of(path) == ()


@pytest.mark.parametrize("size", [(40, 40), (63, 500), (500, 63), (1, 1)])
def test_too_small_is_refused_with_the_remedy(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", size))
    with pytest.raises(BadInput, match="too small") as caught:
        read_picture(path)
    assert "64 pixels" in caught.value.hint
    with pytest.raises(BadInput, match="too small"):
        note_of(path)


def test_a_strip_that_would_be_scaled_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="narrow strip"):
        read_picture(saved(tmp_path / "a.png", Image.new("L", (70, 9000))))


def claiming(kind: str, width: int, height: int) -> bytes:
    """A small file whose header claims a large picture."""
    content = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(halves()).save(content, kind, **options)
    data = bytearray(content.getvalue())
    if kind == "PNG":
        header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        data[12:33] = header + struct.pack(">I", zlib.crc32(header))
    elif kind == "JPEG":
        at = data.index(b"\xff\xc0")
        data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind == "BMP":
        data[18:26] = struct.pack("<ii", width, height)
    else:
        at = data.index(b"VP8L") + 9
        data[at : at + 4] = struct.pack("<I", (width - 1) | (height - 1) << 14)
    return bytes(data)


@pytest.mark.parametrize("size", [(8000, 6400), (16_000, 16_000)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_more_than_fifty_million_pixels_are_refused(
    tmp_path: Path, kind: str, size: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(claiming(kind, *size))
    with pytest.raises(BadInput, match="more than 50 million pixels") as caught:
        read_picture(path)
    assert "Scale it down" in caught.value.hint
    assert is_picture(path)


def test_they_are_refused_before_anything_is_decoded(tmp_path: Path) -> None:
    paths = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        paths.append(tmp_path / kind)
        paths[-1].write_bytes(claiming(kind, 16_000, 16_000))
    code = """
        import pathlib, sys
        from PIL import Image
        from studio.errors import BadInput
        from studio.video.pictures import note_of, read_picture
        Image.init()
        def work():
            for path in sys.argv[1:]:
                for use in read_picture, note_of:
                    try:
                        use(pathlib.Path(path))
                    except BadInput as error:
                        assert "million pixels" in str(error)
                    else:
                        raise AssertionError(path)
    """
    grown, _ = megabytes_used(code, *paths)
    assert grown < 30  # one row of pictures of 256 million pixels decoded would be 768


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"I am a text file.\n" * 20, "not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "HEIC"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='99' height='99'/>", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "portrait.png"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=said) as caught:
        read_picture(path)
    assert caught.value.hint
    assert "portrait.png" in caught.value.message
    assert not is_picture(path)


def test_what_is_no_file_is_refused_in_words(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.png", tmp_path, Path("a\0b")):
        with pytest.raises(BadInput, match=r"picture|not a file"):
            read_picture(path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    path = saved(tmp_path / "a", Image.fromarray(noise), kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(BadInput, match=r"damaged|not a picture") as caught:
        read_picture(path)
    assert caught.value.hint


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_bytes_that_flip_are_read_or_refused_and_nothing_else(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(7)
    exif = Image.Exif()
    exif[0x0112] = 6
    options: dict[str, object] = {} if kind in ("GIF", "BMP") else {"exif": exif}
    path = saved(tmp_path / "a", Image.fromarray(halves()), kind, **options)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    read = 0
    for _ in range(80):
        flipped = whole.copy()
        flipped[rng.integers(0, min(len(whole), 400))] = rng.integers(0, 256)
        path.write_bytes(flipped.tobytes())
        with contextlib.suppress(BadInput):
            note_of(path)
            read += read_picture(path).shape[2] == 3
    assert read > 0


def test_fitting_takes_the_mean_and_makes_sides_even() -> None:
    stripes = np.zeros((200, 301, 3), np.uint8)
    stripes[::2] = 200
    small = fitted(stripes, 100)
    assert small.shape == (100, 150, 3)
    assert np.abs(small.astype(int) - 100).max() <= 1
    assert fitted(stripes, 720).shape == (200, 300, 3)
    np.testing.assert_array_equal(fitted(stripes, 720), stripes[:, :300])
    assert fitted(flat(RED, 101, 67), 67).shape == (66, 100, 3)


def test_a_png_is_read_back_as_it_was(tmp_path: Path) -> None:
    write_png(halves(), tmp_path / "new" / "a.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "new" / "a.png"), halves())


def test_a_preview_is_a_small_jpeg() -> None:
    with Image.open(io.BytesIO(jpeg_bytes(halves(1000, 500), 200))) as image:
        assert (image.format, image.size) == ("JPEG", (200, 100))
        assert near(image.getpixel((100, 75)), BLUE)
    with Image.open(io.BytesIO(jpeg_bytes(halves()))) as image:
        assert image.size == (96, 64)


def test_a_full_disk_leaves_no_half_png() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8)
    with tiny_disk() as disk:
        with pytest.raises(StorageFailed, match="disk is full"):
            write_png(noise, disk / "a.png")
        assert list(disk.iterdir()) == []


def test_a_file_too_large_for_the_account_is_no_half_png(tmp_path: Path) -> None:
    code = """
import sys, pathlib, numpy as np
from studio.errors import StorageFailed
from studio.video.pictures import write_png
path = pathlib.Path(sys.argv[1])
try:
    write_png(np.random.default_rng(0).integers(0, 255, (600, 600, 3), dtype=np.uint8), path)
except StorageFailed as error:
    print(len(list(path.parent.iterdir())), error)
"""
    assert said_under_a_limit(code, tmp_path / "a.png").startswith("0 ")

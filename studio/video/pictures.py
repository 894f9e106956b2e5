"""Reading pictures of any kind as RGB, judged by their headers first; writing previews."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from studio.audio.opening import open_file, shown
from studio.errors import BadInput
from studio.files import publishing, storage_errors
from studio.video.types import Picture

if TYPE_CHECKING:
    from PIL import Image

#: What is decoded at all. Pillow knows some forty more kinds, of printers and games, that nobody keeps a
#: portrait in and that only add code an upload could attack.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
KINDS = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

MAX_PIXELS = 50_000_000
MIN_SIDE = 64  # no face is found on less
MAX_BYTES = 200_000_000
MAX_SIDE = 4096  # to which larger pictures are scaled down

#: What Pillow's readers raise on damaged files.
_FAULTS = (
    *(
        OSError,
        SyntaxError,
        ValueError,
        TypeError,
        LookupError,
        EOFError,
        ArithmeticError,
        AttributeError,
    ),
    *(RuntimeError, AssertionError, MemoryError, struct.error, zlib.error),
)


class NoPicture(BadInput):
    """A file that is no picture of any kind that is known here."""


def read_picture(path: Path, max_side: int = MAX_SIDE) -> Picture:
    """The picture in `path` as it is meant to be seen, RGB.

    It is turned as its EXIF says, its colours are taken to sRGB, what is transparent is laid over white; of
    an animation it is the first frame. One with a side over `max_side` pixels is scaled down, a JPEG while
    it is decoded. Raises BadInput, before decoding where the header tells, for what is missing, empty, no
    picture (NoPicture), damaged, over MAX_PIXELS or MAX_BYTES, or smaller than MIN_SIDE.
    """
    name = shown(path)
    with _opened(path, max_side) as image:
        try:
            # A JPEG can be decoded at half its size or less, which is quicker and takes less memory.
            image.draft(None, _within(image.size, max_side))
            image.load()
            _turn(image)
            scaled = _scaled(_opaque(image), max_side)
            return np.array(_in_srgb(scaled, image.info.get("icc_profile")))
        except _FAULTS as error:
            raise _damaged(name) from error


def note_of(path: Path, max_side: int = MAX_SIDE) -> tuple[str, ...]:
    """What a person should know of how `read_picture` reads `path`, in sentences; mostly nothing. Reads
    the header only and raises BadInput as `read_picture` does."""
    notes = []
    with _opened(path, max_side) as image:
        if max(image.size) > max_side:
            notes.append(f"The picture is scaled down until its longer side has {max_side} pixels.")
        try:
            more = bool(getattr(image, "is_animated", False))
        except _FAULTS:  # the first frame may be whole all the same
            more = False
        if more and image.format in ("GIF", "WEBP", "PNG", "AVIF"):
            notes.append("The file is an animation: only its first frame is used.")
        elif more and image.format == "TIFF":
            notes.append("The file has several pages: only the first one is used.")
    return tuple(notes)


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height that the header of `path` tells, before EXIF turns it. Raises BadInput as
    `read_picture` does."""
    with _opened(path, MAX_SIDE) as image:
        return image.size


def is_picture(path: Path) -> bool:
    """Whether `path` begins as a picture of a kind that `read_picture` knows; raises BadInput where it
    cannot be opened at all."""
    from PIL import Image

    _load_readers()
    with open_file(path, "picture") as file:
        try:
            with Image.open(file, formats=_FORMATS):
                return True
        except Image.DecompressionBombError:
            return True
        except _FAULTS:
            return False


def is_heif(file: BinaryIO) -> bool:
    """Whether `file` is a picture in a video's container: HEIC, or AVIF. It is wound back."""
    return not (_AVIF_BRANDS | _HEIF_BRANDS).isdisjoint(_brands(file))


def fitted(picture: Picture, max_height: int) -> Picture:
    """`picture` at `max_height` pixels at most and with even sides, as H.264 needs them.

    A higher one is scaled down, each new pixel the mean of those it covers; else an odd side loses its last
    row or column. It may be a view of the one given.
    """
    height, width = picture.shape[:2]
    if height <= max_height:
        return picture[: max(2, height & ~1), : max(2, width & ~1)]
    import cv2

    new_height = max(2, max_height & ~1)
    new_width = max(2, round(width * new_height / height / 2) * 2)
    return np.asarray(
        cv2.resize(picture, (new_width, new_height), interpolation=cv2.INTER_AREA), np.uint8
    )


def write_png(picture: Picture, path: Path) -> None:
    """Write a PNG; raises StorageFailed."""
    from PIL import Image

    with publishing(path) as partial, storage_errors(path):
        Image.fromarray(picture).save(partial, "PNG", compress_level=3)


def jpeg_bytes(picture: Picture, max_side: int = 640) -> bytes:
    """A JPEG for a preview, neither side over `max_side` pixels."""
    from PIL import Image

    image = Image.fromarray(picture)
    image = image.resize(_within(image.size, max_side), Image.Resampling.BOX, reducing_gap=1.0)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=85)
    return target.getvalue()


@contextmanager
def _opened(path: Path, max_side: int) -> Iterator[Image.Image]:
    """The picture with its header read and judged, nothing decoded."""
    from PIL import Image

    _load_readers()
    name = shown(path)
    with open_file(path, "picture") as file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        if size == 0:
            raise BadInput(f"{name} is empty.", "Choose another picture.")
        if size > MAX_BYTES:
            raise BadInput(
                f"{name} has {size / 1e6:.0f} MB, more than {MAX_BYTES / 1e6:.0f} MB.",
                "Save it as JPEG.",
            )
        try:
            image = Image.open(file, formats=_FORMATS)
        except Image.DecompressionBombError as error:
            raise _too_many_pixels(name, "") from error
        except _FAULTS as error:
            raise _no_picture(file, name) from error
        with image:
            _judge(image.size, name, max_side)
            yield image


@cache
def _load_readers() -> None:
    """Pillow loads readers by itself only where it may try all that it has."""
    for name in ("Jpeg", "Png", "WebP", "Gif", "Bmp", "Tiff", "Avif"):
        import_module(f"PIL.{name}ImagePlugin")


def _judge(size: tuple[int, int], name: str, max_side: int) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(name, f", {width} x {height}")
    if min(width, height) < MIN_SIDE:
        raise BadInput(
            f"{name} has {width} x {height} pixels: too small for a face to be seen.",
            f"Choose a picture of at least {MIN_SIDE} pixels each way; 512 or more look good.",
        )
    if min(_within(size, max_side)) < MIN_SIDE:
        raise BadInput(
            f"{name} is a narrow strip of {width} x {height} pixels.", "Cut out the part with the face."
        )


def _too_many_pixels(name: str, size: str) -> BadInput:
    return BadInput(
        f"{name} has more than {MAX_PIXELS / 1e6:.0f} million pixels{size}.",
        "Scale it down, for example to 4000 pixels each way; more is not seen in the video.",
    )


def _no_picture(file: BinaryIO, name: str) -> BadInput:
    if not _AVIF_BRANDS.isdisjoint(_brands(file)):
        return _damaged(name)
    if is_heif(file):
        return BadInput(
            f"{name} is a HEIC picture, which cannot be read here.", "Save it as JPEG or PNG."
        )
    return NoPicture(f"{name} is not a picture that can be read.", f"Use a {KINDS} file.")


def _damaged(name: str) -> BadInput:
    return BadInput(
        f"{name} is damaged or incomplete.", "Save it again, for example as PNG, and try that file."
    )


def _brands(file: BinaryIO) -> tuple[bytes, ...]:
    """What an ISO media file says that it is, () of others; the file is wound back."""
    file.seek(0)
    start = file.read(64)
    file.seek(0)
    if start[4:8] != b"ftyp":
        return ()
    size = int.from_bytes(start[:4], "big")
    return tuple(start[at : at + 4] for at in (8, *range(16, min(size, len(start)), 4)))


def _within(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """`size` scaled down until neither side is over `max_side`."""
    scale = min(1.0, max_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _turn(image: Image.Image) -> None:
    from PIL import ImageOps

    # EXIF that makes no sense says nothing of how the picture stands; every viewer shows it as it is.
    with suppress(*_FAULTS):
        ImageOps.exif_transpose(image, in_place=True)


def _opaque(image: Image.Image) -> Image.Image:
    """The picture without transparency and palette, 8 bits a channel: L, RGB or CMYK."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    if image.has_transparency_data:
        layers = image if image.mode == "RGBA" else image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layers, mask=layers.getchannel("A"))
        return white
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values of 16 bits or floats as 8 bits; Pillow's own conversion cuts them off at 255."""
    from PIL import Image

    values = np.asarray(image)
    if image.mode == "F":
        values = np.nan_to_num(values)
        values = values * (255.0 if values.max() <= 1.0 else 1.0)
    elif image.mode != "I" or values.max() > 255:
        values = values >> 8
    return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))


def _scaled(image: Image.Image, max_side: int) -> Image.Image:
    from PIL import Image

    # reducing_gap: first by whole numbers, which is quick.
    return image.resize(_within(image.size, max_side), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture in sRGB: telephones photograph in a wider space, printers in inks."""
    from PIL import ImageCms

    # A profile that is damaged, or of another kind of picture: every viewer passes it over.
    with suppress(ImageCms.PyCMSError, *_FAULTS):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else None
        if source and "sRGB" not in (source.profile.profile_description or ""):
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
    return image.convert("RGB")

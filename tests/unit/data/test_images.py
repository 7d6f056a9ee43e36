"""Image files: the numbers that arrive are those in the file, or the file is refused in one line that names it."""

import os
import pwd
import socket
import struct
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from minarch.data.images import is_grey, open_image, resized
from minarch.errors import UserError

ORIENTATION = 0x0112
COLOURS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def _read(path: Path) -> np.ndarray:
    """uint8 [3, H, W] at the size that the file has."""
    image = open_image(path, "IMAGE")
    return resized(image, 3, image.height, image.width)


def _refused(path: Path, expected: str) -> None:
    with pytest.raises(UserError) as error:
        open_image(path, "IMAGE")
    message = str(error.value)
    assert message.startswith(f"IMAGE: {str(path)!r} ") and expected in message, message
    assert "; allowed: " in message and len(message.splitlines()) == 1


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(path: Path, pixels: np.ndarray, kind: int, *chunks: bytes, bits: int = 16) -> Path:
    """A PNG of big-endian rows: Pillow itself writes no 16-bit colour. `kind` is PNG's colour type."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(f">u{bits // 8}"))
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    body = [header, *chunks, _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    return path


EVERY_BYTE = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257  # what 8 bits become in 16


@pytest.mark.parametrize("name", ["x.png", "x.tiff"])
def test_16_bits_that_were_8_are_those_8_again(tmp_path, name):
    Image.fromarray(EVERY_BYTE).save(tmp_path / name)
    assert (_read(tmp_path / name) == EVERY_BYTE >> 8).all()


def test_a_big_endian_tiff_of_16_bits_is_read_alike(tmp_path):
    Image.fromarray(EVERY_BYTE.astype(">u2")).save(tmp_path / "x.tiff")
    assert (tmp_path / "x.tiff").read_bytes()[:2] == b"MM"
    assert (_read(tmp_path / "x.tiff") == EVERY_BYTE >> 8).all()


@pytest.mark.parametrize("top", [255, 4095, 65535])
def test_a_pgm_says_how_high_its_numbers_go(tmp_path, top):
    levels = np.linspace(0, top, 32).round().astype(">u2" if top > 255 else np.uint8).reshape(4, 8)
    (tmp_path / "x.pgm").write_bytes(b"P5 8 4 %d\n" % top + levels.tobytes())
    assert np.abs(_read(tmp_path / "x.pgm").astype(int) - levels * (255 / top)).max() < 1.01
    assert _read(tmp_path / "x.pgm").max() == 255


def test_grey_and_colour_of_16_bits_are_scaled_alike(tmp_path):
    values = np.random.default_rng(0).integers(0, 2**16, (16, 16), dtype=np.uint16)
    grey = _read(_png(tmp_path / "grey.png", values, 0))
    colour = _read(_png(tmp_path / "colour.png", np.stack([values] * 3, axis=2), 2))
    assert (grey == colour).all() and len(np.unique(grey)) > 100


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B"])
@pytest.mark.parametrize("suffix", ["png", "tiff", "gif", "jpg", "bmp", "pgm", "webp"])
def test_what_a_head_calls_grey_is_opened_as_grey(tmp_path, mode, suffix):
    values = (np.arange(24).reshape(4, 6) * 300).astype(">u2" if mode == "I;16B" else np.uint16)
    image = Image.fromarray(values) if mode.startswith("I") else Image.fromarray(COLOURS).convert(mode)
    try:
        image.save(tmp_path / f"x.{suffix}")
        opened = open_image(tmp_path / f"x.{suffix}", "IMAGE")
    except (OSError, UserError):
        return  # the format has no such pixels, or they are transparent
    assert is_grey(tmp_path / f"x.{suffix}") == (opened.mode in ("L", "I;16"))


def test_what_cannot_be_opened_is_not_grey(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no image")
    assert not is_grey(tmp_path / "x.png") and not is_grey(tmp_path / "not-there.png")


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tiff", "x.webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright(tmp_path, name, orientation):
    """What a camera noted of how it was held is applied: each file shows a light upper left corner."""
    upright = np.full((32, 48, 3), 30, np.uint8)
    upright[:16, :16] = 220
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = Image.fromarray(upright)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored.save(tmp_path / name, exif=exif, **({"quality": 95} if name in ("x.jpg", "x.webp") else {}))
    seen = _read(tmp_path / name).transpose(1, 2, 0)
    assert seen.shape == upright.shape
    assert np.abs(seen.astype(int) - upright).mean() < 8


def test_16_bits_stand_upright_too(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    pixels = EVERY_BYTE[:4]
    Image.fromarray(np.ascontiguousarray(np.rot90(pixels))).save(tmp_path / "x.png", exif=exif)
    assert (_read(tmp_path / "x.png") == pixels >> 8).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_an_opaque_image_may_have_an_alpha_channel(tmp_path, mode):
    image = Image.fromarray(COLOURS).convert(mode)
    options = {"transparency": b"\xff" * 256} if mode == "P" else {}
    image.save(tmp_path / "x.png", **options)
    assert (_read(tmp_path / "x.png").transpose(1, 2, 0) == np.asarray(image.convert("RGB"))).all()


def test_a_transparent_colour_that_no_pixel_has_is_opaque(tmp_path):
    image = Image.fromarray(COLOURS).quantize(8)
    unused = next(k for k in range(256) if k not in np.asarray(image))
    image.save(tmp_path / "x.gif", transparency=unused)
    assert (_read(tmp_path / "x.gif").transpose(1, 2, 0) == np.asarray(image.convert("RGB"))).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_one_transparent_pixel_is_refused(tmp_path, mode):
    """What lies behind it is not in the file."""
    image = Image.fromarray(COLOURS).convert(mode)
    if mode == "P":
        image.save(tmp_path / "x.png", transparency=image.getpixel((0, 0)))
    else:
        image.putpixel((3, 3), (*image.getpixel((3, 3))[:-1], 254))
        image.save(tmp_path / "x.png")
    _refused(tmp_path / "x.png", "is partly transparent")


@pytest.mark.parametrize("kind", [0, 2])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_declared_transparent_colour_is_refused(tmp_path, kind, bits):
    pixels = COLOURS if kind == 2 else COLOURS[..., 0]
    key = _chunk(b"tRNS", b"".join(struct.pack(">H", value) for value in np.atleast_1d(pixels[0, 0])))
    path = _png(tmp_path / "x.png", pixels.astype(np.uint16), kind, key, bits=bits)
    _refused(path, "declares one of its colours transparent")


@pytest.mark.parametrize(
    ("pixels", "mode"), [(np.linspace(0, 1, 24, dtype=np.float32), "F"), (np.arange(24, dtype=np.int32), "I")]
)
def test_floats_and_wide_integers_are_refused(tmp_path, pixels, mode):
    Image.fromarray(pixels.reshape(4, 6)).save(tmp_path / "x.tiff")
    _refused(tmp_path / "x.tiff", f"has pixels of mode {mode}")


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "x.tiff"), ("CMYK", "x.jpg"), ("LAB", "x.tiff")])
def test_inks_are_refused(tmp_path, mode, name):
    Image.new(mode, (6, 4)).save(tmp_path / name)
    _refused(tmp_path / name, f"has pixels of mode {mode}")


@pytest.mark.parametrize(
    ("pixels", "tags", "expected"),
    [
        (COLOURS[..., 0], {339: 2}, "has signed pixels"),
        (EVERY_BYTE, {262: 0}, "has 16-bit pixels of which 0 is white"),
    ],
)
def test_numbers_that_pillow_takes_for_others_are_refused(tmp_path, pixels, tags, expected):
    path = tmp_path / "x.tiff"
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        info[tag] = value
    Image.fromarray(pixels).save(path, tiffinfo=info)
    with Image.open(path) as file:
        assert {tag: np.atleast_1d(file.tag_v2[tag])[0] for tag in tags} == tags
    _refused(path, expected)


def test_12_bits_are_refused(tmp_path):
    """Pillow unpacks them to 0 to 4095, which looks like dark 16 bits."""
    directory = [(256, 4), (257, 2), (258, 12), (259, 1), (262, 1), (273, 8 + 2 + 9 * 12 + 4), (277, 1), (278, 2)]
    directory.append((279, 12))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in directory)
    body = b"II*\0" + struct.pack("<IH", 8, len(directory)) + entries + struct.pack("<I", 0) + bytes(range(12))
    (tmp_path / "x.tiff").write_bytes(body)
    _refused(tmp_path / "x.tiff", "has pixels of 12 bits")


@pytest.mark.parametrize("name", ["x.gif", "x.png", "x.webp", "x.tiff"])
def test_several_images_in_one_file_are_refused(tmp_path, name):
    frames = [Image.fromarray(np.roll(COLOURS, k)) for k in range(3)]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    _refused(tmp_path / name, "holds 3 images")


def test_a_photo_with_its_preview_is_the_photo(tmp_path):
    photo, preview = np.full((16, 24, 3), 200, np.uint8), np.zeros((8, 12, 3), np.uint8)
    Image.fromarray(photo).save(
        tmp_path / "x.jpg", format="MPO", save_all=True, append_images=[Image.fromarray(preview)]
    )
    assert (_read(tmp_path / "x.jpg") == 200).all()


@pytest.mark.parametrize("edge", [10_000, 20_000])
def test_a_picture_that_unpacks_to_gigabytes_is_refused(tmp_path, edge):
    """Pillow warns of the smaller one and refuses the larger."""
    rows = zlib.compressobj()
    body = b"".join(rows.compress(bytes(edge // 8 + 1)) for _ in range(edge)) + rows.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0))
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", body) + _chunk(b"IEND", b""))
    _refused(tmp_path / "x.png", "decompression bomb")


def test_a_document_is_not_handed_to_another_program(tmp_path):
    """Pillow would start Ghostscript for it."""
    Image.fromarray(COLOURS).save(tmp_path / "x.png", format="EPS")
    _refused(tmp_path / "x.png", "cannot be read (of no known format)")


def _fifo(path):
    os.mkfifo(path)


def _socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))  # the whole path is longer than a socket's may be


def _device(path):
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("make", [Path.mkdir, _fifo, _socket, _device])
def test_what_is_no_regular_file_is_not_opened(tmp_path, monkeypatch, make):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "x.png")
    _refused(tmp_path / "x.png", "is no regular file")


@pytest.mark.parametrize("target", ["nowhere", "x.png"])
def test_a_link_to_nothing_or_to_itself_is_not_there(tmp_path, target):
    (tmp_path / "x.png").symlink_to(target)
    _refused(tmp_path / "x.png", "is not there")


def test_a_link_to_a_file_is_the_file(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "y.png")
    (tmp_path / "x.png").symlink_to(tmp_path / "y.png")
    assert (_read(tmp_path / "x.png").transpose(1, 2, 0) == COLOURS).all()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read")
def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "x.png").symlink_to("/proc/self/mem")
    _refused(tmp_path / "x.png", "cannot be read")


def test_a_file_without_permission_is_refused():
    with TemporaryDirectory() as folder:
        path = Path(folder, "x.png")
        Image.fromarray(COLOURS).save(path)
        path.chmod(0)
        Path(folder).chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(pwd.getpwnam("nobody").pw_uid)
        try:
            _refused(path, "cannot be read ([Errno 13] Permission denied")
        finally:
            os.seteuid(user)

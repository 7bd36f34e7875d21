"""Pictures of many kinds, written by Pillow and by hand."""

from __future__ import annotations

import io
import pathlib
import struct
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageFile

# Pillow's buffer for JPEG files is otherwise too small for pictures of a few pixels.
ImageFile.MAXBLOCK = 2**24

#: Height and width.
SIZES = [(20, 28), (33, 17)]


def smooth(random: np.random.Generator, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Smooth colours with edges and noise, as in photographs."""
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(rows / (3 + 2 * channel) + columns / 5) for channel in range(channels)]
    values = 120 + 90 * np.stack(waves, -1) + random.normal(0, 12, (height, width, channels))
    values[(rows // 7 + columns // 9) % 3 == 0] = 230
    return values.clip(0, 255).astype(np.uint8)


def png(
    values: np.ndarray, kind: int, depth: int = 8, palette: bytes = b"", chunks: bytes = b"", interlaced: bool = False
) -> bytes:
    """A PNG file of these values; `kind` is its colour type. Shape of `values`: [height, width, channels]."""
    height, width, channels = values.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    def rows(part: np.ndarray) -> bytes:
        packed = b""
        for row in part.reshape(part.shape[0], -1) if part.size else []:
            if depth == 16:
                data = row.astype(">u2").tobytes()
            elif depth == 8:
                data = row.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(int(value), f"0{depth}b") for value in row)
                bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
                data = int(bits, 2).to_bytes(len(bits) // 8, "big")
            packed += b"\0" + data
        return packed

    if interlaced:
        passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
        data = b"".join(rows(values[top::down, left::across]) for top, down, left, across in passes)
    else:
        data = rows(values)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    content = chunk(b"IHDR", header) + chunks
    if palette:
        content += chunk(b"PLTE", palette)
    return b"\x89PNG\r\n\x1a\n" + content + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def gif(
    screen: tuple[int, int],
    frame: tuple[int, int, int, int],
    indices: Sequence[int],
    palette: Sequence[tuple[int, int, int]] | None,
    transparent: int | None = None,
    interlaced: bool = False,
) -> bytes:
    """A GIF file of one frame (left, top, width, height) with eight colours at most."""
    out = b"GIF89a" + struct.pack("<HH", *screen)
    out += (
        bytes([0x80 | 2, 0, 0]) + bytes(np.array(palette, np.uint8).tobytes()).ljust(24, b"\0") if palette else bytes(3)
    )
    if transparent is not None:
        out += b"!\xf9\x04" + bytes([1, 0, 0, transparent, 0])
    out += b"," + struct.pack("<HHHH", *frame) + bytes([0x40 if interlaced else 0, 3])
    # A code that clears the table before each index: codes stay at four bits.
    codes = [code for index in indices for code in (8, index)] + [9]
    packed = bytes(low | high << 4 for low, high in zip(codes[::2], [*codes[1::2], 0]))
    blocks = [packed[at : at + 255] for at in range(0, len(packed), 255)]
    return out + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0;"


def bmp(values: np.ndarray, bits: int, masks: Sequence[int] = ()) -> bytes:
    """A BMP file of 16 or 32 bits a pixel."""
    height, width, _ = values.shape
    red, green, blue = (values[..., channel].astype(np.uint32) for channel in range(3))
    if bits == 32:
        pixels = (red << 16 | green << 8 | blue).astype("<u4")
    elif masks:
        pixels = (red >> 3 << 11 | green >> 2 << 5 | blue >> 3).astype("<u2")
    else:
        pixels = (red >> 3 << 10 | green >> 3 << 5 | blue >> 3).astype("<u2")
    rows = b"".join(row.tobytes().ljust(-(-row.nbytes // 4) * 4, b"\0") for row in pixels[::-1])
    table = struct.pack(f"<{len(masks)}I", *masks)
    offset = 54 + len(table)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 3 if masks else 0, len(rows), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + table + rows


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    """EXIF data with an orientation."""
    data = Image.Exif()
    data[0x112] = orientation
    return data


def files(random: np.random.Generator, height: int, width: int) -> Iterator[tuple[str, bytes]]:
    """Names and contents of odd pictures of a size."""
    colours = smooth(random, height, width)
    colour, grey = Image.fromarray(colours), Image.fromarray(colours[..., 0])
    four = smooth(random, height, width, 4)
    alpha, cmyk = Image.fromarray(four, "RGBA"), Image.fromarray(four, "CMYK")
    palette, both = colour.quantize(37), Image.merge("LA", alpha.split()[2:])
    bilevel, deep = grey.convert("1"), Image.fromarray(colours[..., 1].astype(np.uint16) * 3)

    for subsampling in (0, 1, 2, "4:1:1"):
        for progressive in (False, True):
            name = f"jpeg {str(subsampling).replace(':', '')} {progressive}.jpg"
            yield name, encoded(colour, "JPEG", quality=85, subsampling=subsampling, progressive=progressive)
    yield "jpeg grey.JPG", encoded(grey, "JPEG")
    inks = encoded(cmyk, "JPEG")
    yield "jpeg cmyk.jpeg", inks
    # Adobe's marker tells how the four channels are coded: 2 for luma, chroma and black.
    adobe = inks.index(b"Adobe")
    yield "jpeg ycck.jpg", inks[: adobe + 11] + b"\x02" + inks[adobe + 12 :]
    yield (
        "jpeg cmyk without marker.jpg",
        inks[: adobe - 4] + inks[adobe - 2 + int.from_bytes(inks[adobe - 2 : adobe], "big") :],
    )
    yield (
        "jpeg of several.jpg",
        encoded(colour, "MPO", save_all=True, append_images=[Image.fromarray(colours[::-1].copy())]),
    )
    yield "jpeg keep rgb.jpg", encoded(colour, "JPEG", keep_rgb=True)
    yield "jpeg restarts.jpe", encoded(colour, "JPEG", restart_marker_blocks=1)
    yield "jpeg best.jfif", encoded(colour, "JPEG", quality=100, subsampling=0, optimize=True)
    plain = encoded(colour, "JPEG", comment=b"a comment", icc_profile=b"not a profile" * 10)
    yield "jpeg comment.jpg", plain
    yield "jpeg junk at the end.jpg", plain + b"junk" * 9
    yield "jpeg twice.jpg", plain + plain
    yield "jpeg no end marker.jpg", plain[:-2] + bytes(300)
    # A writer that gave up, and closed its file.
    yield "jpeg cut off with end marker.jpg", plain[: len(plain) * 3 // 4] + b"\xff\xd9"
    yield "jpeg fill bytes.jpg", plain[:2] + b"\xff\xff" + plain[2:]
    for orientation in range(1, 9):
        yield f"jpeg exif {orientation}.jpg", encoded(colour, "JPEG", exif=exif(orientation))
    yield "png exif.png", encoded(colour, "PNG", exif=exif(6))
    yield "webp exif.webp", encoded(colour, "WEBP", lossless=True, exif=exif(8))
    yield "tiff exif.tif", encoded(colour, "TIFF", exif=exif(5))

    for image, name in (
        (colour, "rgb"), (grey, "grey"), (alpha, "rgba"), (both, "la"), (palette, "palette"), (bilevel, "1 bit"),
        (deep, "16 bit"),
    ):  # fmt: skip
        yield f"png {name}.png", encoded(image, "PNG")
    yield "png palette transparent.png", encoded(palette, "PNG", transparency=3)
    yield "png palette alphas.png", encoded(palette, "PNG", transparency=bytes(range(0, 74, 2)))
    yield "png grey transparent.png", encoded(grey, "PNG", transparency=100)
    yield "png rgb transparent.png", encoded(colour, "PNG", transparency=(230, 230, 230))
    yield "png no compression.png", encoded(colour, "PNG", compress_level=0)
    wide = random.integers(0, 2**16, (height, width, 4))
    yield "png 16 bit rgb.png", png(wide[..., :3], 2, 16)
    yield "png 16 bit rgba.png", png(wide, 6, 16)
    yield "png 16 bit la.png", png(wide[..., :2], 4, 16)
    yield "png 16 bit grey.png", png(wide[..., :1] // 100, 0, 16)
    for depth in (1, 2, 4):
        few = random.integers(0, 2**depth, (height, width, 1))
        yield f"png {depth} bit grey.png", png(few, 0, depth)
        yield f"png {depth} bit palette.png", png(few, 3, depth, palette=bytes(range(7, 7 + 3 * 2**depth)))
        yield f"png {depth} bit interlaced.png", png(few, 0, depth, interlaced=True)
    yield "png interlaced.png", png(colours, 2, interlaced=True)
    yield "png interlaced rgba.png", png(four, 6, interlaced=True)
    yield "png junk at the end.png", encoded(colour, "PNG") + b"junk"
    yield "png no end chunk.png", encoded(colour, "PNG")[:-12]
    gamma = b"gAMA" + struct.pack(">I", 100000)
    yield "png gamma.png", png(colours, 2, chunks=struct.pack(">I", 4) + gamma + struct.pack(">I", zlib.crc32(gamma)))
    other = Image.fromarray(colours[::-1].copy())
    yield "png animated.png", encoded(colour, "PNG", save_all=True, append_images=[other])

    for image, name in ((colour, "rgb"), (grey, "grey"), (palette, "palette"), (bilevel, "1 bit"), (alpha, "rgba")):
        yield f"bmp {name}.bmp", encoded(image, "BMP")
    yield "bmp 16 bit.bmp", bmp(colours, 16)
    yield "bmp 565.bmp", bmp(colours, 16, (0xF800, 0x07E0, 0x001F))
    yield "bmp 32 bit.BMP", bmp(colours, 32)

    for image, name in ((palette, "palette"), (grey, "grey"), (bilevel, "1 bit"), (colour, "rgb")):
        yield f"gif {name}.gif", encoded(image, "GIF")
    yield "gif interlaced.gif", encoded(palette, "GIF", interlace=1)
    yield "gif transparent.gif", encoded(palette, "GIF", transparency=2)
    yield "gif animated.gif", encoded(palette, "GIF", save_all=True, append_images=[other.quantize(20)], duration=50)
    colours_of_gif = [(10, 0, 0), (0, 20, 0), (0, 0, 30), (40, 40, 0), (9, 9, 9)]
    indices = [index % 5 for index in range((height - 4) * (width - 6))]
    frame = (2, 3, width - 6, height - 4)
    yield "gif smaller than its screen.gif", gif((width, height), frame, indices, colours_of_gif)
    yield "gif smaller and transparent.gif", gif((width, height), frame, indices, colours_of_gif, transparent=4)
    yield "gif larger than its screen.gif", gif((3, 3), frame, indices, colours_of_gif)
    yield "gif without palette.gif", gif((width, height), frame, indices, None)
    yield "gif colours out of range.gif", gif((width, height), frame, [index + 3 for index in indices], colours_of_gif)

    for image, name in (
        (colour, "rgb"), (grey, "grey"), (alpha, "rgba"), (palette, "palette"), (bilevel, "1 bit"), (cmyk, "cmyk"),
        (deep, "16 bit"), (both, "la"), (Image.fromarray(colours[..., 0].astype(np.float32) * 1.3 - 20), "float"),
        (Image.fromarray(colours[..., 0].astype(np.int32) * 2 - 99), "32 bit"),
    ):  # fmt: skip
        for compression in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
            if compression is None or name in ("rgb", "palette", "16 bit"):
                yield f"tiff {name} {compression}.tif", encoded(image, "TIFF", compression=compression)
    yield "tiff fax.tiff", encoded(bilevel, "TIFF", compression="group4")
    yield "tiff pages.tiff", encoded(colour, "TIFF", save_all=True, append_images=[other, other])
    yield "tiff big endian.tif", encoded(colour, "TIFF", big_tiff=True)

    for image, name in ((colour, "rgb"), (alpha, "rgba")):
        yield f"webp {name} lossless.webp", encoded(image, "WEBP", lossless=True, exact=True)
        yield f"webp {name}.webp", encoded(image, "WEBP", quality=80)
    yield "webp animated.webp", encoded(colour, "WEBP", lossless=True, save_all=True, append_images=[other], duration=9)

    yield "pnm rgb.ppm", encoded(colour, "PPM")
    yield "pnm grey.pgm", encoded(grey, "PPM")
    yield "pnm 1 bit.pbm", encoded(bilevel, "PPM")
    yield "pnm of 100 levels.ppm", b"P6 4 2 100\n" + bytes(range(0, 96, 4))
    yield "pnm 16 bit.pgm", b"P5 4 2 65535\n" + np.arange(0, 65535, 8200, dtype=">u2")[:8].tobytes()
    yield "pnm text.pnm", f"P3 {width} {height} 255 ".encode() + " ".join(map(str, colours.flatten())).encode()

    # The content tells the format, not the ending.
    yield "png as jpeg.jpg", encoded(colour, "PNG")
    yield "jpeg as png.png", plain
    yield "gif as jpeg.JPEG", encoded(palette, "GIF")
    yield "webp as jpeg.jpg", encoded(colour, "WEBP", lossless=True)
    yield "tiff as bmp.bmp", encoded(colour, "TIFF")
    # Names of all kinds.
    names = (
        "\u00e4\u00f6\u00fc \u00df",
        "\u732b",
        "\U0001f600",
        "a b  c",
        "quote ' \" $x",
        "#1 %20 & ;",
        "-dash",
        "comma, dot.dot",
    )
    for name in names:
        yield f"{name}.png", encoded(colour, "PNG")


def write(folder: pathlib.Path) -> list[pathlib.Path]:
    """Writes the pictures of two classes."""
    random = np.random.default_rng(1)
    written = []
    for number, (height, width) in enumerate(SIZES):
        place = folder / ("cl\u00e4ss a", "b")[number]
        place.mkdir(parents=True)
        for name, content in files(random, height, width):
            (place / name).write_bytes(content)
            written.append(place / name)
    return written

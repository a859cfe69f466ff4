"""Compressed payloads, told by their first bytes: gzip, zlib, bzip2, xz and lzma."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Protocol

from esviewer.stores.codecs.outcome import Undecodable

MAX_SIZE = 256 * 1024 * 1024
"""Bytes that a payload may decompress to."""


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def compression_of(raw: bytes) -> str | None:
    """The name of the compression that the first bytes announce, or None."""
    if raw.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if raw.startswith(b"BZh"):
        return "bzip2"
    if raw.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if raw.startswith(b"\x5d\x00\x00"):
        return "lzma"
    # RFC 1950: method 8, window of at most 32 KiB, and a header that is a multiple of 31.
    if len(raw) > 1 and raw[0] & 0x8F == 0x08 and (raw[0] << 8 | raw[1]) % 31 == 0:
        return "zlib"
    return None


def decompress(raw: bytes, name: str) -> tuple[bytes, tuple[str, ...]]:
    """The bytes inside and notes; ``name`` is from ``compression_of``. Raises Undecodable.

    Several members one after another are one text, as gzip and xz have it.
    """
    pieces: list[bytes] = []
    left = MAX_SIZE
    rest = raw
    while rest:
        member = _MAKERS[name]()
        try:
            piece = member.decompress(rest, left + 1)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
            raise Undecodable(f"{name} data that is damaged") from None
        left -= len(piece)
        if left < 0:
            raise Undecodable(f"{name} data that decompresses to more than {MAX_SIZE // 1024**2} MiB")
        if not member.eof:
            raise Undecodable(f"{name} data that is cut off")
        pieces.append(piece)
        rest = member.unused_data
        if rest and compression_of(rest) != name:
            return b"".join(pieces), (f"{len(rest):,} more bytes after the {name} data are not shown",)
    return b"".join(pieces), ()


_MAKERS: dict[str, Callable[[], _Decompressor]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "zlib": lambda: zlib.decompressobj(),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(memlimit=MAX_SIZE),
    "lzma": lambda: lzma.LZMADecompressor(memlimit=MAX_SIZE),
}

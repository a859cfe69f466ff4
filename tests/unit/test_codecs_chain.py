"""From bytes to a value, whatever they are."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import os
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgpack
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain.errors import UsageError
from esviewer.stores.codecs import Codecs, Decoded, Undecodable, compression
from esviewer.stores.codecs.tagged import untag
from tests import shared_stores

KEY = b"0123456789abcdef"
TEXT = b'{"a":1}'
VALUE = {"a": 1}


def encrypt(text: bytes, key: bytes = KEY) -> bytes:
    """Nonce, tag, ciphertext, as eventsourcing has it."""
    nonce = os.urandom(12)
    sealed = AESGCM(key).encrypt(nonce, text, None)
    return nonce + sealed[-16:] + sealed[:-16]


def reason(raw: bytes | str, key: bytes | None = None) -> str:
    """Why a payload cannot be read."""
    with pytest.raises(Undecodable) as caught:
        Codecs(key).decode(raw)
    return caught.value.reason


def lzma_alone(raw: bytes) -> bytes:
    """The older format of lzma."""
    return lzma.compress(raw, lzma.FORMAT_ALONE)


@pytest.mark.parametrize(
    ("compress", "name"),
    [
        (zlib.compress, "zlib"),
        (gzip.compress, "gzip"),
        (bz2.compress, "bzip2"),
        (lzma.compress, "xz"),
        (lzma_alone, "lzma"),
    ],
)
def test_that_compressed_payloads_are_read_and_cut_ones_are_told(compress: Callable[[bytes], bytes], name: str) -> None:
    packed = compress(TEXT)
    assert Codecs().decode(packed) == Decoded(VALUE, f"{name}, JSON", ())
    assert reason(packed[:-1]) == f"{name} data that is cut off"


def test_that_encrypted_and_compressed_payloads_name_all_layers() -> None:
    assert Codecs(KEY).decode(encrypt(zlib.compress(TEXT))).encoding == "AES-GCM, zlib, JSON"
    assert Codecs(KEY).decode(TEXT).encoding == "JSON"
    assert Codecs(KEY).decode(encrypt(msgpack.packb(VALUE))) == Decoded(VALUE, "AES-GCM, MessagePack", ())


def test_that_the_reason_tells_a_missing_key_from_a_wrong_one() -> None:
    # A nonce that looks like no other encoding.
    nonce = b"\xc1" * 12
    sealed = AESGCM(KEY).encrypt(nonce, TEXT, None)
    raw = nonce + sealed[-16:] + sealed[:-16]
    assert reason(raw).startswith("encrypted or unknown")
    assert reason(raw, b"another key, 16B") == "encrypted with another key, or damaged"
    assert reason(b"\xc1\xc1") == "neither JSON, compressed data nor MessagePack"


def test_that_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="this one has 5"):
        Codecs(b"short")


def test_that_layers_and_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = TEXT
    for _ in range(3):
        raw = zlib.compress(raw)
    assert Codecs().decode(raw).encoding == "zlib, zlib, zlib, JSON"
    assert reason(zlib.compress(raw)).endswith("compressed or encrypted more than 3 times over")
    monkeypatch.setattr(compression, "MAX_SIZE", 2**20)
    assert reason(zlib.compress(b" " * 2**21)) == "zlib data that decompresses to more than 1 MiB"


def test_that_bytes_after_compressed_data_are_told() -> None:
    assert Codecs().decode(zlib.compress(TEXT) + b"abc").notes == ("3 more bytes after the zlib data are not shown",)


def test_that_message_pack_holds_times_extensions_and_any_keys() -> None:
    value = {
        1: [msgpack.Timestamp(1_700_000_000, 1_000), msgpack.Timestamp(0, 1), [msgpack.Timestamp(2**60)]],
        "ext": msgpack.ExtType(7, b"x"),
        "bin": b"\xff",
        "at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    decoded = Codecs().decode(msgpack.packb(value, datetime=True))
    assert decoded.encoding == "MessagePack"
    assert decoded.value == {
        1: [
            "2023-11-14T22:13:20.000001+00:00",
            "1970-01-01T00:00:00.000000001+00:00",
            [{"_type_": "ext:-1", "_data_": msgpack.Timestamp(2**60).to_bytes()}],
        ],
        "ext": {"_type_": "ext:7", "_data_": b"x"},
        "bin": b"\xff",
        "at": "2026-01-02T00:00:00+00:00",
    }


def test_that_a_key_that_message_pack_repeats_is_told() -> None:
    assert Codecs().decode(b"\x82\xa1a\x01\xa1a\x02").notes == ("key 'a' occurs twice; the last value is shown",)


def test_that_nothing_is_null_and_no_bytes_are_a_reason() -> None:
    assert Codecs().decode(None) == Decoded(None, "null", ())
    assert reason(b"") == "empty"
    assert reason("") == "empty"


def test_that_broken_json_is_called_so() -> None:
    assert reason(b'{"a":1') == "JSON that is cut off after 6 characters"
    assert reason('{"a":1') == "JSON that is cut off after 6 characters"
    assert reason(b'{"a":"\xff"}') == "not valid UTF-8 at byte 6"


DEEP = b"\x91" * 5_000 + b"\x90"
SOURCES = [TEXT, zlib.compress(TEXT), gzip.compress(TEXT), bz2.compress(TEXT), lzma.compress(TEXT), DEEP]


@given(
    st.binary(max_size=80)
    | st.builds(lambda raw, cut: raw[:cut], st.sampled_from(SOURCES), st.integers(1, 90))
    | st.builds(
        lambda raw, at, to: raw[:at] + to + raw[at + 1 :], st.sampled_from(SOURCES), st.integers(0, 60), st.binary()
    )
    | st.builds(lambda start, rest: bytes([start]) + rest, st.integers(0x80, 0x9F), st.binary(max_size=60)),
    st.sampled_from([None, KEY]),
)
def test_that_garbage_is_undecodable_at_worst(raw: bytes, key: bytes | None) -> None:
    try:
        Codecs(key).decode(raw)
    except Undecodable as error:
        assert error.reason


@pytest.mark.skipif(not shared_stores.is_present(), reason=shared_stores.MISSING)
@pytest.mark.parametrize(
    ("store", "key", "encoding"),
    [
        ("es_library_zlib", None, "zlib, JSON"),
        ("es_library_aes", b"bm90LWEtc2VjcmV0LXRlc3Qta2V5LTMyLWJ5dGVzISE=", "AES-GCM, JSON"),
    ],
)
def test_that_every_payload_of_a_real_store_is_read(
    store: str, key: bytes | None, encoding: str, tmp_path: Path
) -> None:
    path = shared_stores.unpack(store, "lending.sqlite.gz", tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        raws = [raw for (raw,) in connection.execute("SELECT state FROM stored_events")]
    codecs = Codecs(base64.b64decode(key) if key else None)
    decoded = [codecs.decode(raw) for raw in raws]
    assert len(raws) > 1_000
    assert {one.encoding for one in decoded} == {encoding}
    assert not any(one.notes for one in decoded)
    for one in decoded:
        state = untag(one.value)
        assert isinstance(state, dict)
        assert isinstance(state["timestamp"], str)
        assert "uuid_hex" not in json.dumps(state)


@pytest.mark.skipif(not shared_stores.is_present(), reason=shared_stores.MISSING)
def test_that_no_payload_of_an_encrypted_store_is_read_without_its_key(tmp_path: Path) -> None:
    path = shared_stores.unpack("es_library_aes", "lending.sqlite.gz", tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        raws = [raw for (raw,) in connection.execute("SELECT state FROM stored_events")]
    for codecs in (Codecs(), Codecs(KEY)):
        for raw in raws:
            with pytest.raises(Undecodable):
                codecs.decode(raw)

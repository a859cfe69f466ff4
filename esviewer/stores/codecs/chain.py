"""The one way from a payload's bytes to its value: codecs found by looking, and by the dialect's word."""

from __future__ import annotations

from typing import Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from esviewer.domain.errors import UsageError
from esviewer.stores.codecs import json_text, message_pack, yaml_text
from esviewer.stores.codecs.compression import compression_of, decompress
from esviewer.stores.codecs.outcome import Decoded, Undecodable

Hint: TypeAlias = Literal["any", "json", "yaml"]

_MAX_NESTING = 3
"""Compressed or encrypted in one another."""

# eventsourcing/cipher.py and cryptography.py, 9.5.6: nonce, tag, ciphertext.
_NONCE = 12
_TAG = 16

_JSON_STARTS = frozenset(b'{["-0123456789tfnNI \t\n\r\xef')


class Codecs:
    """Decodes payloads of one store. Safe to share between threads; holds no state but the key."""

    def __init__(self, key: bytes | None = None) -> None:
        """``key`` is that of AES-GCM: 16, 24 or 32 bytes; raises UsageError for other lengths."""
        if key is not None and len(key) not in (16, 24, 32):
            raise UsageError(f"A payload key has 16, 24 or 32 bytes, and this one has {len(key)}.")
        self._cipher = None if key is None else AESGCM(key)

    def decode(self, raw: bytes | str | None, hint: Hint = "any") -> Decoded:
        """The value of a payload, how it was encoded, and what a reader should know; raises only Undecodable."""
        if raw is None:
            return Decoded(None, "null", ())
        if not raw:
            raise Undecodable("empty")
        if hint == "yaml":
            return _decode_yaml(raw)
        if hint == "json" or isinstance(raw, str):
            return _decode_json(raw)
        return self._decode_any(raw, 0)

    def opened(self, raw: bytes) -> bytes:
        """The text or other bytes inside what was compressed or encrypted; raises only Undecodable."""
        for _ in range(_MAX_NESTING + 1):
            if raw[:1] and raw[0] in _JSON_STARTS and _is_json(raw):
                return raw
            name = compression_of(raw)
            if name is not None:
                raw, _notes = decompress(raw, name)
                continue
            inside = _decrypted(self._cipher, raw) if self._cipher is not None and len(raw) >= _NONCE + _TAG else None
            if inside is None:
                raise Undecodable(_unknown(raw, self._cipher is not None))
            raw = inside
        raise Undecodable(f"compressed or encrypted more than {_MAX_NESTING} times over")

    def _decode_any(self, raw: bytes, nesting: int) -> Decoded:
        failure: str | None = None
        if raw[:1] and raw[0] in _JSON_STARTS:
            try:
                return Decoded(*_json_parts(raw))
            except ValueError as error:
                if _looks_like_text(raw):
                    failure = str(error)
        name = compression_of(raw)
        if name is not None:
            try:
                return self._decode_compressed(raw, name, nesting)
            except Undecodable as error:
                failure = failure or error.reason
        if self._cipher is not None and len(raw) >= _NONCE + _TAG:
            inside = _decrypted(self._cipher, raw)
            if inside is not None:
                return self._decode_inside(inside, "AES-GCM", (), nesting)
            failure = failure or "encrypted with another key, or damaged"
        try:
            value, notes = message_pack.loads(raw)
            return Decoded(value, "MessagePack", notes)
        except ValueError:
            raise Undecodable(failure or _unknown(raw, self._cipher is not None)) from None

    def _decode_compressed(self, raw: bytes, name: str, nesting: int) -> Decoded:
        inside, notes = decompress(raw, name)
        return self._decode_inside(inside, name, notes, nesting)

    def _decode_inside(self, inside: bytes, name: str, notes: tuple[str, ...], nesting: int) -> Decoded:
        if nesting == _MAX_NESTING:
            raise Undecodable(f"compressed or encrypted more than {_MAX_NESTING} times over")
        if not inside:
            raise Undecodable(f"{name}, and empty inside")
        try:
            decoded = self._decode_any(inside, nesting + 1)
        except Undecodable as error:
            raise Undecodable(f"{name}, and inside: {error.reason}") from None
        return Decoded(decoded.value, f"{name}, {decoded.encoding}", (*notes, *decoded.notes))


def _json_parts(raw: bytes | str) -> tuple[object, str, tuple[str, ...]]:
    value, notes = json_text.loads(raw)
    return value, "JSON", notes


def _is_json(raw: bytes) -> bool:
    try:
        json_text.loads(raw)
    except ValueError:
        return False
    return True


def _decode_json(raw: bytes | str) -> Decoded:
    try:
        return Decoded(*_json_parts(raw))
    except ValueError as error:
        raise Undecodable(str(error)) from None


def _decode_yaml(raw: bytes | str) -> Decoded:
    """YAML; JSON first where it looks so, since some installations of a YAML store are set to write JSON."""
    if raw[:1] in (b"{", b"[", "{", "["):
        try:
            return Decoded(*_json_parts(raw))
        except ValueError:
            pass  # YAML's own flow style begins alike
    try:
        value, notes = yaml_text.loads(raw)
    except ValueError as error:
        raise Undecodable(str(error)) from None
    return Decoded(value, "YAML", notes)


def _decrypted(cipher: AESGCM, raw: bytes) -> bytes | None:
    nonce, tag, text = raw[:_NONCE], raw[_NONCE : _NONCE + _TAG], raw[_NONCE + _TAG :]
    try:
        return cipher.decrypt(nonce, text + tag, None)
    except InvalidTag:
        return None


def _looks_like_text(raw: bytes) -> bool:
    """Whether the first bytes are JSON's kind, so that JSON's complaint is the one to tell."""
    start = raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:2]
    return start[:1] in (b"{", b"[", b'"') and (len(start) == 1 or 0x20 <= start[1] < 0x7F)


def _unknown(raw: bytes, has_key: bool) -> str:
    if not has_key and len(raw) >= _NONCE + _TAG:
        return "encrypted or unknown: neither JSON, compressed data nor MessagePack, and no key was given"
    return "neither JSON, compressed data nor MessagePack"

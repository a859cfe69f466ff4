"""MessagePack, strictly: one map or array that takes up all bytes.

Anything looser would see MessagePack in random bytes: every byte below 0x80 is a number by itself.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import msgpack

from esviewer.stores.codecs.limits import TOO_DEEP, Repeated, check_depth

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def loads(raw: bytes) -> tuple[object, tuple[str, ...]]:
    """The map or array and notes; raises ValueError with a short reason.

    Timestamps (extension -1) are ISO texts in UTC, other extensions ``{"_type_": "ext:N", "_data_": bytes}``.
    """
    if not raw or not _is_container(raw[0]):
        raise ValueError("not a MessagePack map or array")
    repeated = Repeated()
    try:
        value = _unpacked(raw, repeated)
    except (ValueError, TypeError, struct.error, msgpack.UnpackException):
        # TypeError: an array or map as a key, which Python cannot have.
        raise ValueError("not MessagePack, or damaged") from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_depth(value)
    return value, repeated.notes()


def _unpacked(raw: bytes, repeated: Repeated) -> object:
    return _plain(
        msgpack.unpackb(
            raw,
            raw=False,
            strict_map_key=False,
            timestamp=0,
            ext_hook=_extension,
            object_pairs_hook=lambda pairs: repeated.build([(_plain(key), _plain(item)) for key, item in pairs]),
        )
    )


def _is_container(first: int) -> bool:
    return 0x80 <= first <= 0x9F or 0xDC <= first <= 0xDF


def _extension(code: int, data: bytes) -> dict[str, object]:
    return {"_type_": f"ext:{code}", "_data_": data}


def _plain(value: object) -> object:
    """``value`` without msgpack's own class for times; maps inside have been seen to by the hook already."""
    if isinstance(value, msgpack.Timestamp):
        return _time(value.seconds, value.nanoseconds)
    if isinstance(value, list) and any(isinstance(item, (msgpack.Timestamp, list)) for item in value):
        return [_plain(item) for item in value]
    return value


def _time(seconds: int, nanoseconds: int) -> str | dict[str, object]:
    """ISO 8601 with ``+00:00``; nine digits where microseconds would lose some. The bytes outside years 1 to 9999."""
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return {"_type_": "ext:-1", "_data_": msgpack.Timestamp(seconds, nanoseconds).to_bytes()}
    if nanoseconds % 1000 == 0:
        return moment.replace(microsecond=nanoseconds // 1000).isoformat()
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}+00:00".rjust(35, "0")

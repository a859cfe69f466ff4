"""What a codec gives back: a value with the name of its encoding, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass


class Undecodable(Exception):
    """A payload that could not be read. ``reason`` is part of a sentence for people, without content of the payload."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Decoded:
    """A payload's value. ``encoding`` is as people say it, outermost first: ``AES-GCM, zlib, JSON``."""

    value: object
    encoding: str
    notes: tuple[str, ...]

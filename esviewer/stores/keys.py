"""Where the key of encrypted payloads comes from: ``ESVIEWER_KEY``, or the system's keyring; never a file of ours."""

from __future__ import annotations

import base64
import binascii
import os

import keyring
import keyring.errors

from esviewer.domain import UsageError
from esviewer.stores.address import Address

SERVICE = "esviewer"
VARIABLE = "ESVIEWER_KEY"


def parse_key(text: str) -> bytes:
    """The key that base64 text spells; raises :class:`UsageError` if it is none of 16, 24 or 32 bytes."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("The payload key is not base64.") from None
    if len(key) not in (16, 24, 32):
        raise UsageError(f"The payload key has {len(key)} bytes; AES keys have 16, 24 or 32.")
    return key


def payload_key(address: Address) -> bytes | None:
    """The key for a database from the environment, else from the keyring, else ``None``."""
    given = os.environ.get(VARIABLE)
    if given:
        return parse_key(given)
    try:
        kept = keyring.get_password(SERVICE, _name(address))
    except keyring.errors.KeyringError:
        return None
    return parse_key(kept) if kept else None


def remember_key(address: Address, key: bytes) -> bool:
    """Keeps a key in the keyring; ``False`` where this machine has none that works."""
    try:
        keyring.set_password(SERVICE, _name(address), base64.b64encode(key).decode())
        # Backends that keep nothing take everything: only what comes back was kept.
        return keyring.get_password(SERVICE, _name(address)) is not None
    except keyring.errors.KeyringError:
        return False


def has_keyring() -> bool:
    """Whether this machine has a keyring that keeps things; may wait for the system's service to answer.

    The backends that stand for "none" have no priority (keyring/backends/fail.py and null.py, keyring 25).
    """
    return bool(keyring.get_keyring().priority > 0)


def _name(address: Address) -> str:
    where = str(address.path.absolute()) if address.path is not None else address.text
    return f"payload-key:{where}"

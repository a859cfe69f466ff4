"""From a payload's bytes to its value: JSON, compressed, encrypted, MessagePack, YAML; nothing is ever executed."""

from esviewer.stores.codecs.chain import Codecs
from esviewer.stores.codecs.outcome import Decoded, Undecodable

__all__ = ["Codecs", "Decoded", "Undecodable"]

"""A Postgres URL as the fields of a form, and back; pure text, no Qt.

Empty means that libpq decides: environment, service file, its own defaults (libpq, "Connection URIs" and "Parameter
Key Words" of the Postgres 18 manual).
"""

from __future__ import annotations

import ipaddress
import re
import shlex
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

_PREFIXES: Final = ("postgresql", "postgres")
_FIELDS: Final = {"host": "host", "port": "port", "dbname": "database", "user": "user", "schema": "schema"}
"""Parameters that have a field of their own, with the name of the field."""

_PASSWORD: Final = re.compile(r"(?<=://)([^/?#:]*):[^/?#]*@")
_PARAMETER: Final = re.compile(r"(?<=[?&])(?:ssl)?password=[^&#]*&?|[?&](?:ssl)?password=[^&#]*$")
_UNFINISHED: Final = re.compile(r"[?&](?:ssl)?password=[^&#]*$")


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The parts of an address, decoded; ``others`` are all further parameters in their order. No password."""

    host: str = ""
    port: str = ""
    database: str = ""
    user: str = ""
    schema: str = ""
    sslmode: str = ""
    others: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The address in one line."""
        host = f"[{quote(self.host, safe=':')}]" if self._has_colon else quote(self.host, safe="")
        place = (quote(self.user, safe="") + "@" if self.user else "") + host
        place += f":{quote(self.port, safe='')}" if self.port else ""
        own = [(name, value) for name, value in (("sslmode", self.sslmode), ("schema", self.schema)) if value]
        query = urlencode([*self.others, *own], quote_via=quote)
        return f"postgresql://{place}/{quote(self.database, safe='')}" + (f"?{query}" if query else "")

    @property
    def shown(self) -> str:
        """The address for people: without the parameter that opens a client's SSL key."""
        return replace(self, others=tuple(pair for pair in self.others if pair[0] != "sslpassword")).url

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence without any part of what was typed; empty if nothing is."""
        if self.port and not (self.port.isascii() and self.port.isdigit() and 1 <= int(self.port[:6]) <= 65_535):
            return "The port is a number from 1 to 65535."
        if any(letter.isspace() or letter in "[]" for letter in self.host):
            return "The host is a name or a number, without spaces."
        if self._has_colon and not _is_ipv6(self.host):
            return "There is a colon in the host; the port has a field of its own."
        return ""

    @property
    def _has_colon(self) -> bool:
        return ":" in self.host and not self.host.startswith("/")


def without_secrets(url: str) -> str:
    """The text of a URL, its password and those among its parameters cut out and all else as it was typed."""
    return _PARAMETER.sub("", _PASSWORD.sub(r"\1@", url))


def asks_for_more(url: str) -> bool:
    """Whether a password stands at the end of a text, so that more of it may still be typed."""
    return _UNFINISHED.search(url) is not None


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def read(text: str) -> tuple[ServerAddress, str] | None:
    """The address and the password (empty if there is none) in a URL or in libpq's ``host=… dbname=…``, else ``None``.

    ``jdbc:`` and SQLAlchemy's ``+driver`` are understood, as that is what configuration files hold.
    """
    text = text.strip().removeprefix("jdbc:")
    scheme, mark, _ = text.partition("://")
    if mark and scheme.lower().partition("+")[0] in _PREFIXES:
        return _read_url(text)
    if not mark and "=" in text:
        return _read_pairs(text)
    return None


def _read_url(text: str) -> tuple[ServerAddress, str] | None:
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    credentials, _, place = parts.netloc.rpartition("@")
    user, _, password = credentials.partition(":")
    host, _, port = place.rpartition(":") if _has_port(place) else (place, "", "")
    address = {
        "host": unquote(host.removeprefix("[").removesuffix("]")),
        "port": unquote(port),
        "database": unquote(parts.path.removeprefix("/")),
        "user": unquote(user),
    }
    return _with_parameters(address, parse_qsl(parts.query, keep_blank_values=True), unquote(password))


def _has_port(place: str) -> bool:
    return ":" in place.rpartition("]")[2]


def _read_pairs(text: str) -> tuple[ServerAddress, str] | None:
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    if not all("=" in word for word in words):
        return None
    return _with_parameters({}, [(word.partition("=")[0], word.partition("=")[2]) for word in words], "")


def _with_parameters(address: dict[str, str], pairs: list[tuple[str, str]], password: str) -> tuple[ServerAddress, str]:
    others = []
    for name, value in pairs:
        if name == "password":
            password = value
        elif name == "sslmode" and value in SSL_MODES:
            address["sslmode"] = value
        elif name in _FIELDS:
            address[_FIELDS[name]] = value
        else:
            others.append((name, value))
    return ServerAddress(**address, others=tuple(others)), password

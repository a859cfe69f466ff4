"""Where a database is: a path or a URL, with the schema and store that were asked for."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from esviewer.domain import UsageError

_OWN_PARAMETERS = ("schema", "store")
_SECRETS = frozenset({"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
"""libpq's parameters that nobody should read over a shoulder (fe-connect.c of Postgres 18)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed STORE argument. ``text`` is for people and never holds a password; ``url`` does (Postgres only)."""

    backend: Literal["sqlite", "postgresql"]
    text: str
    path: Path | None = None
    url: str = field(default="", repr=False)
    schema: str | None = None
    store: str | None = None

    @property
    def database(self) -> str:
        """Name of the database: file name, or database name of the URL."""
        if self.path is not None:
            return self.path.name
        parts = urlsplit(self.url)
        named = dict(parse_qsl(parts.query)).get("dbname")
        return unquote(parts.path.lstrip("/")) or named or unquote(parts.username or "") or "postgres"

    @property
    def kept(self) -> str:
        """The address as it may be kept: a whole path or a URL without password, that :func:`parse` reads again."""
        base = str(self.path.absolute()) if self.path is not None else without_password(self.url)
        return _with(base, schema=self.schema, store=self.store)

    @property
    def whole(self) -> str:
        """The address with everything that opening needs, the password included; never shown or kept."""
        base = str(self.path.absolute()) if self.path is not None else self.url
        return _with(base, schema=self.schema, store=self.store)


def parse(text: str) -> Address:
    """The address that ``text`` names; raises :class:`UsageError` for an unknown kind of URL.

    ``library.sqlite``, ``library.sqlite?store=lending``, ``sqlite:///C:/x.db``, ``file:x.db``,
    ``postgresql://user@host/db?schema=shop&store=orders``.
    """
    text = text.strip()
    if not text:
        raise UsageError("The address is empty: give a path or a postgresql:// URL.")
    scheme = text.split(":", 1)[0].lower() if "://" in text or text.lower().startswith("file:") else ""
    if scheme.split("+")[0] in ("postgresql", "postgres"):
        return _parse_postgres(text)
    if scheme in ("sqlite", "file"):
        text = unquote(text.split(":", 1)[1])
        text = text[3:] if text.startswith("///") else text.removeprefix("//")
    elif scheme:
        raise UsageError(f"{scheme}:// is not a kind of database that esviewer reads: give a path or postgresql://…")
    return _parse_path(text)


def _parse_path(text: str) -> Address:
    own: dict[str, str] = {}
    if "?" in text and not Path(text).exists():
        text, query = text.split("?", 1)
        own = {name: value for name, value in parse_qsl(query) if name in _OWN_PARAMETERS}
    if re.match(r"(host|hostaddr|port|dbname|user|password|service)\s*=", text) and not Path(text).exists():
        # libpq's other way to spell an address; as a path it would be shown, with its password.
        raise UsageError("An address of words such as host=… is not read here: give postgresql://user@host/database.")
    path = Path(text).expanduser()
    return Address("sqlite", str(path), path=path, schema=own.get("schema"), store=own.get("store"))


def _parse_postgres(text: str) -> Address:
    try:
        parts = urlsplit(text)
        for host in parts.netloc.rpartition("@")[2].split(","):
            _ = urlsplit(f"//{host}").port
    except ValueError:
        # What urllib says quotes what it could not read, which may be half a password.
        raise UsageError("The address cannot be read: its host or port is malformed.") from None
    if "@" not in parts.netloc and ":" in parts.netloc and "@" in text.partition(parts.netloc)[2].partition("=")[0]:
        raise UsageError("The address cannot be read: in a name or password, write / ? # @ as %2F %3F %23 %40.")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    own = {name: value for name, value in pairs if name in _OWN_PARAMETERS}
    others = [(name, value) for name, value in pairs if name not in _OWN_PARAMETERS]
    url = _postgres_url(parts.netloc, parts.path, urlencode(others, quote_via=quote))
    return Address("postgresql", without_password(text), url=url, schema=own.get("schema"), store=own.get("store"))


def without_password(url: str) -> str:
    """The URL for people: same address, no password, neither before the host nor among the parameters."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    shown = user.split(":", 1)[0] + at + host
    pairs = [(n, v) for n, v in parse_qsl(parts.query, keep_blank_values=True) if n.lower() not in _SECRETS]
    return _postgres_url(shown, parts.path, urlencode(pairs, quote_via=quote))


def _postgres_url(netloc: str, path: str, query: str) -> str:
    """A URL that keeps its slashes where there is no host: libpq then takes its socket."""
    return f"postgresql://{netloc}{path or '/'}{'?' if query else ''}{query}"


def _with(base: str, **own: str | None) -> str:
    given = urlencode({name: value for name, value in own.items() if value is not None})
    return base + ("&" if "?" in base else "?") + given if given else base

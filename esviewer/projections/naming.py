"""How a projection is named (``file.py:Class``, ``file.yaml``, ``file.sql``, each ``@REVISION``), its kind and hash."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from esviewer.domain import NotFound, UsageError
from esviewer.projections.revisions import at_revision

Kind: TypeAlias = Literal["python", "steps", "sql"]

_KINDS: Final[dict[str, Kind]] = {
    ".py": "python",
    **dict.fromkeys((".yaml", ".yml", ".toml", ".json"), "steps"),
    ".sql": "sql",
}
_FORM: Final = re.compile(
    r"(?P<path>.*?\.(?:py|ya?ml|toml|json|sql))(?::(?P<member>[^\W\d]\w*))?(?:@(?P<revision>[^@].*))?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Named:
    """A projection's file, and the class in it if one is named. ``hash`` is that of the file's bytes (SHA-256).

    With a ``revision`` of git, ``source`` are the file's bytes as they were then, and the file as it is now is not
    looked at.
    """

    path: Path
    kind: Kind
    member: str | None
    hash: str
    revision: str | None = None
    source: bytes | None = field(default=None, repr=False)

    @property
    def runs_code(self) -> bool:
        """Whether using it runs somebody's Python, which needs consent."""
        return self.kind == "python"

    @property
    def text(self) -> str:
        """As it is named."""
        member = "" if self.member is None else f":{self.member}"
        return f"{self.path}{member}" + ("" if self.revision is None else f"@{self.revision}")

    def read(self) -> bytes:
        """The bytes of the file, or those it had at the revision; raises :class:`UsageError`."""
        return _bytes(self.path) if self.source is None else self.source

    def order(self) -> dict[str, Any]:
        """What the child is told."""
        source = None if self.source is None else self.source.decode("latin-1")
        return {
            "path": str(self.path),
            "kind": self.kind,
            "member": self.member,
            "revision": self.revision,
            "source": source,
        }

    @classmethod
    def told(cls, order: dict[str, Any]) -> Self:
        """The other way round."""
        path, source = Path(order["path"]), order["source"]
        held = None if source is None else source.encode("latin-1")
        found = _hash(_bytes(path) if held is None else held)
        return cls(path, order["kind"], order["member"], found, order["revision"], held)


def names_a_file(text: str) -> bool:
    """Whether a text has the form of a projection's file: what has not may be a name in a workspace."""
    return _FORM.fullmatch(text) is not None


def named(text: str) -> Named:
    """The projection that a text names; raises :class:`UsageError` and :class:`NotFound`.

    A Python file may be named without a class if it defines one projection only. ``@REVISION`` behind takes the file
    as git has it there.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise UsageError(f"{text!r} names no projection: give file.py:Class, file.yaml or file.sql.")
    path, member, revision = Path(form["path"]), form["member"], form["revision"]
    if revision is not None and Path(text).suffix in _KINDS and Path(text).is_file():
        # A file may be called so.
        path, member, revision = Path(text), None, None
    kind = _KINDS[path.suffix]
    if member is not None and kind != "python":
        raise UsageError(f"{path} holds one projection: name it without :{member}.")
    path = path.resolve()
    if revision is not None:
        source = at_revision(path, revision)
        return Named(path, kind, member, _hash(source), revision, source)
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    return Named(path, kind, member, _hash(_bytes(path)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failure:
        raise UsageError(f"{path} cannot be read: {failure.strerror}.") from None


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

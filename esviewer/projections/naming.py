"""How a projection is named (``file.py:Class``, ``file.yaml``), what its file says without running it, its hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias

from esviewer.domain import NotFound, UsageError

Kind: TypeAlias = Literal["python", "steps"]

_KINDS: Final[dict[str, Kind]] = {".py": "python", **dict.fromkeys((".yaml", ".yml", ".toml", ".json"), "steps")}


@dataclass(frozen=True, slots=True)
class Named:
    """A projection's file, and the class in it if one is named. ``hash`` is that of the file's bytes (SHA-256)."""

    path: Path
    kind: Kind
    member: str | None
    hash: str

    @property
    def runs_code(self) -> bool:
        """Whether using it runs somebody's Python, which needs consent."""
        return self.kind == "python"

    @property
    def text(self) -> str:
        """As it is named."""
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    def order(self) -> dict[str, Any]:
        """What the child is told."""
        return {"path": str(self.path), "kind": self.kind, "member": self.member}

    @classmethod
    def told(cls, order: dict[str, Any]) -> Self:
        """The other way round."""
        path = Path(order["path"])
        return cls(path, order["kind"], order["member"], _hash(path))


def named(text: str) -> Named:
    """The projection that a text names; raises :class:`UsageError` and :class:`NotFound`.

    A Python file may be named without a class if it defines one projection only.
    """
    path, member = Path(text), None
    head, colon, tail = text.rpartition(":")
    if colon and tail.isidentifier() and Path(head).suffix in _KINDS:
        path, member = Path(head), tail
    kind = _KINDS.get(path.suffix)
    if path.suffix == ".sql":
        raise UsageError(f"{path} is SQL, which this version does not run: write the projection in Python or YAML.")
    if kind is None:
        raise UsageError(f"{text!r} names no projection: give file.py:Class, file.yaml or file.toml.")
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    if member is not None and kind != "python":
        raise UsageError(f"{path} holds one projection: name it without :{member}.")
    path = path.resolve()
    return Named(path, kind, member, _hash(path))


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as failure:
        raise UsageError(f"{path} cannot be read: {failure.strerror}.") from None

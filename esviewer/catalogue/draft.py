"""A shape that is being edited: its attributes as rows, with what each was before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from esviewer.catalogue.model import Attribute, TypeVersion
from esviewer.catalogue.paths import items, member
from esviewer.domain import UsageError, Value

Mark: TypeAlias = Literal["", "added", "changed", "removed"]

TYPES: Final = ("any", "string", "int", "number", "bool", "object", "array", "bytes")
"""What an attribute may be said to be."""


@dataclass(slots=True, eq=False)
class DraftRow:
    """One attribute of the draft; ``before`` is what it was, ``None`` for one that is new.

    ``attribute`` says nothing of what lies inside: that are the ``children``, of an array those of its elements.
    """

    name: str
    attribute: Attribute
    was: str | None = None
    before: Attribute | None = None
    whole: Attribute | None = None
    """What it was, with all that lay inside."""
    is_removed: bool = False
    children: list[DraftRow] = field(default_factory=list)
    parent: DraftRow | None = None

    @property
    def mark(self) -> Mark:
        """What became of it."""
        if self.is_removed:
            return "removed"
        if self.before is None:
            return "added"
        return "changed" if self.name != self.was or self.attribute != self.before else ""

    @property
    def depth(self) -> int:
        """How many rows it lies within."""
        return 0 if self.parent is None else self.parent.depth + 1

    @property
    def is_shown(self) -> bool:
        """Whether its type still has an inside that its parent's type has room for."""
        above = self.parent
        return above is None or (above.is_shown and above.has_room)

    @property
    def has_room(self) -> bool:
        """Whether its type has an inside of which something is said."""
        types = self.attribute.types
        return bool({"object", "array"} & set(types)) if types else self.whole is not None and not self.whole.types

    @property
    def is_gone(self) -> bool:
        """Whether it, or something that it lies in, is removed."""
        return self.is_removed or (self.parent is not None and self.parent.is_gone)

    @property
    def path(self) -> str:
        """Its path in the draft."""
        return self._path(self.name)

    def _path(self, name: str) -> str:
        above = self.parent
        if above is None:
            return member("", name)
        return member(items(above.path) if above.has_elements else above.path, name)

    @property
    def has_elements(self) -> bool:
        """Whether its children are those of the elements of an array."""
        return "array" in self.attribute.types and "object" not in self.attribute.types


class ShapeDraft:
    """The rows of a shape; each edit changes them in place. Rows that are removed stay, so that they can come back."""

    def __init__(self, shape: TypeVersion) -> None:
        self._shape = shape
        self.top: list[DraftRow] = _rows_of(shape, None)

    def rows(self) -> list[DraftRow]:
        """The rows as they are shown, each before what lies in it."""
        found, pending = list[DraftRow](), self.top[::-1]
        while pending:
            row = pending.pop()
            if row.is_shown:
                found.append(row)
                pending += row.children[::-1]
        return found

    @property
    def is_edited(self) -> bool:
        """Whether it means something else than what it began with."""
        return self.shape() != self._shape

    def shape(self) -> TypeVersion:
        """The shape that the rows say."""
        return replace(self._shape, attributes={row.name: _attribute(row) for row in self.top if not row.is_removed})

    def renames(self) -> dict[str, str]:
        """Old paths with new ones, outer ones first; old ones begin with the new path of what they lie in.

        Those inside arrays are left out: no single step renames them.
        """
        return {
            row._path(row.was): row.path
            for row in self.rows()
            if row.was is not None and row.was != row.name and not row.is_gone and "[]" not in row.path
        }

    # Edits

    def add(self, beside: DraftRow | None = None) -> DraftRow:
        """A new attribute: behind a row and beside it, at the end without one."""
        siblings = self._siblings(beside)
        taken, number = {row.name for row in siblings}, 1
        while (name := "attribute" if number == 1 else f"attribute_{number}") in taken:
            number += 1
        row = DraftRow(name, Attribute(("string",)), parent=beside.parent if beside is not None else None)
        siblings.insert(siblings.index(beside) + 1 if beside is not None else len(siblings), row)
        return row

    def remove(self, row: DraftRow) -> None:
        """Takes an attribute out, or back in; what was new is gone for good."""
        if row.before is None:
            self._siblings(row).remove(row)
        elif row.is_removed and row.name in self._names_beside(row):
            raise UsageError(f"There is another attribute {row.name} now: rename it first.")
        else:
            row.is_removed = not row.is_removed

    def rename(self, row: DraftRow, name: str) -> None:
        """Gives another name; raises :class:`UsageError` for one that is empty or taken."""
        name = name.strip()
        if not name:
            raise UsageError("An attribute has a name.")
        if name in self._names_beside(row):
            raise UsageError(f"There is an attribute {name} already.")
        row.name = name

    def change(
        self,
        row: DraftRow,
        *,
        types: tuple[str, ...] | None = None,
        required: bool | None = None,
        nullable: bool | None = None,
        default: Value = ...,
    ) -> None:
        """Changes what an attribute may hold; what is not given stays. ``MISSING`` takes the default away."""
        changed = row.attribute
        if types is not None:
            changed = replace(changed, types=() if "any" in types else tuple(sorted(types)))
        if required is not None:
            changed = replace(changed, required=required)
        if nullable is not None:
            changed = replace(changed, nullable=nullable)
        if default is not ...:
            changed = replace(changed, default=default)
        row.attribute = changed

    def _siblings(self, row: DraftRow | None) -> list[DraftRow]:
        return self.top if row is None or row.parent is None else row.parent.children

    def _names_beside(self, row: DraftRow) -> set[str]:
        return {other.name for other in self._siblings(row) if other is not row and not other.is_removed}


def _rows_of(inside: TypeVersion | Attribute, parent: DraftRow | None) -> list[DraftRow]:
    made = []
    for name, attribute in (inside.attributes or {}).items():
        own = replace(attribute, attributes=None, items=None)
        row = DraftRow(name, own, name, own, whole=attribute, parent=parent)
        within = attribute if attribute.attributes is not None else attribute.items
        if within is not None:
            row.children = _rows_of(within, row)
        made.append(row)
    return made


def _attribute(row: DraftRow) -> Attribute:
    """The attribute with what lies inside, as far as its type still has an inside."""
    whole, types = row.whole, row.attribute.types
    if whole is None or not row.has_room:
        return row.attribute
    inner = {child.name: _attribute(child) for child in row.children if not child.is_removed}
    if whole.attributes is not None and (not types or "object" in types):
        return replace(row.attribute, attributes=inner)
    if whole.items is not None and (not types or "array" in types):
        elements = whole.items if whole.items.attributes is None else replace(whole.items, attributes=inner)
        return replace(row.attribute, items=elements)
    return row.attribute

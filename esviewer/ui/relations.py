"""Which events an event is tied to by what the store itself records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from esviewer.domain import Event
from esviewer.stores.index import Index
from esviewer.stores.reader import Reader

LIMIT = 2_000
"""Events of one group that are read at most."""


@dataclass(frozen=True, slots=True)
class Related:
    """The cause (none or one), the direct effects, the conversation and the transaction, each in store order.

    ``None`` for a group means that the event carries nothing to look for.
    """

    cause: tuple[Event, ...] | None
    effects: tuple[Event, ...] | None
    correlation: tuple[Event, ...] | None
    transaction: tuple[Event, ...] | None
    records_transactions: bool

    def groups(self) -> Iterator[tuple[str, tuple[Event, ...], str]]:
        """Title, events, and the sentence for an empty group."""
        yield (
            "Caused by",
            self.cause or (),
            ("Its cause is not in this store." if self.cause is not None else "No cause is recorded for it."),
        )
        yield (
            "Caused",
            self.effects or (),
            (
                "Nothing in this store names it as its cause."
                if self.effects is not None
                else "Causes are not recorded."
            ),
        )
        yield "Same correlation", self.correlation or (), "No correlation is recorded for it."
        yield (
            "Same transaction",
            self.transaction or (),
            ("It was saved alone." if self.records_transactions else "This framework does not record transactions."),
        )


def find_related(event: Event, index: Index, reader: Reader) -> Related:
    """Looks the related events up in the index and reads them, so that a hash that collides shows nothing wrong."""
    dialect = reader.dialect
    own = dialect.related(event)

    def group(column: str, name: str | None, field: str) -> tuple[Event, ...] | None:
        if name is None:
            return None
        rows = index.rows_related(column, name)[:LIMIT]
        events = reader.at([index.key_of(int(row)) for row in rows])
        return tuple(other for other in events if getattr(dialect.related(other), field) == name)

    cause = group("own", own.cause, "own")
    if cause is not None:
        cause = tuple(other for other in cause if other.key != event.key)
    effects = group("cause", own.own, "cause")
    if effects is not None:
        effects = tuple(other for other in effects if other.key != event.key)
    return Related(
        cause,
        effects,
        group("correlation", own.correlation, "correlation"),
        group("transaction", own.transaction, "transaction"),
        own.transaction is not None,
    )

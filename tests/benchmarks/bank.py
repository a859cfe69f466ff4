"""Classes for the topics of make_store.py, so that Python's eventsourcing can load what it wrote."""

from __future__ import annotations

import sys
from datetime import date
from types import ModuleType
from typing import Any

from eventsourcing.domain import Aggregate
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, Transcoding, UUIDAsHex


class DateAsISO(Transcoding):
    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class Account(Aggregate):
    """What its events carry, merged."""

    class Opened(Aggregate.Created):
        pass

    class Event(Aggregate.Event):
        def apply(self, aggregate: Any) -> None:
            for name, value in self.__dict__.items():
                if name not in ("originator_id", "originator_version", "timestamp"):
                    setattr(aggregate, name, value)

    class Deposited(Event):
        pass

    class Withdrawn(Event):
        pass

    class TransferSent(Event):
        pass

    class TransferReceived(Event):
        pass

    class FeeCharged(Event):
        pass

    class NoteAdded(Event):
        pass

    class LimitChanged(Event):
        pass

    def __init__(self, command: str, desk: str | None, owner: dict[str, Any], currency: str) -> None:
        self.command, self.desk, self.owner, self.currency = command, desk, owner, currency


def register() -> None:
    """Makes the module ``bank`` that topics name."""
    module = ModuleType("bank")
    module.Account = Account  # type: ignore[attr-defined]
    sys.modules["bank"] = module


def transcodings() -> list[Transcoding]:
    """What the states are written with."""
    return [UUIDAsHex(), DecimalAsStr(), DatetimeAsISO(), DateAsISO()]

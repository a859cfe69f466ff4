"""What every aggregate of the department shares: dates as JSON, and the application that stores them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import JSONTranscoder, Transcoding

Address = dict[str, Any]
"""`street`, `postcode`, `city`, and `geo` with `lat` and `lon`."""
Money = dict[str, Any]
"""`amount` as a Decimal, `currency` as three letters."""


class DateAsISO(Transcoding):
    """Calendar days as `2024-02-29`."""

    type = date
    name = "date_iso"

    def encode(self, obj: date) -> str:
        return obj.isoformat()

    def decode(self, data: str) -> date:
        return date.fromisoformat(data)


class DepartmentApplication(Application[UUID]):
    """An application that can store calendar days."""

    def register_transcodings(self, transcoder: JSONTranscoder) -> None:
        super().register_transcodings(transcoder)
        transcoder.register(DateAsISO())

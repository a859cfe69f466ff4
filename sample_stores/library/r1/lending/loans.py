"""Loans, and holds on what is out."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from lending.base import Money


class Loan(Aggregate):
    class Started(Aggregate.Created):
        copy_id: UUID
        member_id: UUID
        branch_code: str
        due: date

    @event(Started)
    def __init__(self, copy_id: UUID, member_id: UUID, branch_code: str, due: date) -> None:
        self.copy_id = copy_id
        self.member_id = member_id
        self.branch_code = branch_code
        self.due = due
        self.status = "open"
        self.renewals = 0
        self.reminders: list[dict[str, Any]] = []

    class Renewed(Aggregate.Event):
        due: date

    @event(Renewed)
    def renew(self, due: date) -> None:
        self.due = due
        self.renewals += 1

    @event("Reminded")
    def remind(self, level: int, letter: dict[str, Any]) -> None:
        self.reminders.append({"level": level, **letter})

    @event("Returned")
    def bring_back(self, branch_code: str, days_late: int) -> None:
        self.status = "returned"
        self.returned_to = branch_code
        self.days_late = days_late

    @event("DeclaredLost")
    def declare_lost(self, replacement: Money) -> None:
        self.status = "lost"
        self.replacement = replacement


class Hold(Aggregate):
    @event("Placed")
    def __init__(self, isbn: str, member_id: UUID, pickup: str) -> None:
        self.isbn = isbn
        self.member_id = member_id
        self.pickup = pickup
        self.status = "waiting"
        self.until: date | None = None

    class Deferred(Aggregate.Event):
        until: date

    @event(Deferred)
    def defer(self, until: date) -> None:
        self.until = until

    @event("Filled")
    def fill(self, copy_id: UUID) -> None:
        self.status = "filled"
        self.copy_id = copy_id

    @event("Cancelled")
    def cancel(self, by: str, reason: str | None) -> None:
        self.status = "cancelled"
        self.cancelled = {"by": by, "reason": reason}

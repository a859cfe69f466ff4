"""Branches, and the copies that stand in them."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from lending.base import Address, Money


class Branch(Aggregate):
    @event("Opened")
    def __init__(self, code: str, name: str, address: Address) -> None:
        self.code = code
        self.name = name
        self.address = address
        self.hours: dict[str, list[str]] = {}
        self.manager: str | None = None
        self.closed: dict[str, Any] | None = None
        self.counts: list[dict[str, Any]] = []

    @event("HoursSet")
    def set_hours(self, weekday: str, hours: list[str]) -> None:
        self.hours[weekday] = hours

    @event("ManagerAppointed")
    def appoint_manager(self, name: str) -> None:
        self.manager = name

    @event("Closed")
    def close(self, reason: str, first: date, last: date) -> None:
        self.closed = {"reason": reason, "first": first, "last": last}

    @event("Reopened")
    def reopen(self) -> None:
        self.closed = None

    @event("StockCounted")
    def count_stock(self, year: int, shelves: dict[str, int], missing: list[str]) -> None:
        self.counts.append({"year": year, "total": sum(shelves.values()), "missing": missing})


class Copy(Aggregate):
    @event("Acquired")
    def __init__(self, work: dict[str, Any], barcode: str, branch_id: UUID, price: Money) -> None:
        self.work = work
        self.barcode = barcode
        self.branch_id = branch_id
        self.price = price
        self.status = "new"
        self.shelf: str | None = None
        self.condition = 5
        self.loan_id: UUID | None = None
        self.times_lent = 0
        self.remarks: list[str] = []

    @event("Shelved")
    def shelve(self, shelf: str) -> None:
        self.shelf = shelf
        self.status = "on the shelf"

    @event("LentOut")
    def lend_out(self, loan_id: UUID) -> None:
        self.loan_id = loan_id
        self.status = "out"
        self.times_lent += 1

    @event("CameBack")
    def come_back(self, branch_id: UUID) -> None:
        self.loan_id = None
        self.branch_id = branch_id
        self.status = "to be shelved"

    @event("Inspected")
    def inspect(self, condition: int, remarks: list[str]) -> None:
        self.condition = condition
        self.remarks.extend(remarks)

    @event("Tagged")
    def tag(self, rfid: str) -> None:
        self.rfid = rfid

    @event("Withdrawn")
    def withdraw(self, reason: str) -> None:
        self.status = "withdrawn"
        self.remarks.append(reason)

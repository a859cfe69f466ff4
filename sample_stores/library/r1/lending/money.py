"""What members owe."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from eventsourcing.domain import Aggregate, event


class Fine(Aggregate):
    @event("Raised")
    def __init__(self, loan_id: UUID, member_id: UUID, amount: Decimal, reason: dict[str, Any]) -> None:
        self.loan_id = loan_id
        self.member_id = member_id
        self.amount = amount
        self.reason = reason
        self.paid = Decimal("0.00")
        self.status = "owed"
        self.payments: list[dict[str, Any]] = []

    @property
    def owed(self) -> Decimal:
        return self.amount - self.paid

    @event("PaymentReceived")
    def receive_payment(self, reference: str, amount: Decimal, method: str) -> None:
        self.paid += amount
        self.payments.append({"reference": reference, "amount": amount, "method": method})
        self.status = "paid" if self.paid >= self.amount else "owed"

    @event("Waived")
    def waive(self, by: str, reason: str) -> None:
        self.status = "waived"
        self.waived = {"by": by, "reason": reason}

"""The people who borrow."""

from __future__ import annotations

from datetime import date

from eventsourcing.domain import Aggregate, event

from lending.base import Address


class Member(Aggregate):
    class Registered(Aggregate.Created):
        full_name: str
        card_no: str
        born: date
        email: str
        address: Address
        interests: list[str]

    @event(Registered)
    def __init__(
        self, full_name: str, card_no: str, born: date, email: str, address: Address, interests: list[str]
    ) -> None:
        self.full_name = full_name
        self.card_no = card_no
        self.born = born
        self.email = email
        self.address = address
        self.interests = interests
        self.blocked: str | None = None
        self.notes: list[str] = []

    @event("EmailChanged")
    def change_email(self, email: str) -> None:
        self.email = email

    @event("Moved")
    def move(self, address: Address) -> None:
        self.address = address

    @event("InterestsChanged")
    def change_interests(self, added: list[str], dropped: list[str]) -> None:
        self.interests = [word for word in self.interests if word not in dropped] + added

    @event("NoteAdded")
    def add_note(self, text: str) -> None:
        self.notes.append(text)

    @event("Blocked")
    def block(self, reason: str) -> None:
        self.blocked = reason

    @event("Unblocked")
    def unblock(self) -> None:
        self.blocked = None

"""The people who borrow."""

from __future__ import annotations

from datetime import date
from typing import Any

from eventsourcing.domain import Aggregate, event

from lending.base import Address


class Member(Aggregate):
    class_version = 2

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Mends the snapshots of release 1."""
        state["name"] = state.pop("full_name")
        state["locale"] = "nl"

    class Registered(Aggregate.Created):
        name: str
        card_no: str
        born: date
        email: str
        address: Address
        interests: list[str]
        locale: str

        class_version = 2

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["name"] = state.pop("full_name")
            state["locale"] = "nl"

    @event(Registered)
    def __init__(
        self,
        name: str,
        card_no: str,
        born: date,
        email: str,
        address: Address,
        interests: list[str],
        locale: str,
    ) -> None:
        self.name = name
        self.locale = locale
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

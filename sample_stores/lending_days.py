"""Nearly three simulated years of a city library, lived through the application of whichever release is imported.

Everything hangs on one seeded generator and one simulated clock, so the same release on the same store writes the
same events. The department's own code knows nothing of either: see `make_lending.run_release`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from eventsourcing.utils import TopicError
from lending_names import (
    BRANCHES,
    INTERESTS,
    MEMBERS,
    NOTES,
    REMARKS,
    STAFF,
    STREETS,
    WORKS,
    isbn_of,
)


class Period(NamedTuple):
    """So many doings of staff and members between two days, both included; months left out are idle."""

    first: date
    last: date
    doings: int


CALENDAR = {
    1: (
        Period(date(2023, 1, 9), date(2023, 2, 28), 70),
        Period(date(2023, 3, 1), date(2023, 3, 31), 80),
        Period(date(2023, 4, 1), date(2023, 6, 17), 75),
        # Until September every branch is closed: asbestos.
        Period(date(2023, 9, 4), date(2023, 11, 30), 90),
    ),
    2: (
        Period(date(2023, 12, 11), date(2024, 3, 8), 65),
        Period(date(2024, 3, 9), date(2024, 3, 17), 110),  # the national week of the book
        Period(date(2024, 3, 18), date(2024, 6, 30), 60),
        Period(date(2024, 9, 2), date(2024, 11, 29), 75),
    ),
    3: (
        Period(date(2025, 1, 13), date(2025, 2, 14), 55),
        # Until July: water in the cellar of the computer room.
        Period(date(2025, 7, 7), date(2025, 7, 9), 40),
        Period(date(2025, 7, 10), date(2025, 9, 26), 75),
    ),
}


class Clock:
    """The time that the library `eventsourcing` is told; never goes back, and never shows the same moment twice."""

    def __init__(self, now: datetime, rng: random.Random) -> None:
        self.now = now
        self._rng = rng

    def move_to(self, moment: datetime) -> None:
        self.now = max(self.now, moment)

    def __call__(self) -> datetime:
        self.now += timedelta(microseconds=self._rng.randrange(400, 90_000))
        return self.now


@dataclass(slots=True)
class Known:
    """Ids that one release hands to the next, as text; each list in order of appearance."""

    branches: list[str]
    copies: list[str]
    members: list[str]
    loans: list[str]
    """Open loans only."""
    holds: list[str]
    """Holds that wait."""
    fines: list[str]
    """Fines with something left to pay."""
    payments: int
    """References given out so far."""


class Department:
    """Staff and members of release 1, 2 or 3 of the software; every doing saves at least one event or says False."""

    def __init__(self, release: int, lending: Any, rng: random.Random, clock: Clock, known: Known) -> None:
        self.release = release
        self.lending = lending
        self.rng = rng
        self.clock = clock
        self.known = known
        self.app = lending.Lending()
        self.doings: dict[Callable[[], bool], float] = {
            self.lend: 34,
            self.take_back: 27,
            self.renew: 7,
            self.remind: 14,
            self.place_hold: 6,
            self.settle_hold: 7,
            self.receive_payment: 6.5 if self.release == 1 else 5,
            self.waive_fine: 1.5,
            self.inspect: 6,
            self.tag_copy: 4 if release > 1 else 0,
            self.declare_lost: 4,
            self.register_member: 0.8 if self.release == 1 else 2.5,
            self.change_member: 9,
            self.change_hours: 1.5,
        }

    def live(self) -> None:
        """Opens the house (release 1) or counts the stock, then lives through the periods of this release."""
        for number, period in enumerate(CALENDAR[self.release]):
            self.clock.move_to(datetime.combine(period.first, datetime.min.time(), UTC) + timedelta(hours=7))
            if number == 0:
                self.open_house() if self.release == 1 else self.count_stock()
            elif (period.first - CALENDAR[self.release][number - 1].last).days > 30:
                self.reopen()
            for moment in self._moments(period):
                self.clock.move_to(moment)
                self._do_something()
            after = CALENDAR[self.release][number + 1 : number + 2]
            if after and (after[0].first - period.last).days > 30:
                self.close(after[0].first - timedelta(days=1))
        self.app.close()

    def _moments(self, period: Period) -> list[datetime]:
        """Sorted moments in opening hours, three in four on an afternoon."""
        days = (period.last - period.first).days + 1
        moments = []
        for _ in range(period.doings):
            day = period.first + timedelta(days=self.rng.randrange(days))
            hour = self.rng.triangular(9, 20, 16)
            moments.append(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour))
        return sorted(moments)

    def _do_something(self) -> None:
        doings, weights = list(self.doings), list(self.doings.values())
        while not self.rng.choices(doings, weights)[0]():
            pass

    # -- ids, days, words

    def _get(self, identifier: str) -> Any:
        return self.app.repository.get(UUID(identifier))

    def _one_of(self, identifiers: list[str]) -> Any | None:
        return self._get(self.rng.choice(identifiers)) if identifiers else None

    def _day(self, days: int) -> date:
        return self.clock.now.date() + timedelta(days=days)

    def _due(self, days: int) -> dict[str, date]:
        """The day under the name that this release has for it."""
        return {"due" if self.release == 1 else "due_on": self._day(days)}

    def _amount(self, low: int, high: int) -> Decimal:
        return Decimal(self.rng.randrange(low, high, 5)).scaleb(-2)

    def _branch(self) -> tuple[UUID, str]:
        """Id and code of a branch; the first is as busy as the other two."""
        number = self.rng.choices(range(len(BRANCHES)), (2, 1, 1))[0]
        return UUID(self.known.branches[number]), BRANCHES[number][0]

    def _address(self) -> dict[str, Any]:
        return {
            "street": f"{self.rng.choice(STREETS)} {self.rng.randrange(1, 240)}",
            "postcode": f"35{self.rng.randrange(10, 85)} {self.rng.choice('ABCDEGHJ')}{self.rng.choice('KLNPRTVW')}",
            "city": "Utrecht",
            "geo": {
                "lat": (520_500 + self.rng.randrange(900)) / 10_000,
                "lon": (50_500 + self.rng.randrange(900)) / 10_000,
            },
        }

    # -- the house

    def open_house(self) -> None:
        for code, name, street, postcode, lat, lon in BRANCHES:
            address = {"street": street, "postcode": postcode, "city": "Utrecht", "geo": {"lat": lat, "lon": lon}}
            branch = self.lending.Branch(code=code, name=name, address=address)
            branch.appoint_manager(name=self.rng.choice(STAFF))
            for weekday in ("tuesday", "wednesday", "friday", "saturday"):
                branch.set_hours(weekday=weekday, hours=["10:00", "18:00"])
            self.app.save(branch)
            self.known.branches.append(str(branch.id))
        for number in range(len(WORKS) + 12):
            self._acquire(number % len(WORKS))
        for _ in range(14):
            self.register_member()

    def _acquire(self, number: int) -> None:
        branch_id, code = self._branch()
        copy = self.lending.Copy(
            work=WORKS[number].described(isbn_of(number)),
            barcode=f"{code}{self.rng.randrange(10**8):08d}",
            branch_id=branch_id,
            price={"amount": self._amount(800, 4500), "currency": "EUR"},
        )
        copy.shelve(shelf=f"{WORKS[number].language.upper()}{self.rng.randrange(1, 9)}")
        self.app.save(copy)
        self.known.copies.append(str(copy.id))

    def count_stock(self) -> None:
        for identifier in self.known.branches:
            branch = self._get(identifier)
            shelves = {f"{letter}{self.rng.randrange(1, 9)}": self.rng.randrange(40, 190) for letter in "ABNPZ"}
            missing = [self._get(copy).barcode for copy in self.rng.sample(self.known.copies, self.rng.randrange(3))]
            branch.count_stock(year=self.clock.now.year, shelves=shelves, missing=missing)
            self.app.save(branch)

    def close(self, last: date) -> None:
        reason = {1: "asbestos in the ceilings", 2: "summer", 3: "water in the computer room"}[self.release]
        for branch in map(self._get, self.known.branches):
            branch.close(reason=reason, first=self._day(1), last=last)
            self.app.save(branch)

    def reopen(self) -> None:
        for branch in map(self._get, self.known.branches):
            branch.reopen()
            self.app.save(branch)

    def change_hours(self) -> bool:
        branch = self._one_of(self.known.branches)
        assert branch is not None
        weekday = self.rng.choice(("monday", "thursday", "sunday"))
        branch.set_hours(weekday=weekday, hours=self.rng.choice((["13:00", "21:00"], [], ["10:00", "14:00"])))
        self.app.save(branch)
        return True

    # -- loans

    def _copy_to_lend(self) -> Any | None:
        """The first copy of all is the one that everybody wants."""
        if self.rng.random() < 0.16:
            return self._get(self.known.copies[0])
        return self._one_of(self.known.copies)

    def lend(self) -> bool:
        copy = self._copy_to_lend()
        member = self._one_of(self.known.members)
        if copy is None or copy.status != "on the shelf" or member is None or member.blocked:
            return False
        more = {"desk": self.rng.choice(("D1", "D2", "kiosk", None))} if self.release > 2 else {}
        loan = self.lending.Loan(
            copy_id=copy.id, member_id=member.id, branch_code=self._branch()[1], **self._due(21), **more
        )
        copy.lend_out(loan_id=loan.id)
        self.app.save(loan, copy)  # one transaction: neighbours in the store
        self.known.loans.append(str(loan.id))
        return True

    def _loan_coming_back(self) -> Any | None:
        wanted = self._get(self.known.copies[0])
        if wanted.loan_id is not None and str(wanted.loan_id) in self.known.loans and self.rng.random() < 0.5:
            return self._get(str(wanted.loan_id))
        return self._one_of(self.known.loans)

    def take_back(self) -> bool:
        loan = self._loan_coming_back()
        if loan is None:
            return False
        branch_id, code = self._branch()
        late = max(0, (self._day(0) - self._due_day(loan)).days)
        loan.bring_back(branch_code=code, days_late=late)
        copy = self._get(str(loan.copy_id))
        copy.come_back(branch_id=branch_id)
        copy.shelve(shelf=f"{copy.work['published']['language'].upper()}{self.rng.randrange(1, 9)}")
        self.known.loans.remove(str(loan.id))
        saved = [loan, copy]
        if late:
            reason = {"kind": "late", "days": late, "rate": Decimal("0.15")}
            saved.append(self._raise_fine(loan, min(Decimal("0.15") * late, Decimal("9.00")), reason))
        self.app.save(*saved)
        return True

    def _due_day(self, loan: Any) -> date:
        day: date = loan.due if self.release == 1 else loan.due_on
        return day

    def renew(self) -> bool:
        loan = self._one_of(self.known.loans)
        if loan is None or loan.renewals > 2:
            return False
        loan.renew(**self._due(21))
        self.app.save(loan)
        return True

    def remind(self) -> bool:
        loan = self._one_of(self.known.loans)
        if loan is None or self._due_day(loan) >= self._day(0) or len(loan.reminders) > 2:
            return False
        channel = self.rng.choice(("email", "letter", "telephone"))
        letter = {"channel": channel, "sent_by": self.rng.choice(STAFF), "fee": self._amount(0, 150)}
        loan.remind(level=len(loan.reminders) + 1, letter=letter)
        self.app.save(loan)
        return True

    def declare_lost(self) -> bool:
        loan = self._one_of(self.known.loans)
        if loan is None or str(loan.copy_id) == self.known.copies[0] or self._due_day(loan) >= self._day(-5):
            return False
        copy = self._get(str(loan.copy_id))
        loan.declare_lost(replacement=copy.price)
        copy.withdraw(reason="lost by a member")
        fine = self._raise_fine(loan, copy.price["amount"], {"kind": "lost", "barcode": copy.barcode})
        self.app.save(loan, copy, fine)
        self.known.loans.remove(str(loan.id))
        self._acquire(self.rng.randrange(len(WORKS)))
        return True

    # -- money

    def _raise_fine(self, loan: Any, amount: Decimal, reason: dict[str, Any]) -> Any:
        kind = self.lending.Charge if self.release > 2 else self.lending.Fine
        fine = kind(loan_id=loan.id, member_id=loan.member_id, amount=amount, reason=reason)
        self.known.fines.append(str(fine.id))
        return fine

    def receive_payment(self) -> bool:
        """Pays all or half; one in six references was given out before, by a card reader that stuttered."""
        fine = self._one_of(self.known.fines)
        if fine is None:
            return False
        if self.known.payments == 0 or self.rng.random() > 1 / 6:
            self.known.payments += 1
        in_full = fine.owed < Decimal("0.50") or self.rng.random() < 0.5
        amount = fine.owed if in_full else (fine.owed / 2).quantize(Decimal("0.01"))
        fine.receive_payment(
            reference=f"PAY-{self.known.payments:05d}", amount=amount, method=self.rng.choice(("card", "cash", "iDEAL"))
        )
        self.app.save(fine)
        if fine.status == "paid":
            self.known.fines.remove(str(fine.id))
        return True

    def waive_fine(self) -> bool:
        fine = self._one_of(self.known.fines)
        if fine is None:
            return False
        fine.waive(by=self.rng.choice(STAFF), reason=self.rng.choice(("branch was closed", "hospital", "goodwill")))
        self.app.save(fine)
        self.known.fines.remove(str(fine.id))
        return True

    # -- holds and copies

    def place_hold(self) -> bool:
        member = self._one_of(self.known.members)
        assert member is not None
        isbn = isbn_of(self.rng.randrange(len(WORKS)))
        hold = self.lending.Hold(isbn=isbn, member_id=member.id, pickup=self._branch()[1])
        self.app.save(hold)
        self.known.holds.append(str(hold.id))
        return True

    def settle_hold(self) -> bool:
        """Defers, fills or cancels. Release 3 cannot load a hold that was ever deferred, and its staff give up."""
        try:
            hold = self._one_of(self.known.holds)
        except TopicError:
            return False
        if hold is None:
            return False
        chance = self.rng.random()
        if chance < 0.4 and self.release < 3:
            hold.defer(until=self._day(self.rng.randrange(7, 60)))
        elif chance < 0.8:
            hold.fill(copy_id=UUID(self.rng.choice(self.known.copies)))
        else:
            hold.cancel(by=self.rng.choice(("member", "staff")), reason=self.rng.choice((None, "bought it", "moved")))
        self.app.save(hold)
        if hold.status != "waiting":
            self.known.holds.remove(str(hold.id))
        return True

    def inspect(self) -> bool:
        copy = self._copy_to_lend()
        if copy is None or copy.status == "withdrawn":
            return False
        remarks = self.rng.sample(REMARKS, self.rng.choice((0, 0, 1, 2)))
        copy.inspect(condition=max(1, copy.condition - len(remarks)) if remarks else copy.condition, remarks=remarks)
        self.app.save(copy)
        return True

    def tag_copy(self) -> bool:
        copy = self._one_of(self.known.copies)
        if copy is None or copy.status == "withdrawn":
            return False
        copy.tag(rfid=f"E004-0100-{self.rng.getrandbits(32):08X}")
        self.app.save(copy)
        return True

    # -- members

    def register_member(self) -> bool:
        number = len(self.known.members)
        if number >= len(MEMBERS):
            return False
        name = MEMBERS[number]
        more = {"full_name": name} if self.release == 1 else {"name": name, "locale": self.rng.choice(("nl", "en"))}
        member = self.lending.Member(
            card_no=f"C{20_000 + number * 37}",
            born=date(1938, 1, 1) + timedelta(days=self.rng.randrange(26_000)),
            email=f"reader{number + 1}@post.example",
            address=self._address(),
            interests=self.rng.sample(INTERESTS, self.rng.randrange(4)),
            **more,
        )
        self.app.save(member)
        self.known.members.append(str(member.id))
        return True

    def change_member(self) -> bool:
        member = self._one_of(self.known.members)
        assert member is not None
        chance = self.rng.random()
        if member.blocked:
            member.unblock()
        elif chance < 0.15:
            member.block(reason=self.rng.choice(("three unpaid fines", "card reported stolen")))
        elif chance < 0.4:
            member.add_note(text=self.rng.choice(NOTES))
        elif chance < 0.6:
            member.move(address=self._address())
        elif chance < 0.75:
            member.change_email(email=f"reader.{self.rng.randrange(1000)}@mail.example")
        else:
            fresh = [word for word in INTERESTS if word not in member.interests]
            member.change_interests(added=self.rng.sample(fresh, min(1, len(fresh))), dropped=member.interests[:1])
        self.app.save(member)
        return True

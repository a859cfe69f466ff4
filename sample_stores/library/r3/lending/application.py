"""The application: one store for the whole department."""

from __future__ import annotations

from typing import ClassVar

from lending.base import DepartmentApplication
from lending.loans import Hold, Loan
from lending.members import Member
from lending.money import Charge
from lending.stock import Branch, Copy

__all__ = ["Branch", "Charge", "Copy", "Hold", "Lending", "Loan", "Member"]


class Lending(DepartmentApplication):
    name = "lending"
    snapshotting_intervals: ClassVar = {Copy: 20, Branch: 15, Member: 5}

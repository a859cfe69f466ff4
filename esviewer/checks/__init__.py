"""Rules over a store: one file a rule family, each from events, or from the index, to findings."""

from esviewer.checks.run import Checking, run, select
from esviewer.checks.store import Checked, check_store

__all__ = ["Checked", "Checking", "check_store", "run", "select"]

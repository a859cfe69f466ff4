"""Rules over a store: one file a rule family, each from events to findings."""

from esviewer.checks.run import Checking, run, select

__all__ = ["Checking", "run", "select"]

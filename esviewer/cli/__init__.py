"""The headless front end: every command prints a table for people, or JSON by the contract."""

from esviewer.cli import catalogue as _catalogue  # noqa: F401 - its commands are registered by importing it
from esviewer.cli import projections as _projections  # noqa: F401 - as above
from esviewer.cli import report as _report  # noqa: F401 - as above
from esviewer.cli.commands import run

__all__ = ["run"]

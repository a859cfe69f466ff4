"""The headless front end: every command prints a table for people, or JSON by the contract."""

from esviewer.cli.commands import run

__all__ = ["run"]

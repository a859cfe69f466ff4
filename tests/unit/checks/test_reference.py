"""The README's reference says what there is: every rule with its severity, every command, a catalogue that is one."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

from esviewer.catalogue import files
from esviewer.checks.registry import RULES
from esviewer.cli.commands import app

README = (Path(__file__).resolve().parents[3] / "README.md").read_text("utf-8")


def section(title: str) -> str:
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_that_the_table_of_rules_is_the_registry() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \| (.+) \|$", section("Rules"), re.MULTILINE)
    assert rows == [(rule.name, rule.severity, rule.sentence) for rule in RULES.values()]


def test_that_the_rules_which_the_contract_names_have_its_names() -> None:
    named = "unknown-type undecodable from-future blocked upcast-failed upcast-needed shape-mismatch stream-gap"
    named += " stream-duplicate-version stream-order position-gap position-deleted snapshot-orphan snapshot-ahead"
    named += " checkpoint-ahead checkpoint-lag upcaster-gap upcaster-cycle upcaster-lossy"
    assert set(named.split()) <= RULES.keys()
    assert RULES["upcast-needed"].severity == "info"


def test_that_every_command_that_is_not_hidden_is_in_the_table_of_commands() -> None:
    commands = [command for command in app.registered_commands if not command.hidden]
    shown = {command.name or getattr(command.callback, "__name__", "") for command in commands}
    listed = set(re.findall(r"^\| `esviewer (\w+)", section("Command line"), re.MULTILINE))
    assert {"catalogue", "check"} <= shown and shown <= listed


def test_that_the_catalogue_of_the_reference_can_be_read() -> None:
    drawn = "\n".join(line for line in section("The catalogue").splitlines() if line.startswith("    "))
    loaded = files.parse(dedent(drawn))
    assert loaded.warnings == ()
    assert loaded.catalogue.inferred and list(loaded.catalogue.types) == ["OrderPlaced"]

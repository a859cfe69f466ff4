"""Stores drawn as text or numbers, and the command line run on them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run

Answer = dict[str, Any]


def emmett(path: Path, drawing: str) -> Path:
    """A store of Emmett with the events of `position stream/version type {payload} {metadata}` lines."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE emt_messages (stream_id TEXT, stream_position BIGINT, partition TEXT, message_kind CHAR(1),"
        " message_data JSONB, message_metadata JSONB, message_schema_version TEXT, message_type TEXT, message_id TEXT,"
        " is_archived BOOLEAN, global_position INTEGER PRIMARY KEY, created DATETIME)"
    )
    decoder = json.JSONDecoder()
    for line in drawing.strip().splitlines():
        position, place, kind, *rest = line.split(maxsplit=3)
        stream, _, version = place.partition("/")
        text = rest[0] if rest else "{}"
        end = decoder.raw_decode(text)[1] if text[0] == "{" else len(text)
        row = (stream, int(version), text[:end], text[end:].strip() or "{}", kind, f"m{position}", int(position))
        connection.execute(
            "INSERT INTO emt_messages VALUES (?, ?, 'p', 'E', ?, ?, '0', ?, ?, 0, ?, '2024-01-02 03:04:05')", row
        )
    connection.commit()
    connection.close()
    return path


def library(path: Path, events: Iterable[tuple[int, str, int]], snapshots: Iterable[tuple[str, int]] = ()) -> Path:
    """A store of Python's eventsourcing with events `(rowid, stream, version)` and snapshots `(stream, version)`."""
    connection = sqlite3.connect(path)
    for table in ("stored_events", "stored_snapshots"):
        connection.execute(
            f"CREATE TABLE {table} (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,"
            " PRIMARY KEY (originator_id, originator_version))"
        )
    connection.execute("CREATE TABLE tracking (application_name TEXT PRIMARY KEY, notification_id INTEGER)")
    for row, stream, version in events:
        connection.execute(
            "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state) VALUES (?, ?, ?, 'm:A.E', '{}')",
            (row, stream, version),
        )
    for stream, version in snapshots:
        connection.execute("INSERT INTO stored_snapshots VALUES (?, ?, 'm:Snapshot', '{}')", (stream, version))
    connection.commit()
    connection.close()
    return path


@dataclass
class Checker:
    """Runs `check STORE --catalogue FILE --json` on what a test draws."""

    folder: Path
    capture: pytest.CaptureFixture[bytes]

    def __call__(self, drawing: str, catalogue: str, *options: str, status: int | None = None) -> Answer:
        store, file = self.folder / "drawn.sqlite", self.folder / "catalogue.yaml"
        store.unlink(missing_ok=True)
        emmett(store, drawing)
        file.write_text(catalogue)
        return self.answer("check", str(store), "--catalogue", str(file), *options, status=status)

    def answer(self, *arguments: str, status: int | None = 0) -> Answer:
        code = run([*arguments, "--json"])
        captured = self.capture.readouterr()
        assert code == status if status is not None else code in (0, 1), captured.err.decode()
        answer: Answer = json.loads(captured.out)
        return answer

    def refused(self, *arguments: str) -> str:
        assert run(list(arguments)) == 2
        captured = self.capture.readouterr()
        assert captured.out == b""
        sentence = captured.err.decode()
        assert sentence.count("\n") == 1 and "Traceback" not in sentence
        return sentence.strip()


def places(answer: Answer, *rules: str) -> dict[tuple[str, str], list[Any]]:
    """Positions by rule and scope, of some rules or of all but those about drift."""
    drift = ("type-change", "rare-shape", "rename-guess", "mixed-writers", "distribution-jump", "position-gap")
    return {
        (one["rule"], one["scope"]): one["positions"]
        for one in answer["findings"]
        if (one["rule"] in rules if rules else one["rule"] not in drift)
    }

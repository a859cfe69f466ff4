"""Stores and catalogues drawn as text: `1 a/1 Opened {"owner": "Ann"}` is an event, YAML a catalogue."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.catalogue.validation import Problem, Validation
from esviewer.domain import Event


def catalogue(text: str) -> Catalogue:
    """The catalogue of a YAML text, in which nothing may be left over."""
    loaded = files.parse(text)
    assert loaded.warnings == ()
    return loaded.catalogue


def event(line: str, **fields: object) -> Event:
    """One event of `position stream/version type {payload}`; the payload may be left out."""
    position, place, kind, *payload = line.split(maxsplit=3)
    stream, _, version = place.partition("/")
    data = json.loads(payload[0]) if payload else {}
    made = Event((int(position),), int(position), stream, None, int(version), kind, data=data)
    return replace(made, **fields)  # type: ignore[arg-type]


def events(text: str) -> list[Event]:
    """Events, one a line."""
    return [event(line) for line in text.strip().splitlines()]


def versioned(kind: str, counts: dict[int | str | None, int], data: object = None) -> Iterable[Event]:
    """So many events of each stored version, one stream each, positions from 1."""
    position = 0
    for version, count in counts.items():
        for _ in range(count):
            position += 1
            payload = {} if data is None else data
            yield Event((position,), position, f"s{position}", None, 1, kind, schema_version=version, data=payload)


def validated(known: Catalogue, stored: Iterable[Event]) -> list[Problem]:
    """The problems of a catalogue's upcasters with these events."""
    judge = Judge(known)
    validation = Validation(judge)
    for made in stored:
        validation.see(made, judge.assess(made))
    return validation.problems()

"""``state --catalogue FILE``: the state of events as the catalogue's upcasters have them seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from esviewer.catalogue import files
from esviewer.catalogue.status import Judge
from esviewer.cli import run
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.upcast_events import sights_of
from esviewer.stores.database import open_database
from tests.shared_stores import read_answers, unpack
from tests.stores.dialects.test_eventsourcing import write_store

STREAM = "3ecc6757-8d79-911b-4049-298065948120"
TIME = '"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'
THINGS = """
types:
  shop.things:Thing.Made:
    current: 2
    upcasters: [{from: 1, to: 2, steps: [{rename: {title: name}}]}]
  shop.things:Thing.Poked: {current: 2}
"""
LOANS = """
types:
  library_es.lending:Loan.Started:
    current: 3
    upcasters:
      - {from: 1, to: 2, steps: [{rename: {due: due_on}}, {default: {channel: desk}}]}
      - {from: 2, to: 3, steps: [{default: {desk: null}}]}
  library_es.lending:Loan.Renewed:
    current: 2
    upcasters: [{from: 1, to: 2, steps: [{rename: {due: due_on}}]}]
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    rows = [("Made", '"title":"a"'), ("Poked", '"n":1'), ("Lost", '"x":2')]
    states = [
        (STREAM.replace("-", ""), v, f"shop.things:Thing.{kind}", f"{{{TIME},{data}}}".encode())
        for v, (kind, data) in enumerate(rows, 1)
    ]
    return str(write_store(tmp_path / "a.sqlite", states))


@pytest.fixture
def things(tmp_path: Path) -> str:
    (tmp_path / "things.yaml").write_text(THINGS)
    return str(tmp_path / "things.yaml")


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[dict[str, Any], str]:
    assert run(["state", *arguments, "--json"]) == 0
    told = capsys.readouterr()
    return json.loads(told.out), told.err


def test_that_without_a_catalogue_everything_is_as_it_was(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, told = shown(capsys, store, STREAM)
    assert found["state"] == {"title": "a", "n": 1, "x": 2} and not told
    assert set(found) == {"stream", "category", "version", "fold", "state", "blame"}


def test_that_a_catalogue_has_events_folded_upcast_and_blame_names_what_is_stored(
    store: str, things: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, told = shown(capsys, store, STREAM, "--catalogue", things)
    assert found["state"] == {"name": "a", "n": 1, "x": 2} and found["fold"] == "inferred"
    assert found["blame"]["name"] == {"version": 1, "position": 1, "type": "shop.things:Thing.Made"}
    assert found["upcast"] == [1]
    # Version 1 of Poked has no chain, and Lost is not known.
    assert told == "2 events that today's code would not read: folded as stored.\n"
    first, told = shown(capsys, store, STREAM, "--catalogue", things, "--version", "1")
    assert first["state"] == {"name": "a"} and first["upcast"] == [1] and not told


def test_that_people_are_shown_which_event_was_upcast(
    store: str, things: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["state", store, STREAM, "--catalogue", things]) == 0
    told = capsys.readouterr().out
    assert "Thing.Made (upcast 1 → 2)" in told and "Thing.Lost (folded as stored)" in told


def test_that_classes_and_a_catalogue_are_not_taken_together(
    store: str, things: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--fold", "classes", "--sources", str(tmp_path), "--trust", "--catalogue", things]
    assert run(["state", store, STREAM, *asked]) == 2
    assert "leave --catalogue out" in capsys.readouterr().err


@pytest.mark.shared
def test_that_loans_of_three_releases_are_in_the_state_that_the_last_one_gives_them(tmp_path: Path) -> None:
    """The library's own state of an attribute is that of the upcast event, at every version it was asked for."""
    known = files.parse(LOANS).catalogue
    path = unpack("es_library_sqlite", "lending.sqlite.gz", tmp_path)
    answers = [
        answer
        for answer in read_answers("es_library_sqlite")["aggregate_states"]
        if answer["aggregate_type"] == "Loan" and answer["release"] == 3 and "state" in answer
    ]
    database = open_database(str(path))
    reader = database.reader(database.stores[0])
    upcast = 0
    for answer in answers:
        events = reader.aggregate(answer["stream"])
        history = AggregateHistory(events, InferredFold(), sights=sights_of(Judge(known), events))
        index = history.index_of_version(answer["version"])
        assert index is not None and history.sights is not None
        state = history.state_at(index)
        upcast += history.sights.upcast_until(index)
        for name in ("due_on", "channel", "desk"):
            held = state[name]
            assert (held["_data_"] if isinstance(held, dict) else held) == answer["state"][name]
        assert "due" not in state
    assert len(answers) == 4 and upcast >= len(answers)
    reader.close()
    database.close()

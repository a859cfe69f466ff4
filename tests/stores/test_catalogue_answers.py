"""The catalogue of the last release, taken from its sources, against stores that three releases wrote.

Unknown and upcast-needed events are exactly those of the answer files, and what the chains make of old events is what
the library itself makes of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from esviewer.catalogue import files
from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import report
from esviewer.catalogue.drift_state import drift_from, drift_object
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue, version_text
from esviewer.catalogue.preview import preview
from esviewer.catalogue.sources import from_sources
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.checks import Checking
from esviewer.domain import Event
from esviewer.stores.codecs import json_text, tagged
from esviewer.stores.database import Database, open_database
from tests.shared_stores import SHARED
from tests.stores.dialects.test_eventsourcing import TEST_KEY

pytestmark = pytest.mark.shared

SOURCES = SHARED / "stores" / "make" / "eventsourcing_library" / "r3"
ENVELOPE = {"timestamp", "originator_topic"}


@pytest.fixture(scope="module")
def release_3() -> Catalogue:
    return from_sources(SOURCES).catalogue


def read(database: Database, name: str) -> list[Event]:
    reader = database.reader(database.named(name))
    try:
        return list(reader.events())
    finally:
        reader.close()


@pytest.fixture(
    params=[
        ("es_library_sqlite", "lending"), ("es_library_sqlite", "membership"), ("es_library_zlib", "lending"),
        ("es_library_zlib", "membership"), ("es_library_aes", "lending"), ("es_library_aes", "membership"),
        ("es_library_pg", "lending"), ("es_library_pg", "membership"),
    ],
    ids="/".join,
)  # fmt: skip
def store(request: pytest.FixtureRequest) -> Iterator[tuple[str, str, list[Event]]]:
    folder, context = request.param
    if folder == "es_library_pg":
        restore: Callable[[str, str], str] = request.getfixturevalue("shared_database")
        database = open_database(restore(folder, "es_library_pg.sql.gz"))
    else:
        unpacked: Callable[[str, str], Path] = request.getfixturevalue("shared_store")
        key = TEST_KEY if folder == "es_library_aes" else None
        database = open_database(str(unpacked(folder, f"{context}.sqlite.gz")), key=key)
    yield folder, context, read(database, context)
    database.close()


def test_that_unknown_and_upcast_events_are_exactly_those_of_the_answers(
    release_3: Catalogue, store: tuple[str, str, list[Event]], answers: Callable[[str], dict[str, Any]]
) -> None:
    folder, context, events = store
    known = answers(folder)["contexts"][context]
    checking = Checking(release_3, store_types={event.type or "" for event in events})
    upcast: dict[str, list[Any]] = {}
    aliased: dict[str, int] = {}
    for event in events:
        found = checking.see(event)
        if found.status is Status.UPCAST:
            assert found.known is not None and not isinstance(found.version, NoFit)
            edge = f"{event.type} v{version_text(found.version)}->v{version_text(found.known.current_version)}"
            upcast.setdefault(edge, []).append(event.position)
        if found.is_alias:
            aliased[event.type or ""] = aliased.get(event.type or "", 0) + 1
    findings = checking.findings()
    unknown = {one.scope: list(one.positions) for one in findings if one.rule == "unknown-type"}
    assert unknown == known["unknown_to_release_3"]["positions_by_topic"]
    assert upcast == known["upcast_needed_by_release_3"]["positions_by_topic"]
    assert aliased == known["topic_of_a_renamed_class"]["topics"]
    needed = sum(len(one.positions) for one in findings if one.rule == "upcast-needed")
    assert needed == known["upcast_needed_by_release_3"]["count"]
    assert {one.rule for one in findings if one.severity == "error"} <= {"unknown-type"}
    assert checking.statuses[Status.CURRENT] == len(events) - needed - known["unknown_to_release_3"]["count"]


@pytest.mark.parametrize(("context", "application"), [("lending", "Lending"), ("membership", "Membership")])
def test_that_previews_are_what_the_library_makes_of_these_events(
    release_3: Catalogue, shared_store: Callable[[str, str], Path], context: str, application: str
) -> None:
    path = shared_store("es_library_sqlite", f"{context}.sqlite.gz")
    database = open_database(str(path))
    events = read(database, context)
    database.close()
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).parent / "library_upcasts.py"),
            str(SOURCES),
            f"library_es.{context}:{application}",
            str(path),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    said = {position: (name, text) for position, name, text in map(json.loads, done.stdout.splitlines())}
    assert len(said) == len(events)
    judge = Checking(release_3, store_types={event.type or "" for event in events}).judge
    upcast = 0
    for event in events:
        assert isinstance(event.position, int)
        name, text = said[event.position]
        shown = preview(judge, event)
        if shown.assessment.status is Status.UNKNOWN_TYPE:
            assert (name, text) == ("TopicError", None)
            continue
        state, _ = json_text.loads(text)
        library = tagged.untag(state)
        assert isinstance(library, dict)
        (final,) = shown.final
        assert final.data == {attribute: value for attribute, value in library.items() if attribute not in ENVELOPE}
        assert final.type.endswith(f":{name}")
        upcast += shown.assessment.status is Status.UPCAST
    assert upcast > 800


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("emmett_shop", "emmett_shop.sqlite.gz"), ("layout_res_sqlite", "res_sqlite.sqlite.gz"),
        ("emmett_shop", "emmett_shop_pg.sql.gz"), ("message_db_bank", "message_db_bank.sql.gz"),
        ("layout_marten", "marten.sql.gz"), ("layout_res_pg", "res_pg.sql.gz"),
    ],
)  # fmt: skip
def test_that_events_fit_the_catalogue_that_their_store_says(
    request: pytest.FixtureRequest, folder: str, file: str
) -> None:
    make = request.getfixturevalue("shared_database" if file.endswith(".sql.gz") else "shared_store")
    database = open_database(str(make(folder, file)))
    for store in database.stores:
        events = read(database, store.name)
        types = {event.type or "" for event in events}
        known = infer(events)
        assert files.parse(files.dump(known)).catalogue == known
        statuses = {Judge(replace(known, inferred=False), types).status(event) for event in events}
        assert statuses <= {Status.CURRENT, Status.BLOCKED}
        drift = Drift(known).extend(events, Judge(known, types))
        assert report(drift_from(json.loads(json.dumps(drift_object(drift))), known)) == report(drift)
    database.close()

"""The catalogue of Python sources and schema files, read and never imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from esviewer.catalogue.model import Attribute, EventType
from esviewer.catalogue.schemas import from_schemas
from esviewer.catalogue.sources import from_sources
from esviewer.domain import NotFound, UsageError

BASE = """
raise SystemExit("this module must never be imported")
from eventsourcing.domain import Aggregate as LibAggregate

class Aggregate(LibAggregate):
    class Closed(LibAggregate.Event):
        why: str
"""
DOGS = '''
from __future__ import annotations
from typing import ClassVar, List, Literal, Optional
from uuid import UUID
from decimal import Decimal
from datetime import date
from eventsourcing.domain import aggregate, event, Aggregate as Plain
from eventsourcing.utils import register_topic
import kennel.base as base
from . import base as again

class Dog(base.Aggregate):
    class Event(base.Aggregate.Event):
        pass

    class Registered(again.Aggregate.Created):
        name: str
        owner: UUID | None
        chip: "int"
        size: Literal["s", "l"] = "s"
        kinds: ClassVar[int] = 3
        class_version = 3

        @staticmethod
        def upcast_v1_v2(state):
            """Chips came."""
            state["chip"] = state.pop("tag")
            if "owner" not in state:
                state["owner"] = None
            state.pop("junk", None)

        @staticmethod
        def upcast_v2_v3(state):
            state["chip"] = int(state["chip"]) + lookup.objects.get(1) + random()

    @event(Registered)
    def __init__(self, name, owner, chip, size="s"):
        pass

    @event("TrickAdded")
    def add_trick(self, trick: str, level: int = 1, *, seen: List[date]):
        pass

    @event
    def go_home(self, by: Optional[Decimal]):
        pass

    def not_an_event(self, x: int):
        pass

class Puppy(Dog):
    @event("Weaned")
    def wean(self): ...

class Cat(Plain):
    name: str
    id: UUID

class Bird(Plain, created_event_name="Hatched"):
    def __init__(self, egg: int): ...

@aggregate(created_event_name="Dug")
class Hole:
    depth: int = 3
    @event("Filled")
    def fill(self, id: str): ...

register_topic("kennel.dogs:Hound", Dog)
register_topic("zoo.animals", again)
'''


@pytest.fixture
def kennel(tmp_path: Path) -> Path:
    package = tmp_path / "kennel"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "base.py").write_text(BASE)
    (package / "dogs.py").write_text(DOGS)
    (package / "broken.py").write_text("def (")
    return tmp_path


@pytest.fixture
def types(kennel: Path) -> dict[str, EventType]:
    return dict(from_sources(kennel).catalogue.types)


def test_that_all_events_of_aggregates_are_found_by_topic(types: dict[str, EventType]) -> None:
    assert {topic.partition(":")[2] for topic in types if topic.startswith("kennel.dogs:")} == {
        "Dog.Registered", "Dog.TrickAdded", "Dog.GoHome", "Dog.Closed",
        "Puppy.Weaned", "Puppy.TrickAdded", "Puppy.GoHome", "Puppy.Closed", "Puppy.Registered",
        "Cat.Created", "Bird.Hatched", "Hole.Dug", "Hole.Filled",
    }  # fmt: skip


def test_that_annotations_and_parameters_are_attributes(types: dict[str, EventType]) -> None:
    registered = types["kennel.dogs:Dog.Registered"]
    assert registered.versions[3].attributes == {
        "name": Attribute(("string",), required=True),
        "owner": Attribute(("string",), required=True, nullable=True),
        "chip": Attribute(("int",), required=True),
        "size": Attribute(("string",), required=True, default="s", enum=("s", "l")),
    }
    assert types["kennel.dogs:Dog.TrickAdded"].versions[1].attributes == {
        "trick": Attribute(("string",), required=True),
        "level": Attribute(("int",), required=True, default=1),
        "seen": Attribute(("array",), required=True),
    }
    assert types["kennel.dogs:Dog.GoHome"].versions[1].attributes == {
        "by": Attribute(("string",), required=True, nullable=True)
    }
    assert list(types["kennel.dogs:Cat.Created"].versions[1].attributes) == ["name"]
    assert list(types["kennel.dogs:Bird.Hatched"].versions[1].attributes) == ["egg"]


def test_that_upcasts_are_edges_and_simple_ones_are_steps(types: dict[str, EventType]) -> None:
    registered = types["kennel.dogs:Dog.Registered"]
    assert registered.current == 3
    first, second = registered.upcasters
    assert [{step.name: step.arguments} for step in first.steps] == [
        {"rename": {"tag": "chip"}},
        {"default": {"owner": None}},
        {"drop": "junk"},
    ]
    assert (second.steps, second.is_code, second.function) == ((), True, "kennel.dogs:Dog.Registered.upcast_v2_v3")
    assert (first.reads, second.reads) == ((), ("lookup.objects (line 34)", "random (line 34)"))


def test_that_old_topics_of_classes_and_modules_are_aliases(types: dict[str, EventType]) -> None:
    assert types["kennel.dogs:Dog.GoHome"].aliases == ("kennel.dogs:Hound.GoHome",)
    assert types["kennel.base:Aggregate.Closed"].aliases == ("zoo.animals:Aggregate.Closed",)


def test_that_what_cannot_be_read_is_named(kennel: Path) -> None:
    (note,) = from_sources(kennel).notes
    assert "broken.py, line 1 cannot be read as Python" in note


def test_that_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        from_sources(tmp_path / "none")
    (tmp_path / "file.py").touch()
    with pytest.raises(UsageError, match="name the folder"):
        from_sources(tmp_path / "file.py")
    assert from_sources(tmp_path).notes == (f"No event classes were found below {tmp_path}.",)


def test_that_events_of_other_libraries_go_by_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from eventsource import DomainEvent\n"
        "class ShopEvent(DomainEvent): pass\n"
        "class Ordered(ShopEvent):\n    event_type: str = 'OrderPlaced'\n    event_version: int = 2\n    total: float\n"
    )
    (found,) = from_sources(tmp_path).catalogue.types.values()
    assert (found.name, found.current, found.aliases) == ("OrderPlaced", 2, ("shop:Ordered", "shop.Ordered", "Ordered"))
    assert list(found.versions[2].attributes) == ["total"]


ADDRESS = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}, "required": ["city"]}
ORDERED: dict[str, Any] = {
    "title": "OrderPlaced",
    "type": "object",
    "additionalProperties": False,
    "required": ["total", "lines"],
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "note": {"type": ["string", "null"]},
        "state": {"enum": ["open", "done"], "type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "lines": {
            "type": "array",
            "items": {"allOf": [{"$ref": "#/$defs/address"}, {"properties": {"n": {"type": "integer"}}}]},
        },
        "when": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        "never": {"type": "null"},
    },
    "$defs": {"address": ADDRESS},
}
PAID = {
    "type": "record",
    "name": "Paid",
    "namespace": "shop",
    "fields": [
        {"name": "total", "type": "long"},
        {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN"]}},
        {
            "name": "lines",
            "type": {
                "type": "array",
                "items": {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]},
            },
        },
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
    ],
}


def test_that_schema_files_are_versions_of_types(tmp_path: Path) -> None:
    (tmp_path / "order_placed.v1.json").write_text(
        json.dumps({"title": "OrderPlaced", "properties": {"sum": {"type": "integer"}}})
    )
    (tmp_path / "order_placed.v2.schema.json").write_text(json.dumps(ORDERED))
    (tmp_path / "paid.avsc").write_text(json.dumps(PAID))
    (tmp_path / "list.json").write_text("[]")
    found = from_schemas(tmp_path)
    assert [note for note in found.notes if "list.json describes no object" in note] == list(found.notes)
    placed = found.catalogue.types["OrderPlaced"]
    assert (placed.current, list(placed.versions), placed.versions[2].open) == (2, [1, 2], False)
    attributes = placed.versions[2].attributes
    assert attributes["total"] == Attribute(("number",), required=True, minimum=0)
    assert attributes["note"] == Attribute(("string",), nullable=True)
    assert attributes["address"].attributes == {"city": Attribute(("string",), required=True, min_length=1)}
    assert attributes["lines"].items is not None
    assert list(attributes["lines"].items.attributes or {}) == ["city", "n"]
    assert attributes["when"] == Attribute(("int", "string"), nullable=True)
    assert attributes["never"] == Attribute(nullable=True)
    paid = found.catalogue.types["shop.Paid"].versions[1].attributes
    assert paid["note"] == Attribute(("string",), required=True, nullable=True, default=None)
    assert paid["state"].enum == ("OPEN",)
    assert paid["lines"].items is not None
    assert list(paid["lines"].items.attributes or {}) == ["sku"]
    assert paid["day"].is_any


SAMPLES = Path(__file__).resolve().parents[3] / "sample_stores" / "library"


@pytest.mark.parametrize("release", ["r1", "r2", "r3"])
def test_that_the_library_itself_knows_the_same_events(release: str) -> None:
    folder = SAMPLES / release
    modules = [f"lending.{path.stem}" for path in folder.glob("lending/*.py") if path.stem != "__init__"]
    assert len(same_as_library(folder, modules)) > 30


def test_that_the_library_knows_the_same_of_every_way_to_write_an_event(kennel: Path) -> None:
    base = kennel / "kennel" / "base.py"
    base.write_text(BASE.replace('raise SystemExit("this module must never be imported")', ""))
    assert "kennel.dogs:Hole.Filled" in same_as_library(kennel, ["kennel.base", "kennel.dogs"])


def same_as_library(folder: Path, modules: list[str]) -> set[str]:
    """Compares names, versions and attributes of all events with what the library says that imported them."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "library_events.py"), str(folder), *modules],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    said = json.loads(done.stdout)
    read = {
        name: [known.current, sorted(known.current_shape.attributes)]
        for name, known in from_sources(folder).catalogue.types.items()
        if known.current_shape is not None
    }
    # An aggregate with a creating event of its own also has the Created of its base, which it never writes.
    assert {name: facts for name, facts in said.items() if name in read or not name.endswith(".Created")} == read
    return set(read)

"""The drift of payloads: merging and saving, nested paths, maps, guesses."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue import files
from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import jumps, mixed_writers, rename_guesses, report
from esviewer.catalogue.drift_state import drift_from, drift_object
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.catalogue.steps import run as run_steps
from esviewer.checks import run
from esviewer.domain import Event
from tests.unit.catalogue.drawing import catalogue

SCALARS = st.none() | st.booleans() | st.integers(0, 3) | st.floats(0, 1) | st.text("xy", max_size=2)
NAMES = st.sampled_from(["a", "b", "c.d"])
PAYLOADS = st.dictionaries(
    NAMES,
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2)),
    max_size=3,
)
STORES = st.lists(st.tuples(PAYLOADS, st.sampled_from([1, 2])), max_size=25)


def made(payloads: list[tuple[dict[str, Any], int]]) -> list[Event]:
    return [
        Event((n,), n, "s", None, n, "Noted", schema_version=version, data=data)
        for n, (data, version) in enumerate(payloads, 1)
    ]


def drift_of(stored: list[Event], known: Catalogue | None = None) -> Drift:
    drift = Drift(known)
    for event in stored:
        assert event.schema_version is None or isinstance(event.schema_version, int)
        drift.see(event, "Noted", event.schema_version)
    return drift


@given(STORES, st.integers(0, 25))
def test_that_two_parts_merged_are_as_the_whole(payloads: list[tuple[dict[str, Any], int]], cut: int) -> None:
    stored = made(payloads)
    merged = drift_of(stored[:cut]).merge(drift_of(stored[cut:]))
    assert report(merged) == report(drift_of(stored))


@given(STORES, st.integers(0, 25))
def test_that_a_saved_state_goes_on_as_if_never_saved(payloads: list[tuple[dict[str, Any], int]], cut: int) -> None:
    stored = made(payloads)
    resumed = drift_from(json.loads(json.dumps(drift_object(drift_of(stored[:cut])))))
    for event in stored[cut:]:
        assert isinstance(event.schema_version, int)
        resumed.see(event, "Noted", event.schema_version)
    assert report(resumed) == report(drift_of(stored))


@given(STORES)
def test_that_shapes_add_up_to_the_events(payloads: list[tuple[dict[str, Any], int]]) -> None:
    for found in report(drift_of(made(payloads))):
        assert sum(shape.count for shape in found.shapes) == found.events


def test_that_elements_of_lists_are_counted_by_element() -> None:
    lines: list[Any] = [{"sku": "a", "n": 1}, {"sku": "b", "n": None}, {"sku": "c"}]
    (found,) = report(drift_of(made([({"lines": lines}, 1), ({"lines": []}, 1)])))
    shown = {path.path: (path.present, path.total, path.nulls) for path in found.paths}
    assert shown == {"lines": (2, 2, 0), "lines[]": (3, 3, 0), "lines[].sku": (3, 3, 0), "lines[].n": (2, 3, 1)}


def test_that_an_object_whose_keys_are_data_is_a_map() -> None:
    payloads = [({"days": {f"2024-{n:04}": [n], "note": "x"}}, 1) for n in range(300)]
    (found,) = report(drift_of(made(payloads)))
    paths = {path.path: path for path in found.paths}
    assert list(paths) == ["days", "days.note", "days.{*}", "days.{*}[]"]
    assert (paths["days.{*}"].present, paths["days.{*}[]"].total) == (300, 300)
    assert [(str(shape), shape.count) for shape in found.shapes] == [
        ("{days: object, days.note: string, days.{*}: array}", 300)
    ]


def test_that_an_attribute_that_changes_its_name_is_guessed() -> None:
    payloads: list[tuple[dict[str, Any], int]] = [({"due": {"at": f"d{n // 3}"}, "n": n}, 1) for n in range(100)]
    payloads += [({"due_on": {"at": f"d{n // 3}"}, "n": n}, 2) for n in range(100, 200)]
    (guess,) = rename_guesses(drift_of(made(payloads)))
    assert (guess.old, guess.new, guess.last_old, guess.first_new) == ("due", "due_on", 100, 101)


def test_that_an_attribute_that_comes_long_after_another_is_no_rename() -> None:
    payloads: list[tuple[dict[str, Any], int]] = [({"due": "x", "n": n}, 1) for n in range(100)]
    payloads += [({"n": n}, 1) for n in range(20)] + [({"due_on": "x", "n": n}, 1) for n in range(100)]
    assert rename_guesses(drift_of(made(payloads))) == []


def test_that_an_old_version_written_after_a_new_one_is_a_mixed_writer() -> None:
    (mixed,) = mixed_writers(drift_of(made([({}, 1), ({}, 2), ({}, 1)])))
    assert (mixed.older, mixed.newer, mixed.newer_first, mixed.older_last) == (1, 2, 2, 3)
    assert mixed_writers(drift_of(made([({}, 1), ({}, 1), ({}, 2)]))) == []


def test_that_numbers_in_another_unit_are_hinted_at() -> None:
    (jump,) = jumps(
        drift_of(made([({"total": n + 1}, 1) for n in range(20)] + [({"total": n * 100}, 1) for n in range(20, 60)]))
    )
    assert (jump.path, jump.before < 20, jump.after > 2000) == ("total", True, True)


def test_that_numbers_without_a_float_are_no_measures() -> None:
    huge: list[tuple[dict[str, Any], int]] = [({"total": 10**400 + n}, 1) for n in range(20)]
    assert jumps(drift_of(made(huge))) == []
    mixed: list[tuple[dict[str, Any], int]] = [({"total": n + 1}, 1) for n in range(20)]
    mixed += [({"total": Decimal("NaN")}, 1), ({"total": float("inf")}, 1), ({"total": -(10**400)}, 1)]
    mixed += [({"total": n * 100}, 1) for n in range(20, 33)]
    (jump,) = jumps(drift_of(made(mixed)))
    assert (jump.before, jump.after) == (8.5, 2600)


def test_that_a_rename_of_long_texts_is_guessed() -> None:
    payloads: list[tuple[dict[str, Any], int]] = [({"body": f"{n // 3} " + "x" * 200}, 1) for n in range(100)]
    payloads += [({"text": f"{n // 3} " + "x" * 200}, 1) for n in range(99, 200)]
    (guess,) = rename_guesses(drift_of(made(payloads)))
    assert (guess.old, guess.new) == ("body", "text")


def test_that_guesses_about_many_names_are_cheap() -> None:
    payloads: list[tuple[dict[str, Any], int]] = [({f"old{n}": "x" for n in range(300)}, 1)] * 30
    payloads += [({f"new{n}": "y" for n in range(300)}, 1)] * 30
    drift = drift_of(made(payloads))
    began = time.process_time()
    assert rename_guesses(drift) == []
    assert time.process_time() - began < 2


def test_that_no_value_of_a_personal_attribute_is_kept() -> None:
    known = catalogue(
        "types: {Noted: {versions: {1: {attributes: {who: {type: object, personal: true}, tags: {type: array, personal: true}}}}}}"
    )
    payloads: list[tuple[dict[str, Any], int]] = [({"who": {"name": "Secret"}, "tags": ["Secret"], "n": "open"}, 1)]
    saved = json.dumps(drift_object(drift_of(made(payloads), known)))
    assert "open" in saved
    assert "Secret" not in saved


def test_that_payloads_as_deep_as_any_codec_allows_are_followed_for_30_levels() -> None:
    deep: dict[str, Any] = {}
    for level in range(253):
        deep = {"a": [deep]} if level % 2 else {"a": deep}
    stored = made([(deep, 1), ({"b": deep}, 1)])
    drift = drift_of(stored)
    assert report(drift_from(json.loads(json.dumps(drift_object(drift))))) == report(drift)
    known = infer(stored)
    assert files.parse(files.dump(known)).catalogue == known
    assert {finding.severity for finding in run(stored, known)} <= {"info", "warn"}
    copied: dict[str, object] = {"deep": deep}
    steps = parse_steps([{"rename": {"deep.a": "b"}}])
    (moved,) = run_steps(steps, Draft("Noted", 1, copied))
    assert moved.data["b"] == deep["a"]


def test_that_an_object_of_too_many_names_is_a_map_at_once() -> None:
    (found,) = report(drift_of(made([({f"k{n}": n for n in range(3000)}, 1)] * 2)))
    assert [(path.path, path.present, path.types) for path in found.paths] == [("{*}", 2, {"int": 6000})]


def test_that_names_that_are_no_texts_and_endless_numbers_are_counted() -> None:
    endless = 10**5000
    drift = drift_of([Event((1,), 1, "s", None, 1, "Noted", schema_version=1, data={1: "x", "n": endless})])
    (found,) = report(drift)
    assert [(path.path, path.types) for path in found.paths] == [("1", {"string": 1}), ("n", {"int": 1})]
    assert json.loads(json.dumps(drift_object(drift)))["events"] == 1
    steps = parse_steps([{"convert": {"n": "string"}}])
    with pytest.raises(StepFailed, match="too long to be written"):
        run_steps(steps, Draft("Noted", 1, {"n": endless}))

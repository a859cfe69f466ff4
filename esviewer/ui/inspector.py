"""The right side: the event under the playhead, what it is tied to, and the state after it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QTextOption
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QSplitter,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.status import Assessment, Status
from esviewer.domain import Event, iso
from esviewer.domain.objects import event_object
from esviewer.projections.history import Writer
from esviewer.projections.paths import Change
from esviewer.session import StreamSession
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts
from esviewer.ui.fold_line import FoldLine, UnknownState
from esviewer.ui.icons import icon
from esviewer.ui.relations import Related
from esviewer.ui.upcast_panel import EventStatus, UpcastPanel
from esviewer.ui.value_view import ValueView
from esviewer.ui.widgets import ElidedLabel, Panel, label, tooltip
from esviewer.ui.widgets.format import grouped, short_id, size, when
from esviewer.ui.words import one_line, place, short_type
from esviewer.ui.zone import zone

RAW_LIMIT = 200_000
"""Bytes of a raw payload that are shown."""
RAW_LINE = 400
"""Characters after which a long line goes on in the next: one line of a megabyte takes Qt minutes to lay out."""
HEX_LINE = 8
"""Bytes in a line of a hex dump: as many as fit into the panel's usual width."""
_ENVELOPE = (
    "position",
    "stream",
    "category",
    "version",
    "type",
    "schema_version",
    "recorded_at",
    "event_id",
    "correlation_id",
    "causation_id",
    "transaction",
    "tenant",
    "deleted",
    "archived",
)
_TABS = ("Payload", "Metadata", "Related", "Raw", "Upcast")
_UPCAST = 4


class EventPanel(Panel):
    """The event under the playhead: payload, metadata, related events, raw bytes."""

    event_wanted = Signal(object)
    """A related event was clicked."""
    related_wanted = Signal()
    """The related events of the present event are looked at and not known yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Event", "git-commit-horizontal", parent)
        self._event: Event | None = None
        self._related: Related | None = None
        self.assess: Callable[[Event], Assessment | None] = lambda _event: None
        """What the catalogue makes of an event, ``None`` without one."""
        self._found: Assessment | None = None
        self._wanted = 0
        self._is_settling = False
        self.status = EventStatus()
        self.upcast = UpcastPanel()
        self._place = ElidedLabel("")
        self._place.setFont(fonts.mono(12))
        self._place.setProperty("tone", "second")
        self._facts = ElidedLabel("")
        self._facts.setProperty("tone", "second")
        self._warning = label(tone="removed")
        self._warning.setWordWrap(True)
        self._tabs = QTabBar()
        self._tabs.setAccessibleName("Parts of the event")
        self._tabs.setDrawBase(False)
        self._tabs.setExpanding(False)
        for name in _TABS:
            self._tabs.addTab(name)
        self.payload = ValueView("Payload")
        self.metadata = ValueView("Metadata")
        self.related = RelatedList()
        self.raw = QPlainTextEdit()
        self.raw.setReadOnly(True)
        self.raw.setFont(fonts.mono(12))
        self.raw.setProperty("flush", "true")
        self.raw.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.raw.setAccessibleName("Raw payload")
        self._stack = QStackedWidget()
        for widget in (self.payload, self.metadata, self.related, self.raw, self.upcast):
            self._stack.addWidget(widget)
        self._tabs.setTabVisible(_UPCAST, False)
        self._lay_out()
        self._tabs.currentChanged.connect(self._tab_chosen)
        self.related.event_wanted.connect(self.event_wanted)

    def _lay_out(self) -> None:
        copy = QToolButton()
        copy.setIcon(icon("copy"))
        copy.setToolTip("Copy the event as JSON (Ctrl+Shift+C)")
        copy.setAccessibleName("Copy the event as JSON")
        copy.clicked.connect(self.copy_event)
        self.add_to_header(copy)
        head = QVBoxLayout()
        head.setContentsMargins(12, 0, 12, 4)
        head.setSpacing(2)
        for line in (self._place, self._facts, self.status, self._warning):
            head.addWidget(line)
        self._warning.hide()
        self.body.addLayout(head)
        self.body.addWidget(self._tabs)
        self.body.addWidget(self._stack, 1)

    def show_event(self, event: Event | None) -> None:
        """Shows an event, or nothing."""
        self._event, self._related = event, None
        self._found = self.assess(event) if event is not None else None
        self.status.show_assessment(self._found)
        self._settle_tabs()
        if event is None:
            self.set_title("Event")
            self._place.setText("")
            self._facts.setText("")
            self._warning.hide()
            self.payload.show_message("The event under the playhead is shown here.")
            self.metadata.show_message("")
            return
        self.set_title(short_type(event.type))
        self._place.setText(place(event))
        self._facts.setText(self._facts_of(event))
        warning = (
            f"This payload could not be decoded: {event.undecodable}." if event.undecodable else "; ".join(event.notes)
        )
        self._warning.setText(warning)
        self._warning.setVisible(bool(warning))
        self._show_tab(self._tabs.currentIndex())

    def _settle_tabs(self) -> None:
        """Offers the upcast of events that need one; the part that was chosen comes back with the next of them."""
        is_upcast = self._found is not None and self._found.status in (Status.UPCAST, Status.UPCAST_FAILED)
        self._is_settling = True
        self._tabs.setTabVisible(_UPCAST, is_upcast)
        self._tabs.setCurrentIndex(0 if self._wanted == _UPCAST and not is_upcast else self._wanted)
        self._is_settling = False

    def _facts_of(self, event: Event) -> str:
        facts = [when(event.recorded_at, zone()) if event.recorded_at is not None else "no time"]
        if event.schema_version is not None:
            facts.append(f"schema {event.schema_version}")
        if self._found is not None and self._found.status is Status.CURRENT:
            facts.append("current")
        facts.append(size(len(event.raw or b"")))
        facts += [word for word, given in (("archived", event.archived), ("deleted", event.deleted)) if given]
        if event.tenant:
            facts.append(event.tenant)
        return "  ·  ".join(facts)

    def _tab_chosen(self, tab: int) -> None:
        if not self._is_settling:
            self._wanted = tab
            self._show_tab(tab)

    def _show_tab(self, tab: int) -> None:
        """Fills the visible part only: while the playhead is dragged nothing else is worked out."""
        self._stack.setCurrentIndex(tab)
        event = self._event
        if event is None:
            return
        if tab == 0:
            if event.undecodable is not None:
                self.payload.show_message(
                    f"{event.undecodable[:1].upper()}{event.undecodable[1:]}. The bytes are under Raw."
                )
            else:
                self.payload.show_value(event.data)
        elif tab == 1:
            self.metadata.show_value(_envelope(event))
        elif tab == 2:
            self.related.show_related(event, self._related)
            if self._related is None:
                self.related_wanted.emit()
        elif tab == _UPCAST:
            self.upcast.show_event(event)
        else:
            self.raw.setPlainText(raw_text(event.raw))

    def set_related(self, event: Event, related: Related) -> None:
        """Takes the related events, if they are still those of the present event."""
        if self._event is not None and event.key == self._event.key:
            self._related = related
            if self._tabs.currentIndex() == 2:
                self.related.show_related(event, related)

    def show_part(self, name: str) -> None:
        """Brings Payload, Metadata, Related, Raw or, where there is one, Upcast to the front."""
        if self._tabs.isTabVisible(_TABS.index(name)):
            self._tabs.setCurrentIndex(_TABS.index(name))

    def copy_event(self) -> None:
        """Copies the event as the contract's JSON."""
        if self._event is not None:
            QGuiApplication.clipboard().setText(json_text.dumps(event_object(self._event), pretty=True).decode())


def _envelope(event: Event) -> dict[str, object]:
    """What the store knows of an event beside its payload; what it does not have is left out."""
    given = event_object(event)
    result: dict[str, object] = {name: given[name] for name in _ENVELOPE if given[name] is not None}
    if event.links:
        result["also in streams"] = list(event.links)
    if event.metadata is not None:
        result["metadata"] = event.metadata
    return result


def raw_text(raw: bytes | None) -> str:
    """The stored payload as text, or as a hex dump where it is none; cut at a bound, and says so."""
    if raw is None:
        return "NULL"
    shown, rest = raw[:RAW_LIMIT], max(0, len(raw) - RAW_LIMIT)
    try:
        text = shown.decode("utf-8") if not rest else shown.decode("utf-8", "ignore")
        if "\x00" in text:
            raise ValueError
    except ValueError:
        text = _hex_dump(raw[:16_384])
        rest = max(0, len(raw) - 16_384)
    lines = [part for line in text.split("\n") for part in _parts(line)]
    return "\n".join(lines) + (f"\n… {grouped(rest)} more bytes" if rest else "")


def _parts(line: str) -> list[str]:
    return [line[start : start + RAW_LINE] for start in range(0, len(line), RAW_LINE)] or [""]


def _hex_dump(raw: bytes) -> str:
    lines = []
    for start in range(0, len(raw), HEX_LINE):
        part = raw[start : start + HEX_LINE]
        seen = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * HEX_LINE - 1}}  {seen}")
    return "\n".join(lines)


class RelatedList(QListWidget):
    """The cause, the effects, the conversation and the transaction of an event, as the store records them."""

    event_wanted = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Related events")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.itemActivated.connect(self._wanted)
        self.itemClicked.connect(self._wanted)

    def show_related(self, event: Event, related: Related | None) -> None:
        """Lists the groups, or says that they are being looked up."""
        self.clear()
        if related is None:
            self._head("Looking up related events…")
            return
        for title, events, absent in related.groups():
            count = f"  {grouped(len(events))}" if len(events) > 1 else ""
            self._head(f"{title}{count}")
            if not events:
                self._line(absent, None)
            for other in events[:500]:
                marker = "▸ " if other.key == event.key else ""
                version = f"v{other.version}" if other.version is not None else ""
                where = short_id(one_line(other.stream or "no stream"), 22)
                self._line(f"{marker}{short_type(other.type)}  {version}   {where}", other)
            if len(events) > 500:
                self._line(f"… {grouped(len(events) - 500)} more", None)

    def _head(self, text: str) -> None:
        entry = QListWidgetItem(text)
        entry.setFlags(Qt.ItemFlag.NoItemFlags)
        entry.setFont(fonts.ui(11, 600))
        entry.setSizeHint(QSize(0, 26))
        self.addItem(entry)

    def _line(self, text: str, event: Event | None) -> None:
        entry = QListWidgetItem(text)
        entry.setSizeHint(QSize(0, 26))
        entry.setFont(fonts.ui(13))
        if event is None:
            entry.setFlags(Qt.ItemFlag.NoItemFlags)
        else:
            entry.setData(Qt.ItemDataRole.UserRole, _Held(event))
            entry.setToolTip(tooltip(f"{event.type}\n{event.stream}\n{place(event)}\n{iso(event.recorded_at) or ''}"))
        self.addItem(entry)

    def _wanted(self, entry: QListWidgetItem) -> None:
        held = entry.data(Qt.ItemDataRole.UserRole)
        if isinstance(held, _Held):
            self.event_wanted.emit(held.event)


class _Held:
    """Keeps Qt from converting an event on its way through a QVariant."""

    def __init__(self, event: Event) -> None:
        self.event = event


class StatePanel(Panel):
    """The state after the event under the playhead, what that event changed, and who set the selected field."""

    event_chosen = Signal(int)
    """An index in the stream: "set by" was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("State", "layers", parent)
        self._stream: StreamSession | None = None
        self.fold = FoldLine()
        self.unknown = UnknownState()
        self.unknown.last_known_wanted.connect(self.event_chosen)
        self.view = ValueView("State", notes=True)
        self.view.note_of = self._setter
        self.view.selected.connect(self._select)
        self.view.activated.connect(self._go_to_writer)
        self.field = FieldCard()
        self.field.event_chosen.connect(self.event_chosen)
        self.field.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.unknown)
        self.body.addWidget(self.fold)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.field)

    def show_stream(self, stream: StreamSession | None) -> None:
        """Shows another stream's state, or nothing."""
        self._stream = stream
        self.view.reset_folding()
        self.view.verticalScrollBar().setValue(0)
        self.refresh()

    def refresh(self) -> None:
        """Shows the state at the playhead; called for every move of it."""
        stream = self._stream
        self.fold.show_stream(stream)
        self._stack.setCurrentWidget(self.view)
        if stream is None:
            self.set_title("State")
            self.set_note("")
            self.field.hide()
            self.view.show_message("The state of the opened stream is shown here, with the event that set each field.")
            return
        history, index = stream.history, stream.playhead
        if not stream.is_known(max(index, stream.mark or 0)):
            self._show_unknown(stream)
            return
        shown = history.changed[index]
        if stream.mark is not None and stream.mark != index:
            shown = tuple(history.difference(*sorted((stream.mark, index))))
        changed = {change.path: change for change in shown}
        self.set_title(_state_title(stream))
        self.set_note(_counted(changed))
        self.view.show_value(history.state_at(max(index, stream.mark or 0)), changed)
        self.view.reveal_changes()
        self.view.select(stream.selected_path)
        self.field.show_field(stream)

    def _show_unknown(self, stream: StreamSession) -> None:
        self.set_title(_state_title(stream))
        self.set_note("not known")
        self.field.hide()
        self.unknown.show_failure(stream)
        self._stack.setCurrentWidget(self.unknown)

    def _setter(self, path: str) -> str:
        writer = self._writer(path)
        if writer is None:
            return ""
        version = f" v{writer.version}" if writer.version is not None else ""
        return f"{short_type(writer.type).rsplit('.', 1)[-1]}{version}"

    def _writer(self, path: str) -> Writer | None:
        stream = self._stream
        return None if stream is None else stream.history.writer(path, stream.playhead)

    def _select(self, path: str) -> None:
        if self._stream is not None:
            self._stream.select_path(path or None)

    def _go_to_writer(self, path: str) -> None:
        writer = self._writer(path)
        if writer is not None:
            self.event_chosen.emit(writer.index)


def _state_title(stream: StreamSession) -> str:
    def name(index: int) -> str:
        version = stream.events[index].version
        return f"version {version}" if version is not None else f"event {index + 1}"

    if stream.mark is None or stream.mark == stream.playhead:
        return f"State at {name(stream.playhead)}"
    first, last = sorted((stream.mark, stream.playhead))
    return f"State from {name(first)} to {name(last).split()[-1]}"


def _counted(changed: dict[str, Change]) -> str:
    kinds = [change.kind for change in changed.values()]
    signs = (("added", "+"), ("removed", "−"), ("changed", "~"))
    return "  ".join(f"{sign}{kinds.count(kind)}" for kind, sign in signs if kind in kinds) or "unchanged"


class FieldCard(QFrame):
    """Who set the selected field, who set it before that, and the way to both."""

    event_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._path = ElidedLabel("")
        self._path.setFont(fonts.mono(12))
        self._rows: list[tuple[ElidedLabel, QToolButton]] = []
        self._targets: list[int | None] = [None, None]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(2)
        layout.addWidget(self._path)
        for number in range(2):
            layout.addLayout(self._line(number))

    def _line(self, number: int) -> QHBoxLayout:
        label = ElidedLabel("")
        label.setProperty("tone", "second")
        button = QToolButton()
        button.setIcon(icon("arrow-right"))
        button.setAccessibleName("Go to the event that set it" if number == 0 else "Go to the event before that")
        button.setToolTip(button.accessibleName())
        button.clicked.connect(self._chooser(number))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label, 1)
        row.addWidget(button)
        self._rows.append((label, button))
        return row

    def _chooser(self, number: int) -> Callable[[], None]:
        def choose() -> None:
            target = self._targets[number]
            if target is not None:
                self.event_chosen.emit(target)

        return choose

    def show_field(self, stream: StreamSession) -> None:
        """Shows the selected field of a stream at its playhead; hides itself when none is selected."""
        path, history = stream.selected_path, stream.history
        writers = None if path is None else history.writers.get(path)
        if path is None or writers is None:
            self.hide()
            return
        self._path.setText(path)
        last = history.writer(path, stream.playhead)
        before = None if last is None else history.writer(path, last.index - 1)
        self._show_writer(0, "Set", last, stream, "Not set yet at this version.")
        self._show_writer(1, "Before that", before, stream, "Nothing set it before that.")
        self.show()

    def _show_writer(self, number: int, word: str, writer: Writer | None, stream: StreamSession, none: str) -> None:
        label, button = self._rows[number]
        self._targets[number] = None if writer is None else writer.index
        button.setEnabled(writer is not None and writer.index != stream.playhead)
        if writer is None:
            label.setText(none)
            return
        event = stream.events[writer.index]
        at = f"  ·  {when(event.recorded_at, zone())}" if event.recorded_at is not None else ""
        version = f" at v{writer.version}" if writer.version is not None else ""
        gone = any(c.kind == "removed" and c.path == stream.selected_path for c in stream.history.changed[writer.index])
        verb = ("Removed", "Before that removed")[number] if gone else word
        label.setText(f"{verb}{version} by {short_type(writer.type).rsplit('.', 1)[-1]}{at}")


class Inspector(QSplitter):
    """Event above, state below."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self.event_panel = EventPanel()
        self.state_panel = StatePanel()
        self.addWidget(self.event_panel)
        self.addWidget(self.state_panel)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(8)
        self.setSizes([420, 460])
        self.setMinimumWidth(260)

"""The right side: the event under the playhead, what it is tied to, and the state after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
from esviewer.domain import Event, Value, iso
from esviewer.domain.objects import event_object
from esviewer.projections.upcast_events import Sight, sight_of
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.relations import Related
from esviewer.ui.state_panel import StatePanel
from esviewer.ui.upcast_chip import UpcastChip
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
    switched = Signal()
    """To be shown as stored, or upcast again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Event", "git-commit-horizontal", parent)
        self._event: Event | None = None
        self._related: Related | None = None
        self.assess: Callable[[Event], Assessment | None] = lambda _event: None
        """What the catalogue makes of an event, ``None`` without one."""
        self.shows_stored: Callable[[], bool] = lambda: False
        """Whether events are to be shown as they are stored, and not upcast."""
        self._found: Assessment | None = None
        self._sight: Sight | None = None
        self._wanted = 0
        self._is_settling = False
        self.status = EventStatus()
        self.upcast = UpcastPanel()
        self._place = ElidedLabel("")
        self._place.setFont(fonts.mono(12))
        self._place.setProperty("tone", "second")
        self._facts = ElidedLabel("")
        self._facts.setProperty("tone", "second")
        self.chip = UpcastChip()
        self.chip.clicked.connect(self.switched)
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
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._place, 1)
        top.addWidget(self.chip)
        # The line is as high without the chip, so that nothing below it jumps.
        self._place.setFixedHeight(self.chip.sizeHint().height())
        head.addLayout(top)
        for line in (self._facts, self.status, self._warning):
            head.addWidget(line)
        self._warning.hide()
        self.body.addLayout(head)
        self.body.addWidget(self._tabs)
        self.body.addWidget(self._stack, 1)

    def show_event(self, event: Event | None) -> None:
        """Shows an event, or nothing."""
        self._event, self._related = event, None
        self._found = self.assess(event) if event is not None else None
        self._sight = sight_of(self._found, event) if event is not None and self._found is not None else None
        self.status.show_assessment(self._found)
        self._show_chip()
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

    def _show_chip(self) -> None:
        """Says whether the payload is shown as stored, of events that projections see otherwise."""
        sight = self._sight
        if sight is None or not (sight.is_upcast or sight.status is Status.ERASED):
            self.chip.say("", "", is_upcast=False)
        elif self.shows_stored():
            self.chip.say("As stored", f"Projections and folds see it otherwise: {sight.words}.", is_upcast=False)
        else:
            words = f"{sight.words[:1].upper()}{sight.words[1:]}"
            self.chip.say(words, "The payload is shown as projections and folds see it.", is_upcast=True)

    @property
    def is_upcast(self) -> bool:
        """Whether the payload is shown as upcasters made it."""
        return not self.chip.isHidden() and self.chip.is_upcast

    def _show_payload(self, event: Event) -> None:
        seen = self._sight.events if self._sight is not None and self.is_upcast else None
        if seen is not None and not seen:
            self.payload.show_message("This event becomes no event: projections and folds do not see it.")
        elif seen is not None:
            self.payload.show_value(_seen_payload(seen))
        elif event.undecodable is not None:
            self.payload.show_message(
                f"{event.undecodable[:1].upper()}{event.undecodable[1:]}. The bytes are under Raw."
            )
        else:
            self.payload.show_value(event.data)

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
            self._show_payload(event)
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


def _seen_payload(seen: Sequence[Event]) -> Value:
    """The payload of what an event became; of several each under its number and type."""
    if len(seen) == 1:
        return seen[0].data
    return {f"{number} {short_type(part.type)}": part.data for number, part in enumerate(seen, 1)}


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

"""The filter bar: which events of a store are looked at, as chips and as a line of words, with how many there are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QInputDialog, QMenu, QToolButton, QVBoxLayout, QWidget

from esviewer.domain import EsviewerError
from esviewer.session import StoreSession
from esviewer.stores.filter_words import Part, split
from esviewer.stores.filters import FLAGS, EventFilter
from esviewer.ui import fonts
from esviewer.ui.colours import TypeColours
from esviewer.ui.filter_chips import Chip, ChipRow
from esviewer.ui.filter_completion import StoreWords
from esviewer.ui.filter_line import FilterLine
from esviewer.ui.filtering import Filtering
from esviewer.ui.icons import icon
from esviewer.ui.statuses import LOOKS, status_icon, status_word
from esviewer.ui.theme import theme
from esviewer.ui.widgets import label, tooltip
from esviewer.ui.widgets.format import grouped, rate
from esviewer.ui.words import short_category, short_type

_PLACEHOLDER = "Filter events: text, type:, since:, where: …"
_MENU_LIMIT = 30


def count_words(store: StoreSession, filtering: Filtering) -> str:
    """How many events are looked at, and of how many that can be said."""
    length = store.index.length
    if store.rows is None:
        return f"{grouped(length)} event{'' if length == 1 else 's'}{'' if store.index.complete else ' so far'}"
    if filtering.is_running(store) and not store.filter.needs_events:
        return f"… of {grouped(length)} events"
    found = grouped(len(store.rows))
    if filtering.is_running(store) and store.filter.needs_events:
        done = store.covered * 100 // max(length, 1)
        return f"{found} found, {done} % read"
    if store.covered < length and filtering.is_stopped(store):
        return f"{found} in the first {grouped(store.covered)} of {grouped(length)}"
    if not store.index.complete:
        return f"{found} of {grouped(store.covered)} indexed so far"
    return f"{found} of {grouped(length)} events"


class FilterBar(QFrame):
    """Shows and changes the filter of one store."""

    escaped = Signal()
    """The keyboard should go back to the view."""

    def __init__(
        self, filtering: Filtering, colours: Callable[[StoreSession], TypeColours], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._filtering = filtering
        self._colours = colours
        self._store: StoreSession | None = None
        self._words: StoreWords | None = None
        self._editing: Part | None = None
        self._stop_listening: Callable[[], None] = lambda: None
        self.setProperty("field", "true")
        self.setAccessibleName("Filter")
        self.line = FilterLine(_PLACEHOLDER)
        tail = QWidget()
        self._tail = QHBoxLayout(tail)
        self.chips = ChipRow(self.line, tail)
        self._count = label(tone="second", font=fonts.ui(12))
        self._trouble = label(tone="removed", font=fonts.ui(12))
        self._trouble.setWordWrap(True)
        self._trouble.hide()
        self._add = self._button("filter", "Add to the filter", self._add_menu)
        self.stop = self._button("x", "Cancel reading")
        self.stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.hides = self._button("eye-off", "Hide in streams what the filter leaves out; otherwise it is dimmed")
        self.hides.setCheckable(True)
        self.saved = self._button("star", "Saved filters", self._saved_menu)
        self.clear = self._button("x", "Clear the filter")
        self._lay_out()
        self._connect()
        self.hide()

    def _button(self, symbol: str, text: str, fill: Callable[[QMenu], None] | None = None) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setToolTip(text)
        button.setAccessibleName(text)
        if fill is not None:
            menu = QMenu(button)
            menu.setToolTipsVisible(True)
            menu.aboutToShow.connect(lambda: fill(menu))
            button.setMenu(menu)
            button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 3, 4, 4)
        column.setSpacing(2)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._add, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.chips, 1)
        self._tail.setContentsMargins(0, 0, 0, 0)
        self._tail.setSpacing(4)
        self._tail.addWidget(self._count)
        for button in (self.stop, self.hides, self.saved, self.clear):
            self._tail.addWidget(button)
        column.addLayout(row)
        self._trouble.setContentsMargins(38, 0, 8, 3)
        column.addWidget(self._trouble)

    def _connect(self) -> None:
        self.line.entered.connect(self._entered)
        self.line.left_at_start.connect(lambda: self._focus_chip(len(self.chips.chips) - 1))
        self.line.escaped.connect(self._escape)
        self.line.textEdited.connect(lambda _text: self._tell_trouble(""))
        self.line.textChanged.connect(lambda _text: self.chips.arrange())
        self.line.focused.connect(self._light)
        self.stop.clicked.connect(self._stop_or_go_on)
        self.hides.toggled.connect(self._filtering.set_hides)
        self.clear.clicked.connect(self.clear_filter)

    # What is shown

    @property
    def store(self) -> StoreSession | None:
        """The store whose filter is shown."""
        return self._store

    @property
    def count(self) -> str:
        """How many events are looked at, as it is shown."""
        return self._count.text()

    @property
    def trouble(self) -> str:
        """What is wrong with what was typed."""
        return self._trouble.text()

    def show_store(self, store: StoreSession | None) -> None:
        """Shows the filter of another store; none hides the bar."""
        if store is not self._store:
            self._stop_listening()
            self._stop_listening = store.filtered.add(self.refresh) if store is not None else lambda: None
            self._store = store
            self._words = StoreWords(store) if store is not None else None
            self.line.words = self._words
            self.line.clear()
            self._editing = None
            self._tell_trouble("")
            self.chips.show_parts({}, self._chip)
        self.setVisible(store is not None)
        self.refresh()

    def refresh(self) -> None:
        """Shows the filter, and how much is known of what it means."""
        store, words = self._store, self._words
        if store is None or words is None:
            return
        self.chips.show_parts({part: words.is_known(part) for part in store.filter.parts}, self._chip)
        is_set = not store.filter.is_empty
        is_running = self._filtering.is_running(store) and store.filter.needs_events
        can_go_on = not is_running and is_set and self._filtering.is_stopped(store)
        self._count.setText(count_words(store, self._filtering))
        self._count.setToolTip(tooltip(self._explanation(store)))
        self.stop.setVisible(is_running or can_go_on)
        self.stop.setText("Cancel" if is_running else "Go on")
        self.stop.setIcon(icon("x" if is_running else "play"))
        self.stop.setToolTip("Stop reading events; what was found stays" if is_running else "Read the rest")
        self.stop.setAccessibleName(self.stop.toolTip())
        self.hides.setVisible(is_set)
        self.clear.setVisible(is_set)
        self.line.setPlaceholderText("" if is_set else _PLACEHOLDER)
        self.chips.arrange()
        self.update()

    def show_zone(self) -> None:
        """Shows times anew: another zone was chosen."""
        self.chips.show_parts({}, self._chip)
        self.refresh()

    def _explanation(self, store: StoreSession) -> str:
        if not store.filter.needs_events:
            return "Answered from the index."
        seconds = self._filtering.seconds(store)
        read = f", {grouped(store.covered)} so far at {rate(store.covered, seconds)}" if seconds > 0.2 else ""
        return f"Events are read to find these{read}."

    def _chip(self, part: Part, is_known: bool) -> Chip:
        assert self._store is not None
        chip = Chip(part, self._colours(self._store), is_known)
        chip.removed.connect(partial(self._remove, part))
        chip.negated.connect(partial(self._negate, part))
        chip.edited.connect(partial(self._edit, part))
        chip.left.connect(partial(self._focus_beside, part))
        return chip

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        store = self._store
        if store is None or not self.stop.isVisible() or not store.index.length:
            return
        width = (self.width() - 12) * store.covered / store.index.length
        token = "accent" if self._filtering.is_running(store) else "strong"
        with QPainter(self) as painter:
            painter.fillRect(QRectF(6, self.height() - 3, width, 2), theme().color(token))

    def _light(self, is_on: bool) -> None:
        self.chips.arrange()
        self.setProperty("lit", "true" if is_on else "")
        self.style().unpolish(self)
        self.style().polish(self)

    def _tell_trouble(self, sentence: str) -> None:
        self._trouble.setText(sentence)
        self._trouble.setVisible(bool(sentence))

    # Changing the filter

    def start(self) -> None:
        """Puts the keyboard into the line."""
        self.line.setFocus()
        self.line.selectAll()

    def set_filter(self, wanted: EventFilter) -> None:
        """Looks at other events."""
        self._editing = None
        self._tell_trouble("")
        if self._store is not None and wanted != self._store.filter:
            self._filtering.set_filter(self._store, wanted)

    def add(self, part: Part) -> None:
        """Adds a part; it takes the place of its opposite, and of another bound of its kind."""
        self._take((part,))

    def clear_filter(self) -> None:
        """Looks at all events again."""
        self.line.clear()
        self.set_filter(EventFilter())

    def _entered(self, text: str) -> None:
        assert self._words is not None
        try:
            self._take(tuple(self._words.resolved(split(text))))
        except EsviewerError as error:
            self._tell_trouble(str(error).removeprefix("--"))
        else:
            self.line.clear()

    def _take(self, new: tuple[Part, ...]) -> None:
        if self._store is not None:
            self.set_filter(self._store.filter.adding(new, self._editing))

    def _remove(self, part: Part) -> None:
        place = self._place(part)
        self._replace(part, ())
        # The keyboard stays where it was, so that Del takes away one after the other.
        if not self._focus_chip(min(place, len(self.chips.chips) - 1)):
            self.line.setFocus()

    def _negate(self, part: Part) -> None:
        self._replace(part, (part.negated(),))
        self._focus_chip(self._place(part.negated()))

    def _replace(self, part: Part, new: tuple[Part, ...]) -> None:
        if self._store is not None:
            self.set_filter(self._store.filter.replacing(part, new))

    def _edit(self, part: Part) -> None:
        self._editing = part
        self.line.setText(part.words)
        self.line.setFocus()

    def _escape(self) -> None:
        if self._editing is not None or self.trouble:
            self._editing = None
            self._tell_trouble("")
        else:
            self.escaped.emit()

    def _stop_or_go_on(self) -> None:
        if self._store is None:
            return
        if self._filtering.is_running(self._store):
            self._filtering.stop(self._store)
        else:
            self._filtering.go_on(self._store)

    # The keyboard among the chips

    def _place(self, part: Part) -> int:
        return next((i for i, chip in enumerate(self.chips.chips) if chip.part == part), -1)

    def _focus_chip(self, place: int) -> bool:
        if not 0 <= place < len(self.chips.chips):
            return False
        self.chips.chips[place].setFocus()
        return True

    def _focus_beside(self, part: Part, step: int) -> None:
        place = self._place(part)
        if step == 0 or (not self._focus_chip(place + step) and step > 0):
            self.line.setFocus()

    # Menus

    def _add_menu(self, menu: QMenu) -> None:
        menu.clear()
        words = self._words
        if words is None:
            return
        for title, is_negated in (("Only event type", False), ("Leave out event type", True)):
            types = menu.addMenu(title)
            for name in list(words.types)[:_MENU_LIMIT]:
                part = Part("type", name, is_negated)
                text = f"{_plain(short_type(name))}\t{grouped(words.types[name])}"
                types.addAction(text, partial(self.add, part)).setToolTip(tooltip(name))
        categories = menu.addMenu("Category")
        categories.setEnabled(bool(words.categories))
        for name in list(words.categories)[:_MENU_LIMIT]:
            text = f"{_plain(short_category(name))}\t{grouped(words.categories[name])}"
            categories.addAction(text, partial(self.add, Part("category", name)))
        menu.addSeparator()
        for flag in FLAGS:
            menu.addAction(flag.capitalize(), partial(self.add, Part("is", flag)))
        if words.store.catalogue.current is not None:
            statuses = menu.addMenu("Status")
            for status, look in LOOKS.items():
                if status_word(status) not in FLAGS:
                    part = Part("is", status_word(status))
                    statuses.addAction(status_icon(status), look.word, partial(self.add, part))
        menu.addSeparator()
        for text, begun in (
            ("Recorded since…", "since:"),
            ("Recorded until…", "until:"),
            ("From a position…", "from-position:"),
            ("To a position…", "to-position:"),
            ("Stream…", "stream:"),
            ("Where an expression holds…", 'where:"data. "'),
            ("Text in the payload…", 'text:""'),
        ):
            menu.addAction(text, partial(self._begin, begun))

    def _begin(self, words: str) -> None:
        self.line.setFocus()
        self.line.setText(words)
        self.line.setCursorPosition(len(words.rstrip('" ')) + words.count('""'))
        self.line.offer()

    def _saved_menu(self, menu: QMenu) -> None:
        menu.clear()
        filtering, store = self._filtering, self._store
        for name, words in filtering.saved.items():
            action = menu.addAction(icon("star"), _plain(name), partial(self._use_saved, words))
            action.setToolTip(tooltip(words))
        if filtering.saved:
            menu.addSeparator()
        save = menu.addAction("Save this filter as…", self.ask_for_name)
        save.setEnabled(store is not None and not store.filter.is_empty)
        if filtering.saved:
            away = menu.addMenu("Remove a saved filter")
            for name in filtering.saved:
                away.addAction(_plain(name), partial(filtering.remove, name))

    def _use_saved(self, words: str) -> None:
        try:
            self.set_filter(EventFilter.of(split(words)))
        except EsviewerError as error:
            # Saved by another version, or written by hand.
            self._tell_trouble(str(error))

    def ask_for_name(self) -> None:
        """Asks for the name that the filter is saved under."""
        store = self._store
        if store is None or store.filter.is_empty:
            return
        wanted = store.filter
        dialog = QInputDialog(self)
        dialog.setObjectName("save filter")
        dialog.setWindowTitle("Save filter")
        dialog.setLabelText("Name of the filter")
        dialog.setTextValue(", ".join(chip.accessibleName() for chip in self.chips.chips)[:60])
        dialog.textValueSelected.connect(lambda name: self._save(name, wanted))
        dialog.finished.connect(dialog.deleteLater)
        dialog.resize(420, dialog.sizeHint().height())
        dialog.open()

    def _save(self, name: str, wanted: EventFilter) -> None:
        if name.strip():
            self._filtering.save(name.strip(), wanted)


def _plain(text: str) -> str:
    """A title for a menu: what would be read as a mnemonic is shown."""
    return text.replace("&", "&&")

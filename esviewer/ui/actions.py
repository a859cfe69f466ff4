"""Every action of the window: its words, its shortcut, where it stands in the menu, when it can be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from esviewer.ui.command_palette import Entry
from esviewer.ui.shortcuts import show_shortcuts

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


_PARTS = (("Payload", "Ctrl+4"), ("Metadata", "Ctrl+5"), ("Related", "Ctrl+6"), ("Raw", "Ctrl+7"), ("Upcast", "Ctrl+U"))


def _always() -> bool:
    return True


class Actions:
    """Made once a window. Menus, the top bar and Ctrl+K all show these."""

    def __init__(self, view: MainView) -> None:
        self._view = view
        self._all: list[tuple[str, QAction, str, Callable[[], bool]]] = []
        self._make_files()
        self._make_places()
        self._make_filter()
        self._make_steps()
        self._make_timeline()
        self._make_event()
        self._make_looks()

    # When an action can be done

    def _has_stream(self) -> bool:
        return self._view.session.stream is not None

    def _has_store(self) -> bool:
        return self._view.session.store is not None

    def _has_filter(self) -> bool:
        store = self._view.session.store
        return store is not None and not store.filter.is_empty

    def _has_catalogue(self) -> bool:
        store = self._view.session.store
        return store is not None and store.catalogue.current is not None

    # The actions, by what they are about

    def _make_files(self) -> None:
        v, add, store, always = self._view, self._add, self._has_store, _always
        self.open_file = add("File", "Open a file…", "Ctrl+O", "folder-open", v.databases.ask_for_file, always)
        self.connect = add("File", "Connect to Postgres…", "Ctrl+Shift+O", "plug", v.databases.ask_for_server, always)
        self.sample = add("File", "Open the sample", "", "file", v.databases.open_sample, always)
        self.key = add(
            "File", "Give the key of encrypted payloads…", "", "key-round", lambda: v.databases.ask_for_key(), store
        )
        schemas = lambda: v.catalogues.asking.for_schemas(v.session.store)  # noqa: E731 - a line is too short for it
        add("File", "Read a catalogue from schema files…", "", "book-open", schemas, store)
        self.pause = add("File", "Stop or go on reading the store", "", "pause", v.databases.switch_indexing, store)
        self.check = add("File", "Compare the history with its index", "", "circle-check", self._compare, store)
        self.export = add("File", "Export the stream's events…", "Ctrl+E", "download", self._export, self._has_stream)
        self.report = add("File", "Report…", "Ctrl+Shift+R", "list-checks", self._report, store)
        self.close_tab = add("File", "Close tab", "Ctrl+W", "x", v.close_current_tab, store)
        self.quit = add("File", "Quit", "Ctrl+Q", "x", lambda: v.frame.close(), always)

    def _make_places(self) -> None:
        v, add, store, session = self._view, self._add, self._has_store, self._view.session
        go = v.navigation.go
        self.live = add("View", "Follow new events", "Ctrl+R", "radio", lambda: None, _always)
        self.live.setCheckable(True)
        self.live.toggled.connect(v.follow)
        self.palette = add("Go", "Go to anything…", "Ctrl+K", "search", lambda: v.show_palette(), _always)
        self.back = add("Go", "Back", "Alt+Left", "arrow-left", lambda: go(-1), lambda: session.can_go_back)
        self.forward = add("Go", "Forward", "Alt+Right", "arrow-right", lambda: go(1), lambda: session.can_go_forward)
        self.overview = add("Go", "Overview", "Ctrl+1", "layers", lambda: v.overviews.show(session.store), store)
        self.filter = add("Go", "Filter events", "Ctrl+F", "filter", lambda: v.filter_bar.start(), store)
        add("Go", "Filter streams", "Ctrl+Shift+S", "filter", lambda: v.sidebar.filter.setFocus(), store)
        self.all_events = add("Go", "All events", "Ctrl+Shift+E", "table", lambda: v.tables.show(session.store), store)
        self.find = add("Go", "Find events…", "Ctrl+Shift+F", "search", lambda: v.show_find(), store)
        catalogue = lambda: v.catalogue_views.show_catalogue(session.store)  # noqa: E731 - a line is too short for it
        findings = lambda: v.catalogue_views.show_findings(session.store)  # noqa: E731
        self.catalogue = add("Go", "Catalogue…", "Ctrl+8", "book-open", catalogue, store)
        self.findings = add("Go", "Findings…", "Ctrl+9", "list-checks", findings, store)
        consumers = lambda: v.catalogue_views.show_consumers(session.store)  # noqa: E731
        add("Go", "Consumers…", "Ctrl+0", "radio", consumers, store)
        project = lambda: v.projections.show(session.store)  # noqa: E731
        self.projections = add("Go", "Projections…", "Ctrl+P", "table", project, store)

    def _make_filter(self) -> None:
        # The bar is made later than this.
        v, add, can = self._view, self._add, self._has_filter
        add("View", "Hide what the filter leaves out", "Ctrl+H", "eye-off", lambda: v.filter_bar.hides.toggle(), can)
        add("View", "Save the filter…", "Ctrl+S", "star", lambda: v.filter_bar.ask_for_name(), can)
        add("View", "Clear the filter", "Ctrl+Alt+F", "x", lambda: v.filter_bar.clear_filter(), can)

    def _make_steps(self) -> None:
        add, can, flagged = self._add, self._has_stream, self._has_catalogue
        to_flagged = self._view.navigation.to_flagged
        add("Go", "Previous change of the field", "Shift+Left", "", lambda: self._change(-1), can, is_bound=False)
        add("Go", "Next change of the field", "Shift+Right", "", lambda: self._change(1), can, is_bound=False)
        add("Go", "Previous flagged event", "Ctrl+Left", "", lambda: to_flagged(-1), flagged)
        add("Go", "Next flagged event", "Ctrl+Right", "", lambda: to_flagged(1), flagged)
        add("Go", "Previous event of its type", ",", "", lambda: self._zoom("before"), can, is_bound=False)
        add("Go", "Next event of its type", ".", "", lambda: self._zoom("after"), can, is_bound=False)

    def _make_timeline(self) -> None:
        add, can = self._add, self._has_stream
        add("View", "Version axis", "V", "hash", lambda: self._axis("version"), can, is_bound=False)
        add("View", "Time axis", "T", "clock", lambda: self._axis("time"), can, is_bound=False)
        add("View", "Zoom in", "Ctrl++", "zoom-in", lambda: self._zoom("in"), can)
        add("View", "Zoom out", "Ctrl+-", "zoom-out", lambda: self._zoom("out"), can)
        add("View", "Fit the whole stream", "F", "maximize", lambda: self._zoom("fit"), can, is_bound=False)
        add("View", "Fold idle time", "G", "fold-horizontal", lambda: self._zoom("fold"), can, is_bound=False)
        add("View", "About the event at the playhead", "I", "", lambda: self._zoom("card"), can, is_bound=False)
        add("View", "Field tracks", "Ctrl+2", "sliders-horizontal", lambda: self._lower("tracks"), can)
        add("View", "Events table", "Ctrl+3", "table", lambda: self._lower("table"), can)

    def _make_event(self) -> None:
        v, add, can = self._view, self._add, self._has_stream
        for part, keys in _PARTS:
            act = lambda chosen=part: v.inspector.event_panel.show_part(chosen)  # noqa: E731 - one for each part
            add("View", f"{part} of the event", keys, "", act, can)
        stored = lambda: v.folding.switch_stored()  # noqa: E731 - made later than this
        flagged = self._has_catalogue
        add("View", "Events and state as stored, or upcast", "R", "", stored, flagged, is_bound=False)
        add("View", "Edit the fold…", "Ctrl+Shift+D", "sliders-horizontal", lambda: v.folding.edit(), can)
        classes = lambda: v.folding.can_use_classes  # noqa: E731 - made later than this
        use = lambda: v.folding.ask_for_classes()  # noqa: E731
        add("View", "Fold with the application's classes…", "", "terminal", use, classes)
        copy = lambda: v.inspector.event_panel.copy_event()  # noqa: E731
        add("View", "Copy the event as JSON", "Ctrl+Shift+C", "copy", copy, can)

    def _make_looks(self) -> None:
        v, add = self._view, self._add
        add("View", "Times in UTC", "", "clock", lambda: v.choose_zone("utc"), _always)
        add("View", "Times in this machine's zone", "", "clock", lambda: v.choose_zone("local"), _always)
        self.light = add("View", "Light theme", "", "sun", lambda: v.choose_theme("light"), _always)
        self.dark = add("View", "Dark theme", "", "moon", lambda: v.choose_theme("dark"), _always)
        self.system = add("View", "Theme of the system", "", "monitor", lambda: v.choose_theme("system"), _always)
        self.log = add("Help", "Statements sent to the store", "Ctrl+L", "terminal", v.show_query_log, self._has_store)
        self.keys = add(
            "Help", "Keyboard shortcuts", "?", "circle-help", lambda: show_shortcuts(self.table(), v), _always
        )

    def _compare(self) -> None:
        store = self._view.session.store
        if store is not None:
            self._view.databases.check_history(store)

    def _add(
        self,
        menu: str,
        text: str,
        shortcut: str,
        symbol: str,
        act: Callable[[], object],
        can: Callable[[], bool],
        *,
        is_bound: bool = True,
    ) -> QAction:
        """An action. One that is not bound has keys that only work where nothing is typed: the view handles those."""
        from esviewer.ui.icons import icon

        action = QAction(text, self._view)
        if symbol:
            action.setIcon(icon(symbol))
        if shortcut and is_bound:
            action.setShortcut(QKeySequence(shortcut))
            action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        action.triggered.connect(lambda _checked=False: act())
        self._view.addAction(action)
        self._all.append((menu, action, shortcut, can))
        return action

    def menu(self, parent: QWidget) -> QMenu:
        """All actions, by menu."""
        whole = QMenu(parent)
        for name in ("File", "Go", "View", "Help"):
            part = whole.addMenu(name)
            for menu, action, _, _ in self._all:
                if menu == name:
                    part.addAction(action)
        return whole

    def open_menu(self, parent: QWidget) -> QMenu:
        """The ways of opening a store."""
        menu = QMenu(parent)
        for action in (self.open_file, self.connect, self.sample):
            menu.addAction(action)
        return menu

    def entries(self) -> list[Entry]:
        """All actions for Ctrl+K."""
        return [
            Entry(action.text().rstrip("…"), shortcut or menu, "chevron-right", action.trigger)
            for menu, action, shortcut, _ in self._all
            if action is not self.palette
        ]

    def table(self) -> list[tuple[str, str, str]]:
        """Menu, words and shortcut of every action that has one."""
        return [(menu, action.text().rstrip("…"), keys) for menu, action, keys, _ in self._all if keys]

    def refresh(self) -> None:
        """Greys what cannot be done now."""
        for _, action, _, can in self._all:
            action.setEnabled(can())

    def _export(self) -> None:
        tab = self._view.current_tab
        if tab is not None:
            tab.table.export()

    def _report(self) -> None:
        from esviewer.ui.report_dialog import ReportDialog
        from esviewer.ui.report_work import subjects

        store, stream = self._view.session.store, self._view.session.stream
        if store is not None:
            ran = self._view.projections.work(store).ran
            ReportDialog(self._view, store, subjects(store, stream, ran)).open()

    def _change(self, step: int) -> None:
        if self._view.session.stream is not None:
            self._view.session.stream.step_to_change(step)

    def _axis(self, axis: str) -> None:
        tab = self._view.current_tab
        if tab is not None:
            tab.set_axis(axis)

    def _zoom(self, how: str) -> None:
        tab = self._view.current_tab
        if tab is not None:
            timeline = tab.timeline
            acts: dict[str, Callable[[], None]] = {
                "in": timeline.zoom_in,
                "out": timeline.zoom_out,
                "fit": timeline.fit,
                "fold": timeline.fold_action.trigger,
                "card": timeline.show_card,
                "before": lambda: timeline.step_on_lane(-1),
                "after": lambda: timeline.step_on_lane(1),
            }
            acts[how]()

    def _lower(self, what: str) -> None:
        tab = self._view.current_tab
        if tab is not None:
            tab.show_lower(what)

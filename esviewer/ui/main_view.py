"""The inside of the window: puts the parts together and carries what the reader does from one to the others."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from esviewer.domain import EsviewerError
from esviewer.session import DatabaseSession, Session, StoreSession, StreamSession, remember
from esviewer.ui import opening
from esviewer.ui import theme as themes
from esviewer.ui.actions import Actions
from esviewer.ui.catalogue_control import Catalogues
from esviewer.ui.catalogue_views import CatalogueViews
from esviewer.ui.colours import TypeColours
from esviewer.ui.command_palette import CommandPalette
from esviewer.ui.databases import Databases
from esviewer.ui.filter_bar import FilterBar
from esviewer.ui.filtering import Filtering
from esviewer.ui.folding import Folding
from esviewer.ui.following import Following
from esviewer.ui.frame import Frame
from esviewer.ui.icons import icon
from esviewer.ui.inspector import Inspector
from esviewer.ui.jobs import Jobs
from esviewer.ui.navigation import Navigation
from esviewer.ui.overview import Overview
from esviewer.ui.overviews import Overviews
from esviewer.ui.projection_control import Projections
from esviewer.ui.restoring import Restoring
from esviewer.ui.sidebar import Sidebar
from esviewer.ui.status_line import StatusLine
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.store_tables import StoreTables
from esviewer.ui.stream_columns import StreamColumns
from esviewer.ui.stream_keys import move_by_key
from esviewer.ui.stream_tab import StreamTab
from esviewer.ui.top_bar import TopBar
from esviewer.ui.transport import Transport
from esviewer.ui.welcome import Welcome
from esviewer.ui.widgets import Banner, Severity, tooltip
from esviewer.ui.widgets.format import short_id
from esviewer.ui.words import stream_title, tab_text
from esviewer.ui.zone import set_zone

_log = logging.getLogger(__name__)

Then = Callable[[StreamSession], None]


class MainView(QWidget):
    """Everything between the title and the edge of the window."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self.frame = frame
        self.session = Session()
        self.jobs = Jobs(self)
        self.databases = Databases(self)
        self.navigation = Navigation(self)
        self.restoring = Restoring(self)
        self.following = Following(self)
        self.tables = StoreTables(self)
        self.filtering = Filtering(self)
        self.catalogues = Catalogues(self)
        self.catalogue_views = CatalogueViews(self)
        self.projections = Projections(self)
        self._colours: dict[StoreSession, TypeColours] = {}
        self.overviews = Overviews(self)
        self.actions_ = Actions(self)
        self.top = TopBar(self.actions_)
        self.sidebar = Sidebar(self.session)
        self.tabs = QTabWidget()
        self.filter_bar = FilterBar(self.filtering, self.colours)
        self.inspector = Inspector()
        self.folding = Folding(self)
        self.transport = Transport()
        self.status = StatusLine()
        self.welcome = Welcome()
        self.tables.add_button()
        self.palette_ = CommandPalette(self.session, self.actions_.entries(), self)
        self._banners = QVBoxLayout()
        self._lay_out()
        self._connect()
        self.choose_zone(frame.remembered.zone)
        self.actions_.live.setChecked(frame.remembered.live)
        self._show_state()

    def _lay_out(self) -> None:
        self.tabs.setDocumentMode(True)
        self.tabs.setTabsClosable(True)
        self.tabs.setUsesScrollButtons(True)
        # Titles are short already: tabs that do not fit are scrolled to.
        self.tabs.setElideMode(Qt.TextElideMode.ElideNone)
        self.tabs.tabBar().setAccessibleName("Open views")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        self._banners.setContentsMargins(8, 0, 8, 0)
        self._banners.setSpacing(4)
        column.addLayout(self._banners)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(8)
        middle = QWidget()
        views = QVBoxLayout(middle)
        views.setContentsMargins(0, 0, 0, 0)
        views.setSpacing(4)
        views.addWidget(self.filter_bar)
        views.addWidget(self.tabs, 1)
        for widget in (self.sidebar, middle, self.inspector):
            self.splitter.addWidget(widget)
        for place, share in enumerate((3, 10, 5)):
            self.splitter.setStretchFactor(place, share)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([240, 800, 380])
        work = QWidget()
        inner = QVBoxLayout(work)
        inner.setContentsMargins(8, 8, 8, 8)
        inner.setSpacing(8)
        inner.addWidget(self.splitter, 1)
        inner.addWidget(self.transport)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(work)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)

    def _connect(self) -> None:
        self.session.changed.add(self._show_state)
        self.welcome.open_wanted.connect(self.databases.open)
        self.welcome.file_wanted.connect(self.databases.ask_for_file)
        self.welcome.connect_wanted.connect(self.databases.ask_for_server)
        self.welcome.recent_removed.connect(self._forget_recent)
        self.sidebar.store_chosen.connect(self.overviews.show)
        self.sidebar.stream_wanted.connect(self.open_stream)
        self.sidebar.close_wanted.connect(self.close_database)
        self.status.switch_wanted.connect(self.databases.switch_indexing)
        self.catalogue_views.connect_views()
        self.tabs.currentChanged.connect(self.tab_changed)
        self.tabs.tabCloseRequested.connect(self._close_tab)
        self.inspector.event_panel.event_wanted.connect(self.navigation.to_event)
        self.inspector.event_panel.related_wanted.connect(self.navigation.look_up_related)
        self.inspector.state_panel.event_chosen.connect(self.navigation.jump)
        self.transport.said.connect(self.status.say)
        self.transport.jumped.connect(self.navigation.note_place)
        self.palette_.stream_wanted.connect(self.open_stream)
        self.palette_.type_wanted.connect(self.navigation.to_type)
        self.palette_.position_wanted.connect(self.navigation.to_position)
        self.top.command_wanted.connect(self.show_palette)
        self.filter_bar.escaped.connect(self._to_view)
        themes.signals().changed.connect(self.sidebar.refresh)

    # Stores

    def show_growth(self, stores: set[StoreSession]) -> None:
        """Shows how far the indexes of these stores have grown."""
        for store in stores:
            overview = self.overviews.of(store)
            if overview is not None:
                overview.refresh()
            self.catalogues.grown(store)
            self.filtering.grown(store)
        self.tables.refresh(stores)
        self.sidebar.refresh()

    def colours(self, store: StoreSession) -> TypeColours:
        """The colours of a store's types, the same in every view."""
        known = self._colours.get(store)
        if known is None:
            counts = store.index.type_counts()
            known = self._colours[store] = TypeColours(counts, is_settled=store.index.complete)
        return known

    def settle_colours(self, store: StoreSession) -> None:
        """Orders colours by frequency, now that all types have been counted."""
        known = self.colours(store)
        if known.is_settled:
            return
        known.settle(store.index.type_counts())
        self.tables.repaint()
        self.filter_bar.refresh()
        for tab in self.stream_tabs():
            if tab.stream.store is store:
                tab.fill(known)

    def close_database(self, database: DatabaseSession) -> None:
        """Closes a database with everything that shows it."""
        for place in range(self.tabs.count() - 1, -1, -1):
            tab = self.tabs.widget(place)
            owner = _store_of(tab)
            if owner is not None and owner.database is database:
                self._remove_tab(place)
        for store in database.stores:
            self._colours.pop(store, None)
            self.filtering.forget(store)
            self.catalogues.forget(store)
            self.projections.forget(store)
            self.folding.forget(store)
        self.databases.close(database)
        self.jobs.close_lanes([database, *database.stores])

    # Streams

    def open_stream(
        self, store: StoreSession | None, name: str, then: Then | None = None, *, is_visit: bool = True
    ) -> None:
        """Opens a stream in a tab of its own, or brings it to the front; ``then`` is called when it is there.

        A visit is a place that Back leads to.
        """
        if store is None:
            return
        present = store.streams.get(name)
        if present is not None and self.tab_of(present) is not None:
            self._show_stream(present, then, is_visit)
            return
        self.folding.prepare(store)
        self.status.busy(f"Reading {short_id(name, 24)} …")
        self.jobs.run(
            f"read {id(store)}",
            lambda control: opening.stream_job(store, name, control),
            lambda read: self._stream_read(store, read, then, is_visit),
            self.failed,
        )

    def _stream_read(self, store: StoreSession, read: opening.ReadStream, then: Then | None, is_visit: bool) -> None:
        self.status.say("")
        if store.database not in self.session.databases:
            return
        stream = store.streams.get(read.name)
        if stream is None or self.tab_of(stream) is None:
            stream = StreamSession(store, read.name, read.folded.history, read.snapshots)
            store.streams[read.name] = stream
            self._add_tab(stream, read.columns)
            self.folding.opened(stream, read.folded.notice)
        self._show_stream(stream, then, is_visit)

    def reread(self, stream: StreamSession) -> None:
        """Reads an open stream anew: events were added to it."""
        sources = stream.sources
        self.jobs.run(
            # Classes take their time, and others want to be read meanwhile.
            f"{'read' if sources is None else 'fold'} {id(stream.store)}",
            lambda control: opening.stream_job(stream.store, stream.name, control, sources),
            lambda read: self._reread(stream, read),
            lambda error: self.folding.not_reread(stream, error),
        )

    def _reread(self, stream: StreamSession, read: opening.ReadStream) -> None:
        tab = self.tab_of(stream)
        if tab is None:
            return
        if stream.sources != read.folded.sources:
            # Another fold was chosen meanwhile.
            self.reread(stream)
            return
        stream.grow(read.folded.history, read.snapshots)
        stream.failure, stream.output = read.folded.failure, read.folded.output
        tab.columns = read.columns
        tab.fill(self.colours(stream.store))
        tab.refresh()
        self.filtering.reread(tab)
        self.catalogues.streams.show_on(tab)
        self.folding.follow(stream.store)
        if stream is self.session.stream:
            self.inspector.state_panel.refresh()
            self.inspector.event_panel.show_event(stream.event)
            self.transport.show_stream(stream)

    def follow(self, is_on: bool) -> None:
        """Follows opened stores, or stops that."""
        self.frame.remembered.live = is_on
        self.following.switch(is_on)

    def _add_tab(self, stream: StreamSession, columns: StreamColumns) -> None:
        tab = StreamTab(stream, columns, self.colours(stream.store))
        tab.jumped.connect(self.navigation.note_place)
        tab.type_wanted.connect(partial(self.navigation.to_next_of_type, stream))
        self.filtering.connect_tab(tab)
        stream.moved.add(partial(self._playhead_moved, stream))
        stream.path_selected.add(self.inspector.state_panel.refresh)
        place = self.tabs.addTab(tab, icon("git-branch"), tab_text(stream_title(stream.category, stream.name, 11)))
        self.tabs.setTabToolTip(place, tooltip(stream.name))

    def _show_stream(self, stream: StreamSession, then: Then | None, is_visit: bool) -> None:
        tab = self.tab_of(stream)
        if tab is None:
            return
        self.tabs.setCurrentWidget(tab)
        if then is not None:
            then(stream)
        if is_visit:
            self.navigation.note_place()
        tab.timeline.setFocus()

    def front(self, stream: StreamSession | None, index: int) -> bool:
        """Brings an open stream to the front with its playhead at an event; false where it is not open."""
        tab = self.tab_of(stream) if stream is not None else None
        if stream is None or tab is None:
            return False
        self.tabs.setCurrentWidget(tab)
        stream.move(index)
        return True

    def stream_tabs(self) -> list[StreamTab]:
        """All stream tabs, from left to right."""
        tabs = [self.tabs.widget(number) for number in range(self.tabs.count())]
        return [tab for tab in tabs if isinstance(tab, StreamTab)]

    def tab_of(self, stream: StreamSession) -> StreamTab | None:
        """The tab that shows a stream."""
        return next((tab for tab in self.stream_tabs() if tab.stream is stream), None)

    @property
    def current_tab(self) -> StreamTab | None:
        """The stream tab in front, if one is."""
        tab = self.tabs.currentWidget()
        return tab if isinstance(tab, StreamTab) else None

    def tab_changed(self, _place: int) -> None:
        """Follows the tab that came to the front."""
        tab = self.tabs.currentWidget()
        if isinstance(tab, StreamTab):
            self.session.choose(tab.stream.store, tab.stream)
        elif isinstance(tab, StoreTab):
            self.session.choose(tab.store)
        elif isinstance(tab, Overview):
            self.session.choose(tab.store)
            tab.refresh()
        else:
            self.session.choose(None)
        self.filtering.show_on(tab)
        self.catalogue_views.show_on(tab)

    def _close_tab(self, place: int) -> None:
        if self.overviews.can_close(self.tabs.widget(place)):
            self._remove_tab(place)

    def _remove_tab(self, place: int) -> None:
        tab = self.tabs.widget(place)
        if isinstance(tab, StreamTab):
            tab.release()
            tab.stream.store.streams.pop(tab.stream.name, None)
        elif isinstance(tab, Overview):
            self.overviews.closed(tab)
        elif isinstance(tab, StoreTab):
            tab.stop()
        self.tabs.removeTab(place)
        if tab is not None:
            tab.deleteLater()

    def close_current_tab(self) -> None:
        """Closes the tab in front."""
        self._close_tab(self.tabs.currentIndex())

    # Following the session

    def _show_state(self) -> None:
        session = self.session
        is_open = bool(session.databases)
        self.pages.setCurrentIndex(1 if is_open else 0)
        if not is_open:
            self.welcome.show_recent(self.frame.remembered.recent)
        self.sidebar.refresh()
        self.sidebar.mark_stream(session.stream.name if session.stream is not None else None)
        self.inspector.state_panel.show_stream(session.stream)
        self.folding.show()
        self.inspector.event_panel.show_event(session.stream.event if session.stream is not None else None)
        self.inspector.setVisible(session.stream is not None)
        self.transport.show_stream(session.stream)
        self.transport.setVisible(session.stream is not None)
        self.databases.show_progress()
        self.catalogue_views.show_counts()
        self.filter_bar.show_store(session.store)
        self.actions_.refresh()
        name = session.stream.name if session.stream else session.store.name if session.store else ""
        self.frame.setWindowTitle(f"{name} – esviewer" if name else "esviewer")

    def _playhead_moved(self, stream: StreamSession) -> None:
        if stream is not self.session.stream:
            return
        self.inspector.event_panel.show_event(stream.event)
        self.inspector.state_panel.refresh()
        self.transport.refresh()
        self.session.note_index(stream.playhead)

    # Boxes and windows over it

    def show_palette(self, text: str = "") -> None:
        """Opens the box for everything."""
        self.palette_.open_over(self, text)

    def show_find(self) -> None:
        """Shows all events of the present store, and puts the keyboard into the filter bar."""
        self.tables.show(self.session.store)
        self.filter_bar.start()

    def _to_view(self) -> None:
        """Gives the keyboard back to the view in front."""
        tab = self.tabs.currentWidget()
        if tab is not None:
            (tab.timeline if isinstance(tab, StreamTab) else tab).setFocus()

    def show_query_log(self) -> None:
        """Opens the list of statements that were sent to the store that is looked at."""
        from esviewer.ui.query_log_view import QueryLogView

        if self.session.store is None:
            return
        view = QueryLogView(self.session.store.database.database.log, self)
        view.setWindowFlag(Qt.WindowType.Window)
        view.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        view.resize(900, 560)
        view.show()

    def tell(self, severity: Severity, sentence: str, details: str = "") -> None:
        """Shows a sentence above everything until it is closed."""
        banner = Banner(self)
        banner.closed.connect(banner.deleteLater)
        self._banners.addWidget(banner)
        banner.tell(severity, sentence, details)

    def failed(self, error: BaseException) -> None:
        """Shows a failure: the world's as its sentence, a bug of ours with its traceback to copy."""
        self.status.say("")
        if isinstance(error, EsviewerError):
            self.tell("error", str(error))
            return
        details = "".join(traceback.format_exception(error))
        _log.error("%s", details)
        self.tell("error", f"esviewer made a mistake: {type(error).__name__}: {error}", details)

    @property
    def told(self) -> list[str]:
        """The sentences that stand above everything."""
        return [banner.sentence for banner in self.findChildren(Banner) if not banner.isHidden()]

    # Keys that work everywhere

    def keyPressEvent(self, event: QKeyEvent) -> None:
        others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        stream = self.session.stream
        if stream is None or event.modifiers() & others or not move_by_key(self, stream, event):
            super().keyPressEvent(event)

    # Beginning and end

    def shut_down(self) -> None:
        """Keeps the session, ends all work, closes all connections."""
        self.databases.stop()
        self.following.switch(False)
        self.filtering.close()
        self.transport.stop()
        self.restoring.keep()
        self.catalogues.code.shut_down()
        self.projections.shut_down()
        self.jobs.close()
        for database in self.session.databases:
            database.close()

    def _forget_recent(self, text: str) -> None:
        remembered = self.frame.remembered
        remembered.recent = [entry for entry in remembered.recent if entry != text]
        remember(remembered)
        self.welcome.show_recent(remembered.recent)

    def choose_zone(self, name: str) -> None:
        """Shows all times in UTC or in the zone of this machine."""
        self.frame.remembered.zone = name
        set_zone(datetime.now().astimezone().tzinfo if name == "local" else None)
        for tab in self.stream_tabs():
            tab.show_zone()
        self.tables.repaint()
        self.filter_bar.show_zone()
        self.overviews.refresh()
        self.catalogue_views.show_zone()
        stream = self.session.stream
        if stream is not None:
            self._playhead_moved(stream)

    def choose_theme(self, name: themes.Choice) -> None:
        """Light, dark, or as the system has it."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.frame.remembered.theme = name
        themes.apply(application, name)


def _store_of(tab: QWidget | None) -> StoreSession | None:
    """The store that a tab shows something of."""
    if isinstance(tab, StreamTab):
        return tab.stream.store
    return tab.store if isinstance(tab, Overview | StoreTab) else None

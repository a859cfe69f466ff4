"""The left side: opened databases, their stores and categories; below, the streams of what is chosen."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QSplitter,
    QTableView,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.session import DatabaseSession, Session, StoreSession
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.stream_list import ROW, NameRole, Order, StreamDelegate, StreamListModel
from esviewer.ui.theme import theme
from esviewer.ui.widgets import Panel, SearchField, label, tooltip
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import short_category

_NODE = Qt.ItemDataRole.UserRole


class _Node:
    """What a row of the tree stands for; an object, so that Qt converts nothing."""

    def __init__(
        self, database: DatabaseSession, store: StoreSession | None, category: str | None, every: bool
    ) -> None:
        self.database = database
        self.store = store
        self.category = category
        self.every = every


class Sidebar(Panel):
    """Where one goes from."""

    store_chosen = Signal(object)
    stream_wanted = Signal(object, str)
    close_wanted = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__("Stores", "database", parent)
        self._session = session
        self._store: StoreSession | None = None
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setColumnCount(2)
        self.tree.setAccessibleName("Stores and categories")
        self.tree.setUniformRowHeights(True)
        self.tree.setIndentation(14)
        self.tree.setIconSize(QSize(16, 16))
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setMinimumSectionSize(20)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Fixed)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.currentItemChanged.connect(self._chosen)
        self.filter = SearchField("Filter streams")
        self.filter.textChanged.connect(self._filter_changed)
        self.model = StreamListModel()
        self.list = _StreamList()
        self.list.setModel(self.model)
        self.list.setItemDelegate(StreamDelegate(self.list))
        self.list.setAccessibleName("Streams")
        self.list.setMouseTracking(True)
        self.list.clicked.connect(self._wanted)
        self.list.entered_row.connect(self._wanted)
        self._count = label(tone="third", font=fonts.ui(11))
        self._lay_out()

    def _lay_out(self) -> None:
        lower = QWidget()
        column = QVBoxLayout(lower)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(6)
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(10, 0, 6, 0)
        line.setSpacing(4)
        line.addWidget(self.filter, 1)
        line.addWidget(self._order_button())
        column.addWidget(row)
        column.addWidget(self.list, 1)
        self._count.setContentsMargins(12, 0, 12, 2)
        column.addWidget(self._count)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.tree)
        splitter.addWidget(lower)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([300, 420])
        splitter.setHandleWidth(8)
        self.body.addWidget(splitter, 1)
        self.setMinimumWidth(200)

    def _order_button(self) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon("arrow-up-down"))
        button.setToolTip("Sort streams")
        button.setAccessibleName("Sort streams")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        group = QActionGroup(menu)
        for order in Order:
            action = QAction(order.value, menu, checkable=True)
            action.setChecked(order is Order.RECENT)
            action.triggered.connect(lambda _checked=False, chosen=order: self.model.set_order(chosen))
            group.addAction(action)
            menu.addAction(action)
        button.setMenu(menu)
        return button

    # What is shown

    def refresh(self) -> None:
        """Shows the tree and the list anew: a database was opened or closed, or an index has grown."""
        wanted = self._key(self.tree.currentItem())
        if wanted is not None and wanted[1] is not self._session.store:
            wanted = None
        self.tree.blockSignals(True)
        self.tree.clear()
        for database in self._session.databases:
            self._add_database(database)
        # Names have what counts leave: 8 or 20 000 000.
        self.tree.resizeColumnToContents(1)
        self._select(wanted)
        self.tree.blockSignals(False)
        if wanted is None:
            # Another store came to the front: the list shows what the tree marks.
            self.model.choose()
        self.show_store(self._session.store)

    def _add_database(self, database: DatabaseSession) -> None:
        top = self._row(database.address.database, "", "file" if database.address.path else "server")
        top.setToolTip(0, tooltip(f"{database.address.text}\nopened read-only"))
        top.setData(0, _NODE, _Node(database, None, None, True))
        self.tree.addTopLevelItem(top)
        for store in database.stores:
            single = len(database.stores) == 1
            row = self._row(store.name, grouped(store.index.length) if store.index.length else "", "database")
            row.setData(0, _NODE, _Node(database, store, None, True))
            row.setToolTip(0, tooltip("\n".join([store.found.dialect.title, *store.found.evidence])))
            top.addChild(row)
            for category, count in store.index.category_counts().items():
                child = self._row(short_category(category), grouped(count), "")
                child.setToolTip(0, tooltip(f"{category}\n{grouped(count)} streams"))
                child.setData(0, _NODE, _Node(database, store, category, False))
                row.addChild(child)
            row.setExpanded(single or store is self._session.store)
        top.setExpanded(True)

    def _row(self, text: str, count: str, symbol: str) -> QTreeWidgetItem:
        row = QTreeWidgetItem([text, count])
        row.setSizeHint(0, QSize(0, ROW))
        row.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setForeground(1, theme().color("third"))
        row.setFont(1, fonts.ui(11))
        if symbol:
            row.setIcon(0, icon(symbol))
        return row

    def _key(self, row: QTreeWidgetItem | None) -> tuple[object, ...] | None:
        node = row.data(0, _NODE) if row is not None else None
        return (node.database, node.store, node.category, node.every) if isinstance(node, _Node) else None

    def choose_category(self, store: StoreSession, category: str) -> None:
        """Lists the streams of one category, as a click on it in the tree does."""
        for row in self._rows():
            key = self._key(row)
            if key is not None and key[1:] == (store, category, False):
                self.tree.setCurrentItem(row)

    def _select(self, wanted: tuple[object, ...] | None) -> None:
        for row in self._rows():
            key = self._key(row)
            if key == wanted or (wanted is None and key is not None and key[1] is self._session.store and key[3]):
                self.tree.setCurrentItem(row)
                return

    def _rows(self) -> list[QTreeWidgetItem]:
        found: list[QTreeWidgetItem] = []
        stack = [self.tree.topLevelItem(i) for i in range(self.tree.topLevelItemCount())]
        while stack:
            row = stack.pop(0)
            if row is not None:
                found.append(row)
                stack = [row.child(i) for i in range(row.childCount())] + stack
        return found

    def show_store(self, store: StoreSession | None) -> None:
        """Lists the streams of a store; where the reader was in the list, he stays."""
        is_same = store is self._store
        name, top = self.list.currentIndex().data(NameRole), self.list.verticalScrollBar().value()
        self._store = store
        self.model.show(store)
        if is_same:
            self.mark_stream(name if isinstance(name, str) else None)
            self.list.verticalScrollBar().setValue(top)
        self._show_count()

    def mark_stream(self, name: str | None) -> None:
        """Marks the stream that is looked at, without scrolling away from where the reader is if it is in sight."""
        row = -1 if name is None else self.model.row_of(name)
        if row < 0:
            self.list.clearSelection()
            return
        self.list.setCurrentIndex(self.model.index(row))

    def _show_count(self) -> None:
        count = self.model.rowCount()
        self._count.setText(f"{grouped(count)} streams" if self._store is not None else "")

    # What the reader does

    def _chosen(self, row: QTreeWidgetItem | None, _before: QTreeWidgetItem | None = None) -> None:
        node = row.data(0, _NODE) if row is not None else None
        if not isinstance(node, _Node):
            return
        store = node.store or node.database.stores[0]
        if store is not self._store:
            self.show_store(store)
        self.model.choose(category=node.category, every=node.every)
        self._show_count()
        if node.store is not None or len(node.database.stores) == 1:
            self.store_chosen.emit(store)

    def _filter_changed(self, text: str) -> None:
        self.model.set_filter(text)
        self._show_count()

    def _wanted(self, index: QModelIndex) -> None:
        name = index.data(NameRole)
        if isinstance(name, str):
            self.stream_wanted.emit(self._store, name)

    def _menu(self, place: QPoint) -> None:
        row = self.tree.currentItem()
        node = row.data(0, _NODE) if row is not None else None
        if not isinstance(node, _Node):
            return
        menu = QMenu(self)
        text = node.category or (node.store.name if node.store else node.database.address.text)
        menu.addAction("Copy name", lambda: QGuiApplication.clipboard().setText(text))
        menu.addAction("Close this database", lambda: self.close_wanted.emit(node.database))
        menu.exec(self.tree.viewport().mapToGlobal(place))


class _StreamList(QTableView):
    """A list that opens on Enter, and copies names whole.

    A table, since a QListView asks the model for every row when it lays them out: with 50 000 streams and a busy
    thread beside it, each of those calls waits for Python's lock, and the window stood still for 13 s (measured).
    """

    entered_row = Signal(QModelIndex)

    def __init__(self) -> None:
        super().__init__()
        self.horizontalHeader().hide()
        self.horizontalHeader().setStretchLastSection(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and index.isValid():
            self.entered_row.emit(index)
        elif event.matches(QKeySequence.StandardKey.Copy) and index.isValid():
            QGuiApplication.clipboard().setText(str(index.data(NameRole)))
        else:
            super().keyPressEvent(event)

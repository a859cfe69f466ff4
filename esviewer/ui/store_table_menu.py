"""The context menu of the table of all events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from esviewer.stores.filter_words import Part
from esviewer.ui.icons import icon
from esviewer.ui.store_table_columns import SORTED, TITLES, Column
from esviewer.ui.store_table_rows import Sort
from esviewer.ui.widgets.format import grouped, short_id
from esviewer.ui.words import short_type

if TYPE_CHECKING:
    from esviewer.ui.store_table import StoreTableTab

_ORDERS = {
    Column.TIME: ("earliest first", "latest first"),
    Column.SIZE: ("smallest first", "largest first"),
    Column.TYPE: ("A to Z", "Z to A"),
    Column.STREAM: ("A to Z", "Z to A"),
}


def menu_of(tab: StoreTableTab) -> QMenu:
    """What can be done with the current row, with the selection, and with all rows."""
    menu = QMenu(tab)
    row, selected, total = tab.current_row, tab.view.selected.count, tab.view.table.count
    if row is not None:
        menu.addAction(icon("git-branch"), "Open the stream here", tab.open_current)
        menu.addSeparator()
        menu.addAction(icon("copy"), _rows("Copy", selected), tab.copy).setEnabled(selected > 0)
        menu.addAction("Copy event id", tab.copy_id)
        menu.addAction("Copy payload", tab.copy_payload)
        _add_filters(menu, tab, row)
    menu.addSeparator()
    menu.addMenu(_sort_menu(menu, tab))
    menu.addAction("Select all", tab.view.select_all)
    menu.addSeparator()
    if selected:
        words = f"{_rows('Export', selected)}…"
        menu.addAction(icon("download"), words, lambda: tab.ask_and_export(only_selected=True))
    menu.addAction(
        icon("download"), f"Export all {grouped(total)} events…", lambda: tab.ask_and_export(only_selected=False)
    ).setEnabled(total > 0)
    return menu


def _rows(verb: str, count: int) -> str:
    return f"{verb} {'the selected row' if count == 1 else f'{grouped(count)} selected rows'}"


def _add_filters(menu: QMenu, tab: StoreTableTab, row: int) -> None:
    index = tab.store.index
    ordinal, stream = int(index.column("type")[row]), int(index.column("stream")[row])
    menu.addSeparator()
    if ordinal >= 0:
        part = Part("type", index.types[ordinal])
        shown = short_id(short_type(part.value), 40).replace("&", "&&")
        menu.addAction(icon("filter"), f"Only {shown}", lambda: tab.filter_wanted.emit(part.words))
        without = Part("type", part.value, True)
        menu.addAction(f"Without {shown}", lambda: tab.filter_wanted.emit(without.words))
    if stream >= 0:
        own = Part("stream", index.streams[stream])
        menu.addAction("Only this stream", lambda: tab.filter_wanted.emit(own.words))


def _sort_menu(parent: QMenu, tab: StoreTableTab) -> QMenu:
    menu = QMenu("Sort by", parent)
    group = QActionGroup(menu)
    present = tab.view.header.sort

    def add(words: str, sort: Sort | None) -> None:
        action = menu.addAction(words, lambda: tab.sort_by(sort))
        action.setCheckable(True)
        action.setChecked(sort == present)
        group.addAction(action)

    add("Store order", None)
    menu.addSeparator()
    for column in SORTED:
        upwards, downwards = _ORDERS.get(column, ("ascending", "descending"))
        add(f"{TITLES[column]}, {upwards}", Sort(column))
        add(f"{TITLES[column]}, {downwards}", Sort(column, True))
    return menu

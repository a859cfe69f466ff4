"""New projections: a menu of kinds and categories, and the file that a starter is written to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QFileDialog, QMenu

from esviewer.domain.replacing import replacing
from esviewer.projections.naming import Kind
from esviewer.session import StoreSession
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Control
from esviewer.ui.projection_known import known_job
from esviewer.ui.projection_starter import file_name, starter
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import short_category

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView
    from esviewer.ui.projection_control import Projections

_KINDS: Final[tuple[tuple[Kind, str, str, str], ...]] = (
    ("python", "Python", "terminal", "Python (*.py)"),
    ("steps", "Declarative (YAML)", "list-checks", "YAML (*.yaml)"),
    ("sql", "SQL", "database", "SQL (*.sql)"),
)
_CATEGORIES: Final = 20


def fill_menu(menu: QMenu, view: MainView, store: StoreSession, projections: Projections, folder: str) -> None:
    """Lists the kinds of projections, each with the categories that it may be about."""
    menu.clear()
    counts = sorted(store.index.category_counts().items(), key=lambda entry: -entry[1])
    for kind, words, symbol, pattern in _KINDS:
        inner = menu.addMenu(icon(symbol), words)
        for category, streams in counts[:_CATEGORIES]:
            text = f"One row for each {short_category(category)}  ({grouped(streams)})".replace("&", "&&")
            inner.addAction(text, partial(_ask, view, store, projections, folder, kind, pattern, category))
        if not counts:
            inner.addAction(
                "One row for each stream", partial(_ask, view, store, projections, folder, kind, pattern, None)
            )


def _ask(
    view: MainView,
    store: StoreSession,
    projections: Projections,
    folder: str,
    kind: Kind,
    pattern: str,
    category: str | None,
) -> None:
    proposed = str(Path(folder) / file_name(kind, category))
    name, _ = QFileDialog.getSaveFileName(view, "New projection", proposed, pattern)
    if name:
        begin(view, store, projections, Path(name), kind, category)


def begin(
    view: MainView, store: StoreSession, projections: Projections, path: Path, kind: Kind, category: str | None
) -> None:
    """Writes a starter to a file and opens it; nothing of it runs yet."""

    def write(control: Control) -> Path:
        text = starter(kind, known_job(store, control), category)
        control.check()
        with replacing(path) as out:
            out.write(text.encode())
        return path

    view.status.busy(f"Looking at the events of {store.name} …")
    view.jobs.run(
        f"project {id(store)}",
        write,
        lambda written: _written(view, store, projections, written),
        view.failed,
    )


def _written(view: MainView, store: StoreSession, projections: Projections, path: Path) -> None:
    view.status.say(f"{path.name} is ready to be replayed.")
    projections.open_files(store, [path])

"""What every tab has in common that shows something of a store."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from esviewer.session import StoreSession


class StoreTab(QWidget):
    """A view of one store in a tab: the window knows whose it is, and stops its work when the tab is closed."""

    store: StoreSession

    def stop(self) -> None:
        """Ends what runs for this tab; called once, right before it is taken away."""

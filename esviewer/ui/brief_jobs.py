"""Work of a dialog, which may be closed before its work has ended.

Connecting to a server that does not answer cannot be interrupted, only waited for; the window must not wait with it.
"""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Slot

from esviewer.ui.jobs import Jobs, _Arrival


class BriefJobs(Jobs):
    """Jobs that can be left: belongs to the application, and goes away by itself when its last work has ended."""

    def __init__(self, owner: QObject) -> None:
        super().__init__(QCoreApplication.instance())
        self._is_left = False
        owner.destroyed.connect(self.leave)

    @Slot()
    def leave(self) -> None:
        """Cancels all work without waiting for it, and takes no more. May be called again."""
        if self._is_left:
            return
        self._is_left = self._is_closed = True
        for job in tuple(self._running):
            job.cancel()
        for executor in self._lanes.values():
            executor.shutdown(wait=False)
        self._lanes.clear()
        self._go_if_done()

    @Slot(object)
    def _deliver(self, arrival: _Arrival) -> None:
        super()._deliver(arrival)
        self._go_if_done()

    def _go_if_done(self) -> None:
        if self._is_left and not self._running:
            self._resume()
            self.deleteLater()

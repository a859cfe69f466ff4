"""Start to first paint: esviewer's window against a bare QMainWindow, each in a process of its own, interleaved.

Run by name: ``QT_QPA_PLATFORM=offscreen PYTHONPATH=. python tests/benchmarks/bench_start.py``. Aim: at most 1.3.
"""

from __future__ import annotations

import subprocess
import sys
import time

_PAINTED = """
from PySide6.QtCore import QEvent, QObject, QTimer
class Watch(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            QTimer.singleShot(0, app.quit)
        return False
"""
BARE = f"""
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
app = QApplication(sys.argv)
{_PAINTED}
window, watch = QMainWindow(), Watch()
window.resize(1440, 900)
window.installEventFilter(watch)
window.show()
app.exec()
"""
OURS = f"""
import sys
from PySide6.QtWidgets import QApplication
app = QApplication(sys.argv)
{_PAINTED}
from esviewer.ui import quick_imports
quick_imports.begin()
from esviewer.ui.frame import Frame
window, watch = Frame(), Watch()
window.installEventFilter(watch)
window.show()
app.exec()
assert "sqlalchemy" not in sys.modules and "numpy" not in sys.modules
"""


def seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> None:
    bare, ours = [], []
    for _ in range(9):
        bare.append(seconds(BARE))
        ours.append(seconds(OURS))
    print(f"bare QMainWindow   {min(bare) * 1000:6.0f} ms to first paint (best of 9)")
    print(f"esviewer's window  {min(ours) * 1000:6.0f} ms, {min(ours) / min(bare):.2f} times the bare window")


if __name__ == "__main__":
    main()

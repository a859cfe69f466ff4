"""The rooms of the house and who may know whom.

The contracts in pyproject.toml are checked on the text of the imports; what an import really loads, deferred and
indirect ones included, only a fresh interpreter tells.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "esviewer"
HEADLESS = (
    "domain",
    "stores",
    "catalogue",
    "projections",
    "timeline",
    "checks",
    "reports",
    "workspace",
    "session",
    "cli",
)
FIRST_TO_LOAD_QT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    loaded = sorted({"PySide6", "pyqtgraph", "shiboken6"} & set(sys.modules))
    if loaded:
        print(json.dumps(f"{name} loads {', '.join(loaded)}"))
        break
else:
    print(json.dumps(None))
"""


def run(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints that finds the packages of this clone; fails with its traceback."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_of(room: str) -> list[str]:
    """Names of all modules of a room, which is a folder or one file; empty while it does not exist."""
    files = sorted((PACKAGE / room).rglob("*.py")) or list(PACKAGE.glob(f"{room}.py"))
    parts = [file.relative_to(ROOT).with_suffix("").parts for file in files]
    names = [".".join(part[:-1] if part[-1] == "__init__" else part) for part in parts]
    return [name for name in names if not name.endswith("__main__")]


def test_that_the_import_contracts_are_kept() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", [room for room in HEADLESS if modules_of(room)])
def test_that_no_module_of_a_headless_room_loads_qt(room: str) -> None:
    """One interpreter a room: a module that loads Qt is named, because all before it were seen not to."""
    assert json.loads(run(FIRST_TO_LOAD_QT, *modules_of(room))) is None


def test_that_a_module_that_loads_qt_is_named() -> None:
    found = json.loads(run(FIRST_TO_LOAD_QT, "json", "PySide6.QtCore", "pathlib"))
    assert found == "PySide6.QtCore loads PySide6, shiboken6"


def test_that_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, esviewer; print([name for name in sys.modules if name.startswith('esviewer.')])"
    assert run(code).strip() == "[]"

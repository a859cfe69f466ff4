"""An index that another process builds, seen from here: the window's process only maps what that one has written."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import esviewer.domain.errors as errors
from esviewer.domain import Cancelled, EsviewerError, StoreUnavailable
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index
from esviewer.stores.index_files import IndexReader
from esviewer.stores.index_shelf import identity_of, kept_places, key_name
from esviewer.stores.query_log import LoggedStatement
from esviewer.stores.reader import Reader

Report = Mapping[str, Any]
Command = Literal["build", "tail", "check"]


class HistoryChanged(EsviewerError):
    """What is shown is not what is stored any more; the store is to be opened anew. ``report`` is what was told."""

    title = "History has changed"

    def __init__(self, report: Report) -> None:
        super().__init__("History has changed since the store was indexed.")
        self.report = report


class IndexProcess:
    """The process that indexes one store. Commands are given from one thread at a time; :meth:`stop` from any."""

    def __init__(self, database: Database, found: Found, index: Index) -> None:
        self._database = database
        self._found = found
        self._index = index
        self._reader: IndexReader | None = None
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._is_stopped = False

    def show_kept(self, reader: Reader) -> bool:
        """Shows at once what an earlier run kept of this store, before anything is compared with it; else false."""
        address = (self._database.address.kept, self._found.name)
        places = kept_places(identity_of(reader))
        places.sort(key=lambda pair: (pair[1].address, pair[1].store) != address)
        for folder, head in places[:1]:
            if head.undecodable and head.key != key_name(self._database.key):
                return False
            kept = IndexReader(folder, self._index)
            try:
                shown = kept.refresh() is not None
            except (OSError, ValueError):
                self._index.forget()
                return False
            self._reader = kept
            return shown
        return False

    def run(self, command: Command, told: Callable[[Report], None]) -> int:
        """Has a command carried out; returns the first new row (for ``check``: how many events were compared).

        The index here is brought up to what was written before ``told`` is called with each report: ``grown`` (events,
        rate), ``waiting`` (sentence, seconds), ``changed`` (position, indexed), ``replaced``, ``checked`` (events).
        Raises what the process failed with, :class:`Cancelled` when it was stopped, and :class:`HistoryChanged` where
        rows that are shown already are wrong.
        """
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):
            self._tell(process, {"do": command})
        for line in process.stdout:
            report = json.loads(line)
            kind = report.pop("kind")
            if kind == "statement":
                self._database.log.note(LoggedStatement(**report))
                continue
            if kind == "placed":
                self._place(Path(report["folder"]))
            if kind == "changed" and command != "check" and self._index.length:
                self._end()
                raise HistoryChanged(report)
            if kind == "failed":
                self._end()
                raise _error(report)
            self._refresh(is_last=kind == "done")
            if kind == "done":
                return int(report["first"])
            told({"kind": kind, **report})
        self._end()
        if self._is_stopped:
            raise Cancelled("Indexing was cancelled.")
        raise StoreUnavailable(f"The process that indexes {self._found.name} ended by itself; open the store again.")

    def _refresh(self, is_last: bool) -> None:
        if self._reader is None:
            return
        try:
            self._reader.refresh()
        except (OSError, ValueError) as error:
            # While a folder is begun anew its files and its head may not fit each other for a moment.
            if is_last:
                raise StoreUnavailable(f"The index in {self._reader.folder} cannot be read: {error}.") from error

    def _place(self, folder: Path) -> None:
        if self._reader is None or self._reader.folder != folder:
            self._reader = IndexReader(folder, self._index)

    def _started(self) -> subprocess.Popen[str]:
        with self._lock:
            if self._is_stopped:
                raise Cancelled("Indexing was cancelled.")
            if self._process is None:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "esviewer.stores.index_work"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                )
                self._tell(self._process, self._order())
            return self._process

    def _order(self) -> dict[str, object]:
        database = self._database
        key = database.key
        return {
            "address": database.address.whole,
            "kept": database.address.kept,
            "store": self._found.name,
            "key": None if key is None else base64.b64encode(key).decode(),
            "password": database.password,
        }

    @staticmethod
    def _tell(process: subprocess.Popen[str], message: object) -> None:
        assert process.stdin is not None
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()

    def _end(self) -> None:
        """Takes leave of the process; what it has published stays, and the next command starts another."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def interrupt(self) -> None:
        """Ends what the process is doing, from any thread; a later command goes on from what was published."""
        process = self._process
        if process is not None:
            process.terminate()

    def stop(self) -> None:
        """Ends the process for good, from any thread."""
        with self._lock:
            self._is_stopped = True
        self.interrupt()

    def leave(self) -> None:
        """Ends the process for good without waiting for it: that takes some tenths of a second."""
        self.stop()
        threading.Thread(target=self._end, name="esviewer-index-end", daemon=True).start()

    def close(self) -> None:
        """Ends the process and waits for it; no command may be running."""
        self.stop()
        self._end()


def _error(report: Report) -> EsviewerError:
    kind = getattr(errors, report["error"], None)
    if isinstance(kind, type) and issubclass(kind, EsviewerError) and kind is not errors.NeedsChoice:
        return kind(report["sentence"])
    return StoreUnavailable(report["sentence"])

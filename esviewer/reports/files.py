"""A report as a file: which format an ending means, and the bytes of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

from esviewer.domain import EsviewerError, UsageError
from esviewer.domain.replacing import refuse_database, replacing
from esviewer.reports.document import Document
from esviewer.reports.html import html
from esviewer.reports.markdown import markdown
from esviewer.stores.codecs import json_text

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class ReportNotWritten(EsviewerError):
    """The file of a report cannot be written."""

    title = "The report cannot be written"


def _json(document: Document) -> bytes:
    """All figures, with sorted keys."""
    return json_text.dumps(dict(document.figures), pretty=True) + b"\n"


def _html(document: Document) -> bytes:
    return _encoded(html(document))


def _markdown(document: Document) -> bytes:
    return _encoded(markdown(document))


def _pdf(document: Document) -> bytes:
    # It brings image and font libraries that nothing else needs.
    from esviewer.reports.pdf import pdf

    return pdf(document)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _comma_separated(document: Document) -> bytes:
    """The records with a header. What a spreadsheet would take for a formula is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title for column in document.records.columns])
    for row in document.records.rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in row])
    return _encoded(out.getvalue())


FORMATS: Final[dict[str, Callable[[Document], bytes]]] = {
    ".html": _html,
    ".pdf": _pdf,
    ".md": _markdown,
    ".json": _json,
    ".csv": _comma_separated,
}
"""What makes the file of a report, by the ending of its file."""


def check_target(target: Path) -> None:
    """Raises :class:`UsageError` if no report can be written to a file of this name."""
    if target.suffix.lower() not in FORMATS:
        raise UsageError(f"{target.name} has no ending of a report: {', '.join(FORMATS)}.")
    try:
        if target.is_dir():
            raise UsageError(f"{target} is a folder.")
        if not target.parent.is_dir():
            raise UsageError(f"{target} cannot be written: its folder does not exist.")
    except OSError as failure:
        raise UsageError(f"{target} cannot be written: {failure.strerror}.") from None
    refuse_database(target)


def save(document: Document, target: Path) -> None:
    """Writes a report as the ending says; the file is replaced at once or not at all.

    Raises :class:`UsageError` as :func:`check_target` does, and :class:`ReportNotWritten`.
    """
    check_target(target)
    content = FORMATS[target.suffix.lower()](document)
    try:
        with replacing(target) as file:
            file.write(content)
    except OSError as failure:
        raise ReportNotWritten(f"{target} cannot be written: {failure.strerror}.") from None

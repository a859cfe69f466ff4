"""How events, types and fields are named on screen: plain text, one place for all views."""

from __future__ import annotations

import re

from esviewer.domain import Event
from esviewer.session import StoreSession
from esviewer.ui.widgets.format import ELLIPSIS, grouped, short_id

_WORDS_AT_MOST = 200

# Line ends and other controls would break rows; overrides of direction would turn round what stands beside a name.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """A stored name as one line, in which characters that are not to be seen are escapes."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def short_type(name: str | None) -> str:
    """The part of a stored type name that people say: ``library_es.lending:Loan.Started`` → ``Loan.Started``.

    Of ``module:Class.Event`` what stands after the colon, of ``A::B`` the last part, of dotted names the last two.
    """
    if not name:
        return "no type"
    local = re.split(r"::|[\\/]", name)[-1]
    if ":" in local and not re.search(r":v?\d+$", local):
        local = local.rsplit(":", 1)[-1]
    local = local.split(",")[0]
    parts = [part for part in local.split(".") if part and part != "<locals>"]
    return one_line(".".join(parts[-2:]) if parts else name)


def short_category(name: str | None) -> str:
    """The part of a category that people say: ``library_es.lending:Loan`` → ``Loan``."""
    if not name:
        return "no category"
    local = re.split(r"::|[\\/]", name)[-1]
    if "." in local and ":" in local:
        local = local.rsplit(":", 1)[-1]
    return one_line(local or name)


def stream_title(category: str | None, name: str, width: int | None = None) -> str:
    """A stream as a title: its category and its id, the id without the category if it begins with it.

    With ``width``, the id is shortened to so many characters.
    """
    shown = short_category(category) if category else ""
    identity = name
    for prefix in (category, shown):
        if prefix and len(name) > len(prefix) + 1 and name.startswith(prefix):
            identity = name[len(prefix) :].lstrip("-$:/_ ")
            break
    identity = one_line(identity)
    identity = identity if width is None else short_id(identity, width)
    return f"{shown} {identity}".strip()


def place(event: Event) -> str:
    """Where an event stands: ``#10 482 · version 17``."""
    parts = []
    if event.position is not None:
        parts.append(f"#{grouped(event.position)}" if isinstance(event.position, int) else f"#{event.position}")
    if event.version is not None:
        parts.append(f"version {grouped(event.version)}")
    return " · ".join(parts) or "no position"


def none_passes(store: StoreSession) -> str:
    """What stands in the place of rows while none passes the filter: which filter, and of how many events."""
    words = store.filter.words
    words = words if len(words) <= _WORDS_AT_MOST else words[:_WORDS_AT_MOST] + ELLIPSIS
    if store.rows is not None and store.covered < store.index.length:
        return f"No event passes the filter so far: {grouped(store.covered)} have been asked.\n{words}"
    return f"No event passes the filter.\n{words}"


def tab_text(text: str) -> str:
    """A title for a tab: what would be read as a mnemonic is shown."""
    return text.replace("&", "&&")

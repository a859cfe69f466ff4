"""What can go wrong with the world. Each error carries one sentence that says what happened, to what, and what to do.

Bugs of our own are ordinary Python exceptions and never derive from :class:`EsviewerError`. Bad data is neither: it is
an event with ``undecodable`` set.
"""

from __future__ import annotations


class EsviewerError(Exception):
    """Base of all expected failures; ``str(error)`` is one sentence for people, without secrets."""

    title = "esviewer could not do this"


class UsageError(EsviewerError):
    """What was asked for makes no sense: an option, a pattern, a time."""

    title = "This cannot be asked"


class NotFound(EsviewerError):
    """A stream, version, position or file that is not there."""

    title = "Not found"


class NotAStore(EsviewerError):
    """The address was read, and what is there is not an event store that is known."""

    title = "No event store here"


class NeedsChoice(EsviewerError):
    """A database with several stores and none chosen; ``names`` lists them."""

    title = "Several stores"

    def __init__(self, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message)
        self.names = names


class StoreUnavailable(EsviewerError):
    """No file, no rights, no server, wrong password."""

    title = "The store cannot be opened"


class StoreBusy(StoreUnavailable):
    """Another process holds a lock; the same request may succeed later."""

    title = "The store is locked"


class ConnectionLost(StoreUnavailable):
    """The server went away in the middle; the request can be repeated from its last key."""

    title = "Connection lost"


class QueryTimeout(EsviewerError):
    """A statement ran into its time limit and was ended."""

    title = "The statement took too long"


class Cancelled(EsviewerError):
    """Ended because somebody asked for it."""

    title = "Cancelled"

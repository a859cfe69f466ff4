"""The child's part of Python upcasters: loads the functions that a catalogue names, and calls them.

A function is a plain one, given a payload, or a static method ``upcast_vX_vY(state)`` of an event class of Python's
eventsourcing, given the state as the library gives it (``Mapper.to_domain_event`` in eventsourcing/persistence.py,
9.5.6): decoded by the application's own transcodings, with the ids of the stream in it.
"""

from __future__ import annotations

import importlib
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import GeneratorType
from typing import Any, Final
from uuid import UUID

from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError
from esviewer.projections.sandbox.spot import Phase, Spot
from esviewer.projections.upcast_values import NotAValue, Packing, as_python, tag, unpack
from esviewer.stores.codecs import json_text, tagged

HEADER: Final = struct.Struct("!QQ")
"""In front of every message: its number, which an answer repeats, and its length in bytes."""
_LONGEST: Final = 1 << 30
"""Bytes of an answer."""
_MOST_EVENTS: Final = 1_000
"""Events that one may become."""
_ENVELOPE: Final = {
    "originator_id": "stream",
    "originator_version": "version",
    "timestamp": "time",
    "originator_topic": "type of the aggregate",
    "class_version": "schema version",
}
"""What the library has in a state beside the payload, and what it is called for people."""
_LOOKUPS: Final = {
    "open": "a file",
    "socket.connect": "the network",
    "socket.getaddrinfo": "the network",
    "sqlite3.connect": "a database",
}
"""Audited events that tell of reading something outside the event."""

Answer = tuple[Any, ...]
"""``(True, [(type or None, packed payload), …], touched, looked_up)`` or ``(False, reason)``."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call. ``payload`` is packed; ``None`` stands for the event's own, which is in ``state``.

    ``state`` is the JSON of an event of the eventsourcing library, ``kept`` names of the envelope that the catalogue
    sees in the payload, ``stream`` and ``version`` those of the event.
    """

    function: str
    payload: bytes | None
    state: bytes | None
    kept: tuple[str, ...]
    stream: str | None
    version: int | None

    def told(self) -> tuple[Any, ...]:
        """For the way into the child; :meth:`__init__` takes it."""
        return (self.function, self.payload, self.state, self.kept, self.stream, self.version)


def prepare(order: dict[str, Any]) -> Run:
    """Connects with the process that asks, and returns what answers it once user code may run."""
    channel = socket.create_connection(("127.0.0.1", order["port"]), timeout=30)
    channel.sendall(bytes.fromhex(order["token"]))
    channel.settimeout(None)
    channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    make_ready(is_library=order["is_library"])
    functions = Functions(Path(order["sources"]), is_library=order["is_library"])
    return lambda tell, spot: _serve(channel, functions, tell, spot)


def make_ready(*, is_library: bool) -> None:
    """Imports what functions need, since what that takes of memory is not what user code may use."""
    if is_library:
        importlib.import_module("esviewer.projections.class_fold")
        # Where the library is not there, the import of the user's code says so.
        with suppress(ImportError):
            importlib.import_module("eventsourcing.application")


def _serve(channel: socket.socket, functions: Functions, tell: Tell, spot: Spot) -> None:
    packing = Packing()
    while (message := received(channel)) is not None:
        number, body = message
        answers = []
        for place, asked in enumerate(unpack(body, as_python)):
            if not functions.is_loaded(asked[0]):
                spot.set(Phase.LOADING, place)
                functions.load(asked[0])
            spot.set(Phase.HANDLING, place)
            answers.append(functions.answer(Asked(*asked)))
        spot.set(Phase.READING)
        send(channel, number, packing.pack(answers))


def send(channel: socket.socket, number: int, body: bytes) -> None:
    """Sends one message."""
    channel.sendall(HEADER.pack(number, len(body)) + body)


def received(channel: socket.socket, expected: int | None = None) -> tuple[int, bytes] | None:
    """The next message, ``None`` at the end; nothing but its number where that is not the ``expected`` one."""
    head = _exactly(channel, HEADER.size)
    if head is None:
        return None
    number, length = HEADER.unpack(head)
    if expected is not None and (number != expected or length > _LONGEST):
        return -1, b""
    body = _exactly(channel, length)
    return None if body is None else (number, body)


def _exactly(channel: socket.socket, length: int) -> bytes | None:
    parts, missing = [], length
    while missing:
        part = channel.recv(min(missing, 1 << 20))
        if not part:
            return None
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


class Refused(Exception):
    """A function cannot be used, or what it gave is no event; the text is part of a sentence."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A function that was found; ``is_method`` of an event class of the library, whose result counts for nothing."""

    call: Callable[[Any], Any]
    is_method: bool


class Functions:
    """The functions of a folder of sources, by name, each loaded when it is first asked for.

    ``is_library``: payloads are those of Python's eventsourcing, with wrapped values.
    """

    def __init__(self, sources: Path, *, is_library: bool) -> None:
        self._sources = sources
        self._is_library = is_library
        self._loaded: dict[str, _Loaded | Refused] = {}
        self._transcoder: Any = None
        self._packing = Packing(tag if is_library else None)
        self._wrapping = Packing(self._transcoded)
        self._seen: list[str] | None = None
        sys.addaudithook(self._audit)

    def is_loaded(self, function: str) -> bool:
        """Whether a function was loaded, or cannot be."""
        return function in self._loaded

    def load(self, function: str) -> None:
        """Imports what a function needs, once; what goes wrong is told by :meth:`answer`."""
        if function not in self._loaded:
            self._loaded[function] = _refusal(function)
            try:
                self._loaded[function] = self._found(function)
            except Refused as refused:
                self._loaded[function] = refused
            except UserCodeError as error:
                self._loaded[function] = Refused(str(error))
            except BaseException as error:  # noqa: BLE001 - user code raises what it likes
                module = function.partition(":")[0]
                self._loaded[function] = Refused(f"{module} cannot be imported: it {_said(error, self._sources, {})}")

    def answer(self, asked: Asked) -> Answer:
        """What a function makes of a payload."""
        self.load(asked.function)
        loaded = self._loaded[asked.function]
        if isinstance(loaded, Refused):
            return (False, f"upcaster {asked.function} cannot be used: {loaded}")
        data: dict[str, Any] = {}
        try:
            self._seen = None
            data, envelope = self._given(asked, loaded)
            before = dict(envelope)
            data.update(envelope)
            self._seen = []
            result = loaded.call(data)
            looked_up, self._seen = self._seen, None
            if loaded.is_method:
                touched = _touched(before, data)
                for name in envelope:
                    data.pop(name, None)
                return (True, [(None, self._wrapping.pack(_event(data)[1]))], touched, looked_up)
            made = [(name, self._packing.pack(one)) for name, one in _events(result, data)]
            return (True, made, [], looked_up)
        except (Refused, NotAValue) as refused:
            said = f"it gives {refused}" if isinstance(refused, NotAValue) else str(refused)
            return (False, f"upcaster {asked.function} failed: {said}")
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            return (False, f"upcaster {asked.function} {_said(error, self._sources, data)}")
        finally:
            self._seen = None

    # What a function is given

    def _given(self, asked: Asked, loaded: _Loaded) -> tuple[dict[str, Any], dict[str, Any]]:
        """The payload as the function wants it, and what the library has in a state beside it."""
        if loaded.is_method:
            return self._state(asked)
        if asked.payload is not None:
            return unpack(asked.payload, as_python), {}
        state: Any = tagged.python_values(json_text.loads(asked.state or b"{}")[0])
        return {name: value for name, value in state.items() if name not in _ENVELOPE or name in asked.kept}, {}

    def _state(self, asked: Asked) -> tuple[dict[str, Any], dict[str, Any]]:
        state: dict[str, Any] = self._transcoder.decode(asked.state) if asked.state else {}
        envelope = {name: state.pop(name) for name in _ENVELOPE if name in state and name not in asked.kept}
        envelope.pop("class_version", None)
        if asked.stream is not None and "originator_id" not in asked.kept:
            envelope["originator_id"] = _identity(asked.stream)
            envelope["originator_version"] = asked.version
        if asked.payload is None:
            return state, envelope
        return self._decoded(unpack(asked.payload, self._untranscoded)), envelope

    def _untranscoded(self, name: str, data: object) -> object:
        transcoding = self._transcoder.names.get(name)
        return as_python(name, data) if transcoding is None else transcoding.decode(data)

    def _decoded(self, value: Any) -> Any:
        """Objects of a kind and data as what they stand for, as the library's decoder does."""
        if isinstance(value, dict):
            inner = {name: self._decoded(item) for name, item in value.items()}
            is_tagged = inner.keys() == {"_type_", "_data_"} and inner["_type_"] in self._transcoder.names
            return self._transcoder.names[inner["_type_"]].decode(inner["_data_"]) if is_tagged else inner
        return [self._decoded(item) for item in value] if isinstance(value, list) else value

    def _transcoded(self, value: object) -> tuple[str, object] | None:
        transcoding = self._transcoder.types.get(type(value)) if self._transcoder is not None else None
        return None if transcoding is None else (transcoding.name, transcoding.encode(value))

    # Finding functions

    def _found(self, function: str) -> _Loaded:
        module_name, _, path = function.partition(":")
        if str(self._sources) not in sys.path:
            sys.path.insert(0, str(self._sources))
        found: Any = importlib.import_module(module_name)
        owner = None
        for part in path.split("."):
            owner, found = found, getattr(found, part, None)
            if found is None:
                raise Refused(f"{module_name} has no {path}")
        if not callable(found):
            raise Refused(f"{path} of {module_name} is no function")
        is_method = isinstance(owner, type) and any(
            kind.__module__.startswith("eventsourcing.") for kind in owner.__mro__
        )
        if is_method and self._transcoder is None:
            self._transcoder = self._library_transcoder(function)
        return _Loaded(found, is_method)

    def _library_transcoder(self, function: str) -> Any:
        from esviewer.projections.class_fold import library_mapper, modules_in

        return library_mapper(modules_in(self._sources, {function})).transcoder

    # What a function reads outside the event

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        seen = self._seen
        if seen is None or event not in _LOOKUPS:
            return
        # Modules that a function imports are files, too.
        if event == "open" and str(arguments[0]).endswith((".py", ".pyc", ".so")):
            return
        if _LOOKUPS[event] not in seen:
            seen.append(_LOOKUPS[event])


def _refusal(function: str) -> Refused:
    """What is said of a function whose import ended this very process, and left nothing else to say."""
    return Refused(f"the import of {function.partition(':')[0]} did not end")


def _identity(stream: str) -> UUID | str:
    try:
        return UUID(stream)
    except ValueError:
        return stream


def _touched(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of parts of the envelope that are not what they were."""
    missing = object()
    return [_ENVELOPE[name] for name, value in before.items() if after.get(name, missing) is not value]


def _events(result: object, data: dict[str, Any]) -> Iterator[tuple[str | None, dict[str, Any]]]:
    """The events that a result means: none, one or several, each with a type if it names one.

    ``None`` means that the payload was changed in place. Raises :class:`Refused`.
    """
    if result is None:
        yield _event(data)
    elif isinstance(result, list | GeneratorType):
        some = list(islice(result, _MOST_EVENTS + 1))
        if len(some) > _MOST_EVENTS:
            raise Refused(f"it gives more than {_MOST_EVENTS:,} events")
        yield from map(_event, some)
    else:
        yield _event(result)


def _event(value: object) -> tuple[str | None, dict[str, Any]]:
    name, data = value if isinstance(value, tuple) and len(value) == 2 else (None, value)
    if not isinstance(data, dict) or not (name is None or (isinstance(name, str) and name)):
        shown = type(value).__name__[:60]
        raise Refused(f"it gives {shown} where a payload, a pair of a type and a payload, or a list of those is wanted")
    if not all(isinstance(key, str) for key in dict.keys(data)):
        raise Refused("it gives a payload whose names are not all texts")
    return name, data


def _said(error: BaseException, sources: Path, data: dict[str, Any]) -> str:
    """What happened and where, without the values that the texts of errors quote."""
    if isinstance(error, SystemExit):
        said = "called sys.exit"
    elif isinstance(error, MemoryError):
        said = "ran out of the memory it may have"
    elif isinstance(error, RecursionError):
        said = "called itself without end"
    else:
        said = f"raised {type(error).__name__[:100]}"
        if isinstance(error, KeyError) and (name := _name_in(error, data)):
            said += f" {name!r}"
        elif isinstance(error, ImportError) and isinstance(error.name, str):
            said += f" for {error.name[:100]}"
        elif isinstance(error, PermissionError) and (why := _refusal_in(error)):
            said += f": {why}"
    place = _place(error, sources)
    return f"{said} ({place})" if place else said


def _refusal_in(error: PermissionError) -> str | None:
    """What the containment says that code may not do."""
    text = error.args[0] if error.args else None
    if not isinstance(text, str) or not text.startswith("Code that runs in esviewer"):
        return None
    return text.partition(":")[0].rstrip(".")


def _name_in(error: KeyError, data: dict[str, Any]) -> str | None:
    """The name that was missing, where it is one and no value of the payload."""
    name = error.args[0] if error.args else None
    is_name = type(name) is str and name.isidentifier() and len(name) <= 60
    return name if is_name and name not in [value for value in data.values() if type(value) is str] else None


def _place(error: BaseException, sources: Path) -> str | None:
    """File and line of the innermost call within the sources."""
    found, trace = None, error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path.startswith(str(sources)):
            found = f"{Path(path).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found

"""Runs the Python upcasters of a catalogue: in a child process of their own, or within one that runs user code already.

Consent is had before: whoever makes one of these lets the code in a folder run.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from esviewer.catalogue.chains import Result
from esviewer.catalogue.model import UNSET, Catalogue, Upcaster
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.domain import EsviewerError, Event, Value
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Sandbox, UserCodeFailed
from esviewer.projections.upcast_values import NotAValue, Packing, as_marked, as_seen, unpack
from esviewer.projections.upcasting import Answer, Asked, Functions, make_ready, received, send
from esviewer.projections.wrapped import WrappedText, marked
from esviewer.stores.codecs import Codecs, Undecodable, json_text, tagged
from esviewer.stores.codecs.limits import MAX_DEPTH, check_depth
from esviewer.stores.dialects.base import Found

LIMITS: Final = Limits(stall=5.0, memory=512 << 20)
"""What upcasters may use: they work on one payload."""
_BATCH, _BATCH_BYTES = 1_000, 8 << 20
_MOST_ENDS_OF_ONE, _MOST_ENDS = 3, 12
"""How many times a function, and all together, may end the child before they are not run any more."""
_KEPT, _KEPT_BYTES = 20_000, 64 << 20
"""Answers that are kept, and bytes of their payloads."""
_START_SECONDS = 30.0

Opened = Callable[[bytes], bytes]
"""Gives the JSON inside a stored payload: :meth:`Codecs.opened`. Only for stores of Python's eventsourcing."""


def code_edges(catalogue: Catalogue, *, only_code: bool = False) -> list[Upcaster]:
    """The upcasters that name functions; ``only_code``: those that no steps stand in for."""
    edges = [edge for known in catalogue.types.values() for edge in known.upcasters if edge.function is not None]
    return [edge for edge in edges if edge.is_code or not only_code]


class _Deferred(Exception):
    """An answer that is not known yet; it is asked for with others."""


@dataclass(frozen=True, slots=True)
class _Made:
    """What a function made of a payload: events with types, if it names some, and whole payloads as the catalogue
    sees them.
    """

    events: tuple[tuple[str | None, dict[str, Value]], ...]
    touched: tuple[str, ...]
    looked_up: tuple[str, ...]

    def drafts(self, draft: Draft, edge: Upcaster) -> list[Draft]:
        """New drafts, of the edge's target where the function says nothing else."""
        own = edge.target_type or draft.type
        return [Draft(name or own, UNSET, data, self.touched, self.looked_up) for name, data in self.events]


class _Requests:
    """Makes requests of drafts, and of answers what functions made."""

    def __init__(self, opened: Opened | None) -> None:
        self._opened = opened
        self._packing = Packing()
        self._typed: dict[tuple[bytes | None, bytes], bytes] = {}

    def forget(self) -> None:
        """Forgets what texts of outcomes stand for."""
        self._typed.clear()

    def key(self, function: str, draft: Draft, event: Event | None) -> tuple[Any, ...]:
        """What an answer depends on. Raises :class:`StepFailed` for a payload that cannot be sent."""
        if self._opened is None or event is None or event.raw is None:
            return (function, self._packed(draft.data))
        payload = None if draft.data is event.data else self._packed(draft.data)
        if payload is not None:
            payload = self._typed.get((event.raw, payload)) or self._retyped(payload, draft.data, event)
        return (function, payload, event.raw, event.stream, event.version)

    def asked(self, key: tuple[Any, ...]) -> Asked:
        """The request."""
        if len(key) == 2:
            return Asked(key[0], key[1], None, (), None, None)
        function, payload, raw, stream, version = key
        return Asked(function, payload, self._state(raw), (), stream, version)

    def made(self, key: tuple[Any, ...], answer: Sequence[Any]) -> _Made:
        """What an answer says; raises :class:`StepFailed` with its reason, and ``ValueError`` for what is none."""
        if answer[0] is not True:
            raise StepFailed(str(answer[1])[:2_000])
        _, packed, touched, looked_up = answer
        events = []
        for name, payload in packed:
            data = unpack(payload, as_seen)
            if not isinstance(data, dict) or not all(isinstance(text, str) for text in data):
                raise ValueError("no payload")
            if len(payload) > MAX_DEPTH:
                check_depth(data)
            if len(key) > 2 and (plain := self._packed(data)) != payload:
                self._typed[key[2], plain] = payload
            events.append((None if name is None else str(name), data))
        return _Made(tuple(events), tuple(map(str, touched)), tuple(map(str, looked_up)))

    def _packed(self, data: Value) -> bytes:
        try:
            return self._packing.pack(data)
        except NotAValue as wrong:
            raise StepFailed(f"the payload holds {wrong}") from None

    def _state(self, raw: bytes) -> bytes:
        assert self._opened is not None
        try:
            return self._opened(raw)
        except Undecodable as reason:
            raise StepFailed(f"its payload cannot be read: {reason.reason}") from None

    def _retyped(self, payload: bytes, data: Value, event: Event) -> bytes:
        """The payload with the values that its texts stand for, as far as the stored one has texts like them."""
        assert event.raw is not None
        try:
            state = json_text.loads(self._state(event.raw))[0]
        except (ValueError, StepFailed):
            return payload
        if not isinstance(state, dict) or not isinstance(event.data, dict):
            return payload
        known: dict[str, set[WrappedText | None]] = {}
        python = tagged.python_values({name: state.get(name) for name in event.data})
        _note_texts(marked(event.data, python), known)
        meant = {text: next(iter(found)) for text, found in known.items() if len(found) == 1}
        return self._packed(_with_texts(data, meant))


def _note_texts(value: Value, known: dict[str, set[WrappedText | None]]) -> None:
    """Notes for each text which value it stands for, ``None`` where it is no more than a text."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            _note_texts(inner, known)
    elif isinstance(value, str):
        known.setdefault(str(value), set()).add(value if isinstance(value, WrappedText) else None)


def _with_texts(value: Value, meant: dict[str, WrappedText | None]) -> Value:
    if isinstance(value, dict):
        return {name: _with_texts(inner, meant) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_texts(inner, meant) for inner in value]
    return (meant.get(value) or value) if isinstance(value, str) else value


class UpcastFunctions:
    """Runs functions in a child process that is started when it is first needed; from any thread, one at a time.

    Whatever a function does is a :class:`StepFailed` for that very event. One that ends the child, or does not end, is
    given a new child a few times, and then is not run any more. To be closed.
    """

    def __init__(self, sources: Path, opened: Opened | None = None, limits: Limits = LIMITS) -> None:
        self._order = {"sources": str(sources.resolve()), "is_library": opened is not None}
        self._limits = limits
        self._requests = _Requests(opened)
        self._answers: dict[tuple[Any, ...], _Made | str] = {}
        self._bytes = 0
        self._deferred: dict[tuple[Any, ...], None] | None = None
        self._child: _Child | None = None
        self._ends = Counter[str]()
        self._given_up: dict[str, str] = {}
        self._printed: list[str] = []
        self._alone = 0
        """How many requests are asked one by one, to find which of them ended the child."""
        self._is_closed = False
        self._lock = threading.RLock()

    @classmethod
    def of_store(cls, found: Found, codecs: Codecs, sources: Path, limits: Limits = LIMITS) -> UpcastFunctions:
        """Those for the events of one store."""
        return cls(sources, codecs.opened if found.dialect.has_python_classes else None, limits)

    def __call__(self, function: str, draft: Draft, edge: Upcaster, event: Event | None) -> list[Draft]:
        """What the function makes of a payload; raises :class:`StepFailed`."""
        with self._lock:
            key = self._requests.key(function, draft, event)
            answer = self._answers.get(key)
            if answer is None and self._deferred is not None:
                self._deferred[key] = None
                raise _Deferred
            if answer is None:
                if self._bytes > _KEPT_BYTES or len(self._answers) > _KEPT:
                    self._forget_all()
                    key = self._requests.key(function, draft, event)
                self._ask([key])
                answer = self._answers[key]
        if isinstance(answer, str):
            raise StepFailed(answer)
        return answer.drafts(draft, edge)

    def together(self, ask: Callable[[Event], Result], events: Iterable[Event]) -> list[Result]:
        """What ``ask`` gives for each event; the functions that it asks for are run in batches."""
        with self._lock:
            if self._bytes > _KEPT_BYTES or len(self._answers) > _KEPT // 2:
                self._forget_all()
            given = list(events)
            results: dict[int, Result] = {}
            pending = list(range(len(given)))
            while pending:
                again: list[int] = []
                self._deferred = {}
                try:
                    for place in pending:
                        try:
                            results[place] = ask(given[place])
                        except _Deferred:
                            again.append(place)
                    asked = list(self._deferred)
                finally:
                    self._deferred = None
                self._ask(asked)
                pending = again
            return [results[place] for place in range(len(given))]

    def forget(self, function: str, draft: Draft, event: Event | None) -> None:
        """Has the function run anew for this payload when it is asked for next."""
        with self._lock:
            self._answers.pop(self._requests.key(function, draft, event), None)

    @property
    def output(self) -> str:
        """What the functions printed, its beginning if it was much."""
        with self._lock:
            own = [] if self._child is None else [self._child.output]
            return "".join([*self._printed, *own])[: self._limits.printed]

    def stop(self) -> None:
        """Ends the child without waiting for that; what is asked for afterwards fails, and what waits, too."""
        self._is_closed = True
        child = self._child
        if child is not None:
            child.end()

    def close(self) -> None:
        """Ends the child; what is asked for afterwards fails."""
        self.stop()
        with self._lock:
            self._end_child()

    def __enter__(self) -> UpcastFunctions:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # Asking

    def _ask(self, keys: list[tuple[Any, ...]]) -> None:
        """Has answers to all of these, in batches."""
        waiting = list(reversed(keys))
        while waiting:
            some: list[tuple[tuple[Any, ...], Asked]] = []
            size = 0
            most = _BATCH if not self._alone else 1
            self._alone = max(0, self._alone - 1)
            while waiting and len(some) < most and size < _BATCH_BYTES:
                key = waiting.pop()
                asked = self._prepared(key)
                if asked is not None:
                    some.append((key, asked))
                    size += len(asked.payload or b"") + len(asked.state or b"")
            if some:
                waiting += [key for key, _ in reversed(self._ask_some(some))]

    def _prepared(self, key: tuple[Any, ...]) -> Asked | None:
        """The request; ``None`` where the answer is known without asking."""
        refused = "it was not run, since esviewer is closing" if self._is_closed else self._given_up.get(key[0])
        if refused is None:
            refused = self._given_up.get("")
        try:
            if refused is None:
                return self._requests.asked(key)
        except StepFailed as failure:
            refused = str(failure)
        self._answers[key] = refused
        return None

    def _ask_some(self, some: list[tuple[tuple[Any, ...], Asked]]) -> list[tuple[tuple[Any, ...], Asked]]:
        """Asks the child; gives what is still to be asked for, if it ended."""
        try:
            if self._child is None:
                self._child = _Child(self._order, self._limits)
            answers = self._child.ask([asked for _, asked in some])
            for (key, asked), answer in zip(some, answers, strict=True):
                self._answers[key] = self._read(key, answer)
                self._bytes += len(asked.payload or b"") + len(asked.state or b"")
            return []
        except _Ended as ended:
            self._end_child()
            return self._without_cause(some, ended)

    def _read(self, key: tuple[Any, ...], answer: Sequence[Any]) -> _Made | str:
        try:
            return self._requests.made(key, answer)
        except StepFailed as failure:
            return str(failure)
        except (ValueError, TypeError, LookupError):
            return f"upcaster {key[0]} failed: it gives something that is no payload, or is nested too deep"

    def _without_cause(
        self, some: list[tuple[tuple[Any, ...], Asked]], ended: _Ended
    ) -> list[tuple[tuple[Any, ...], Asked]]:
        """Answers for the event at which the child ended; the others are to be asked for again."""
        if not ended.is_of_code:
            self._given_up[""] = f"Python upcasters cannot be run: {ended}"
            return some
        place = ended.number if 0 <= ended.number < len(some) else 0
        if place != ended.number and len(some) > 1:
            self._alone = len(some)
            return some
        key, _ = some[place]
        function = key[0]
        self._answers[key] = f"upcaster {function} failed: {ended}"
        self._ends[function] += 1
        if self._ends[function] >= _MOST_ENDS_OF_ONE:
            self._given_up[function] = f"upcaster {function} is not run any more, after this happened again: {ended}"
        elif self._ends.total() >= _MOST_ENDS:
            self._given_up[""] = f"Python upcasters are not run any more, after {_MOST_ENDS} ended their process"
        return [*some[:place], *some[place + 1 :]]

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.stop()
            self._printed.append(self._child.output)
            self._child = None

    def _forget_all(self) -> None:
        self._answers.clear()
        self._requests.forget()
        self._bytes = 0


class _Ended(Exception):
    """The child ended; the text says how. ``number`` is the place in the batch, ``is_of_code`` whether code did it."""

    def __init__(self, sentence: str, number: int = -1, *, is_of_code: bool = True) -> None:
        super().__init__(sentence)
        self.number = number
        self.is_of_code = is_of_code


class _Child:
    """One child and the connection with it; a thread waits for its end."""

    def __init__(self, order: dict[str, Any], limits: Limits) -> None:
        token = secrets.token_bytes(32)
        self._end: _Ended | None = None
        self._channel: socket.socket | None = None
        self._packing = Packing()
        with socket.create_server(("127.0.0.1", 0)) as server:
            told = {**order, "port": server.getsockname()[1], "token": token.hex()}
            self._sandbox = Sandbox("upcast", told, limits)
            self._thread = threading.Thread(target=self._run, name="python-upcasters", daemon=True)
            self._thread.start()
            self._channel = self._accepted(server, token)

    @property
    def output(self) -> str:
        """What was printed."""
        return self._sandbox.output

    def ask(self, requests: list[Asked]) -> list[Any]:
        """The answers; raises :class:`_Ended`."""
        number = secrets.randbits(63)
        assert self._channel is not None
        try:
            send(self._channel, number, self._packing.pack([asked.told() for asked in requests]))
            message = received(self._channel, number)
        except OSError:
            message = None
        if message is None:
            raise self._how_it_ended()
        try:
            answers = unpack(message[1], lambda name, data: None)
        except ValueError:
            answers = None
        if message[0] != number or not isinstance(answers, list) or len(answers) != len(requests):
            raise _Ended("it wrote into the channel of its own answers")
        return answers

    def end(self) -> None:
        """Ends it at once; from any thread."""
        self._sandbox.stop()

    def stop(self) -> None:
        """Ends it, and waits until it did."""
        self._sandbox.stop()
        if self._channel is not None:
            self._channel.close()
        self._thread.join(30)

    def _run(self) -> None:
        try:
            self._sandbox.run()
            self._end = _Ended("its process ended")
        except UserCodeFailed as failure:
            self._end = _Ended(str(failure), failure.number)
        except EsviewerError as failure:
            self._end = _Ended(str(failure).rstrip("."), is_of_code=False)
        except OSError as failure:
            self._end = _Ended(f"no process can be started: {failure.strerror}", is_of_code=False)
        finally:
            # Nobody may ask again: then there is nobody else to close it.
            if self._channel is not None:
                self._channel.close()

    def _accepted(self, server: socket.socket, token: bytes) -> socket.socket:
        """The child's connection, known by its token; raises :class:`_Ended`."""
        server.settimeout(0.2)
        for _ in range(int(_START_SECONDS / 0.2)):
            if not self._thread.is_alive():
                break
            try:
                channel, _address = server.accept()
            except TimeoutError:
                continue
            channel.settimeout(5)
            try:
                is_child = secrets.compare_digest(channel.recv(len(token), socket.MSG_WAITALL), token)
            except OSError:
                is_child = False
            if is_child:
                channel.settimeout(None)
                channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return channel
            channel.close()
        self._sandbox.stop()
        self._thread.join(30)
        raise self._end or _Ended("its process did not start", is_of_code=False)

    def _how_it_ended(self) -> _Ended:
        self._thread.join(1)
        if self._thread.is_alive():
            # It closed the connection and goes on.
            self._sandbox.stop()
            self._thread.join(30)
            return _Ended("it closed the channel of its own answers")
        return self._end or _Ended("its process ended")


class FunctionsHere:
    """Runs functions in this very process, which is a contained child that runs user code already.

    A function that does not end, or ends the process, ends it here as a handler would.
    """

    def __init__(self, sources: Path, opened: Opened | None = None) -> None:
        make_ready(is_library=opened is not None)
        self._functions = Functions(sources, is_library=opened is not None)
        self._requests = _Requests(opened)
        self._packing = Packing()

    @classmethod
    def of_store(cls, found: Found, codecs: Codecs, sources: Path) -> FunctionsHere:
        """Those for the events of one store."""
        return cls(sources, codecs.opened if found.dialect.has_python_classes else None)

    def __call__(self, function: str, draft: Draft, edge: Upcaster, event: Event | None) -> list[Draft]:
        """What the function makes of a payload; texts that stand for values keep them. Raises :class:`StepFailed`."""
        packed = self._packed(draft.data)
        if self._packing.was_marked:
            is_stored = event is not None and event.raw is not None
            key = (function, packed, *((event.raw, event.stream, event.version) if is_stored and event else ()))
        else:
            key = self._requests.key(function, draft, event)
        answer: Answer = self._functions.answer(self._requests.asked(key))
        if not self._packing.was_marked:
            self._requests.forget()
            return self._requests.made(key, answer).drafts(draft, edge)
        if answer[0] is not True:
            raise StepFailed(str(answer[1]))
        made = [(name, unpack(payload, as_marked)) for name, payload in answer[1]]
        return _Made(tuple(made), tuple(answer[2]), tuple(answer[3])).drafts(draft, edge)

    def _packed(self, data: Value) -> bytes:
        try:
            return self._packing.pack(data)
        except NotAValue as wrong:
            raise StepFailed(f"the payload holds {wrong}") from None

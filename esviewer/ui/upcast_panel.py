"""What the catalogue makes of one event: its status in words, and its payload before, between and after upcasters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import QFrame, QHBoxLayout, QTabBar, QVBoxLayout, QWidget

from esviewer.catalogue.chains import Hop
from esviewer.catalogue.model import Step, Upcaster, version_text
from esviewer.catalogue.preview import Preview
from esviewer.catalogue.status import Assessment, Status
from esviewer.catalogue.steps import Draft
from esviewer.domain import Event, Value
from esviewer.projections.paths import changes
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts
from esviewer.ui.statuses import LOOKS, StatusSign, as_sentence, explanation, headline
from esviewer.ui.value_view import ValueView
from esviewer.ui.widgets import ElidedLabel, label, set_tone, tooltip
from esviewer.ui.words import one_line, short_type

_STEP_CHARACTERS = 120
_REASONS = 2
"""Lines for why an event has its status: the panel does not jump while the playhead is dragged."""


class EventStatus(QFrame):
    """The status of an event: its sign, what it is, why, and what may help. Not there for what is current."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sign = StatusSign()
        self._head = ElidedLabel("")
        self._head.setFont(fonts.ui(12, 600))
        self._why = [ElidedLabel("", "second") for _ in range(_REASONS)]
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self._sign)
        line.addWidget(self._head, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 4)
        column.setSpacing(2)
        column.addLayout(line)
        for line_of_why in self._why:
            line_of_why.setFont(fonts.ui(12))
            column.addWidget(line_of_why)
        self.hide()

    @property
    def text(self) -> str:
        """All that is said."""
        said = " ".join(part.text() for part in self._why if not part.isHidden())
        return f"{self._head.text()}. {said}" if not self.isHidden() else ""

    def show_assessment(self, found: Assessment | None) -> None:
        """Says what was made of an event."""
        if found is None or found.status is Status.CURRENT:
            self.hide()
            return
        self._sign.show_status(found.status)
        self._head.setText(headline(found))
        set_tone(self._head, LOOKS[found.status].token)
        why = [one_line(sentence) for sentence in explanation(found)]
        if len(why) > _REASONS:
            # A hint is worth more than a third reason.
            why = [*why[: _REASONS - 1], why[-1] if found.hint is not None else f"And {len(why) - 1} more reasons."]
        for place, part in enumerate(self._why):
            part.setText(why[place] if place < len(why) else "")
            part.setVisible(place < len(why))
        self.setToolTip(tooltip("\n".join(explanation(found))))
        self.setAccessibleName(f"Status: {headline(found)}. {' '.join(why)}")
        self.show()


@dataclass(frozen=True, slots=True)
class _Stage:
    """One view of the payload: its title, what it is compared with, and what is said of it."""

    title: str
    before: Value
    after: Value
    words: str
    is_diff: bool = True


class UpcastPanel(QWidget):
    """A payload as it is stored, after each upcaster, and as projections see it, each with what changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview_of: Callable[[Event], Preview | None] = lambda _event: None
        """Gives what becomes of an event."""
        self._stages: list[_Stage] = []
        self._wanted = -1
        self.stages = QTabBar()
        self.stages.setAccessibleName("Stages of upcasting")
        self.stages.setDrawBase(False)
        self.stages.setExpanding(False)
        self.stages.setUsesScrollButtons(True)
        self.stages.setFont(fonts.ui(12))
        self._words = label(tone="second", font=fonts.ui(12))
        self._words.setWordWrap(True)
        self._words.setContentsMargins(12, 4, 12, 4)
        self._failure = label(tone="removed", font=fonts.ui(12))
        self._failure.setWordWrap(True)
        self._failure.setContentsMargins(12, 4, 12, 4)
        self.view = ValueView("Upcast payload")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.stages, self._failure, self._words):
            column.addWidget(widget)
        column.addWidget(self.view, 1)
        self.stages.currentChanged.connect(self._show_stage)
        self.stages.tabBarClicked.connect(self._want)

    @property
    def words(self) -> str:
        """What is said above the payload."""
        return " ".join(part.text() for part in (self._failure, self._words) if not part.isHidden() and part.text())

    def show_event(self, event: Event) -> None:
        """Shows what becomes of an event; the stage that was looked at stays, where there is one like it."""
        found = self.preview_of(event)
        self._stages = _stages(found) if found is not None else []
        failure = _failure(found) if found is not None else ""
        self._failure.setText(failure)
        self._failure.setVisible(bool(failure))
        is_code = found is not None and found.assessment.unverified
        set_tone(self._failure, "changed" if is_code else "removed")
        titles = [stage.title for stage in self._stages]
        if titles != [self.stages.tabText(place) for place in range(self.stages.count())]:
            self._set_titles(titles)
        last = len(titles) - 1
        place = last if self._wanted < 0 else min(self._wanted, last)
        if self.stages.currentIndex() != place:
            self.stages.setCurrentIndex(place)
        else:
            self._show_stage(place)

    def _set_titles(self, titles: Sequence[str]) -> None:
        self.stages.blockSignals(True)
        while self.stages.count():
            self.stages.removeTab(0)
        for title in titles:
            self.stages.addTab(title)
        self.stages.blockSignals(False)

    def _want(self, place: int) -> None:
        # The last stage is what one wants to see of every event, however many there are before it.
        self._wanted = -1 if place == self.stages.count() - 1 else place

    def _show_stage(self, place: int) -> None:
        if not 0 <= place < len(self._stages):
            self._words.hide()
            self.view.show_message("")
            return
        stage = self._stages[place]
        self._words.setText(stage.words)
        self._words.setVisible(bool(stage.words))
        found = {change.path: change for change in changes(stage.before, stage.after)} if stage.is_diff else {}
        self.view.show_value(stage.after, found)
        self.view.reveal_changes()


def _failure(found: Preview) -> str:
    """Why the chain stopped; empty if it did not."""
    if found.failure is None:
        return ""
    if found.assessment.unverified:
        rest = "What comes before is shown."
        return f"{as_sentence(found.failure)} {rest}"
    return as_sentence(f"The chain stops here: {found.failure}")


def _stages(found: Preview) -> list[_Stage]:
    stages = [_Stage("Stored", found.stored, found.stored, "", is_diff=False)]
    stages += [
        _Stage(str(hop.edge).replace("→", " → "), hop.before, _value(hop.after), _hop_words(hop)) for hop in found.hops
    ]
    if found.final or (found.failure is None and found.hops):
        stages.append(_Stage("Result", found.stored, _value(found.final), _final_words(found)))
    return stages


def _value(drafts: Sequence[Draft]) -> Value:
    """One outcome as its payload; of several each under its number and type."""
    if len(drafts) == 1:
        return drafts[0].data
    return {f"{number} {short_type(draft.type)}": draft.data for number, draft in enumerate(drafts)}


def _hop_words(hop: Hop) -> str:
    words = steps_text(hop.edge)
    names = {draft.type for draft in hop.after}
    if names - {hop.type}:
        words += f"\nBecomes {', '.join(sorted(map(short_type, names)))}."
    return words


def _final_words(found: Preview) -> str:
    if not found.final:
        return "This event becomes no event: projections do not see it."
    known = found.assessment.known
    if len(found.final) > 1:
        return f"One stored event, {len(found.final)} for projections."
    draft = found.final[0]
    own = known.name if known is not None else found.event.type
    if draft.type != own:
        return f"Projections see it as {short_type(draft.type)}."
    hops = len(found.hops)
    return f"Compared with what is stored, {hops} upcaster{'' if hops == 1 else 's'} later."


def steps_text(edge: Upcaster) -> str:
    """What an upcaster does, a line for each step."""
    if edge.is_code:
        return f"Python: {edge.function}"
    if not edge.steps:
        return "The payload stays as it is."
    return "\n".join(map(step_text, edge.steps))


def step_text(step: Step) -> str:
    """One step in a line: ``rename name → full_name``, ``default locale = "en"``."""
    arguments = step.arguments
    if isinstance(arguments, dict) and step.name == "rename":
        return "rename " + ", ".join(f"{old} → {new}" for old, new in arguments.items())
    if isinstance(arguments, dict) and step.name == "default":
        return "default " + ", ".join(f"{name} = {json_line(value)}" for name, value in arguments.items())
    if isinstance(arguments, list) and all(isinstance(part, str) for part in arguments):
        return f"{step.name} {', '.join(arguments)}"
    if isinstance(arguments, str):
        return f"{step.name} {arguments}"
    text = f"{step.name} {json_line(arguments)}"
    return text if len(text) <= _STEP_CHARACTERS else text[: _STEP_CHARACTERS - 1] + "…"


def json_line(value: Value) -> str:
    """A value as JSON in one line."""
    return one_line(json_text.dumps(value).decode("utf-8", "replace"))


def edge_text(edge: Upcaster) -> str:
    """``1 → 2``, with the type that it becomes."""
    target = f" {short_type(edge.target_type)}" if edge.target_type is not None else ""
    return f"{version_text(edge.source)} → {version_text(edge.target)}{target}"

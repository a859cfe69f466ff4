"""Steps of an upcaster as YAML text of their own, to be written by hand: errors name the line they stand on."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import Final

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.representer import RepresenterError

from esviewer.catalogue.file_reading import plain
from esviewer.catalogue.model import Step
from esviewer.catalogue.step_syntax import parse_step, parse_steps
from esviewer.catalogue.steps import Emit, StepError
from esviewer.domain import Value
from esviewer.stores.codecs import json_text

_EXAMPLE: Final = "write a list, such as\n- rename: {old: new}"
_WIDE: Final = 100_000


class StepTextError(Exception):
    """A text that holds no steps; ``line`` is the line of the first mistake, from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(sentence)
        self.line = line
        self.sentence = sentence


def read_steps(text: str) -> tuple[Step, ...]:
    """The steps that a text holds, none for an empty one; raises :class:`StepTextError`."""
    tree = _tree(text)
    if tree is None:
        return ()
    if not isinstance(tree, CommentedSeq):
        raise StepTextError(1, f"Steps are no list: {_EXAMPLE}")
    steps: list[Step] = []
    for place, raw in enumerate(tree):
        line = _line(tree, place)
        if steps and isinstance(steps[-1].operation, Emit):
            raise StepTextError(line, "Emit ends a list of steps: put the steps of each event into it.")
        try:
            steps.append(parse_step(plain(raw)))
        except StepError as wrong:
            raise StepTextError(line, _sentence(str(wrong))) from None
    try:
        return parse_steps(plain(tree))
    except StepError as wrong:
        raise StepTextError(1, _sentence(str(wrong))) from None


def _tree(text: str) -> object:
    try:
        return YAML(typ="rt").load(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        said = " ".join(str(wrong.problem or wrong.context or "it is no YAML").split("\n")[0].split())
        lines = max(text.rstrip().count("\n") + 1, 1)
        raise StepTextError(min(mark.line + 1, lines) if mark is not None else 1, _sentence(said)) from None
    except (YAMLError, ValueError, RecursionError) as wrong:
        raise StepTextError(1, _sentence(f"it is no YAML: {str(wrong).splitlines()[0]}")) from None


def _line(tree: CommentedSeq, place: int) -> int:
    data = tree.lc.data
    return int(data[place][0]) + 1 if data is not None and place in data else 1


def _sentence(said: str) -> str:
    return said[:1].upper() + said[1:] + ("" if said.endswith((".", "…")) else ".")


def steps_yaml(steps: Iterable[Step]) -> str:
    """Steps as :func:`read_steps` reads them, a line for each."""
    return "".join(f"- {step.name}: {_flow(step.arguments)}\n" for step in steps)


def _flow(arguments: Value) -> str:
    """A value in one line of YAML; as JSON, which is YAML too, where that would not be read as it is."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = True
    yaml.width = _WIDE
    yaml.allow_unicode = True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # of ruamel
    out = StringIO()
    try:
        yaml.dump(arguments, out)
        text = out.getvalue().removesuffix("...\n").strip()
        if "\n" not in text and plain(YAML(typ="rt").load(f"- {text}")) == [arguments]:
            return text
    except (RepresenterError, YAMLError):
        pass
    text = json_text.dumps(arguments).decode()
    # What YAML's readers refuse in the open, escaped.
    return "".join(c if c.isprintable() or c > "\uffff" else f"\\u{ord(c):04x}" for c in text)

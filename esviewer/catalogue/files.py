"""The catalogue as a file that people keep: reading it with clear mistakes, writing it without losing their comments.

YAML 1.2, and so JSON too. All keys but ``types`` are optional::

    types:
      OrderPlaced:
        aliases: ["shop.orders:OrderPlaced"]     # old or technical names
        current: 3                               # without it, versions of this type are not judged
        starts_stream: true                      # also ends_stream
        note: for people
        version_from: column                     # or as below
        versions:
          2: {open: true, attributes: {total: number}}
          3:
            open: true                           # attributes that are not named are allowed (the default)
            attributes:
              total: {type: number, required: true, minimum: 0}
              currency: {type: string, required: true, enum: [EUR, USD], personal: false}
              lines: {type: array, items: {type: object, attributes: {sku: string}}}
        upcasters:
          - {from: 2, to: 3, steps: [{default: {currency: EUR}}]}
          - {from: 1, to: 2, function: "shop.upcasters:order_placed_1_2"}   # also reads: [what it reads outside]
    snapshots: {}                                # as types, by type of aggregate
    ignored: {DebugPing: {reason: "load test 2023", by: ana, date: 2024-01-05}}
    erased: [{stream: user-9, attributes: [email], reason: "request 114"}]
    version_from: auto                           # for all types that say nothing else; column, suffix, shape,
                                                 # {metadata: path}, {field: name}, {type: regex with a group n}
    inferred: true                               # made by esviewer; remove it to confirm the catalogue

Types of attributes: any, array, bool, bytes, int, number, object, string, or a list of them; ``string?`` is nullable.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from esviewer.catalogue.file_reading import Note, plain, read_catalogue
from esviewer.catalogue.file_writing import catalogue_object
from esviewer.catalogue.model import Catalogue, version_of
from esviewer.domain import NotFound, UsageError, Value
from esviewer.domain.replacing import refuse_database, replacing


class CatalogueError(UsageError):
    """A catalogue that cannot be understood; the text is one sentence with file and line, ``notes`` has all."""

    title = "The catalogue cannot be read"

    def __init__(self, message: str, notes: tuple[Note, ...] = ()) -> None:
        super().__init__(message)
        self.notes = notes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A catalogue that was read. ``warnings`` name what was not understood and passed over: unknown keys."""

    catalogue: Catalogue
    warnings: tuple[Note, ...] = ()


def load(path: Path) -> Loaded:
    """The catalogue of a YAML or JSON file; raises :class:`NotFound` and :class:`CatalogueError`."""
    return parse(read_text(path), str(path))


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`NotFound` and :class:`CatalogueError`."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise NotFound(f"There is no catalogue {path}.") from None
    except OSError as failure:
        raise CatalogueError(f"{path} cannot be read: {failure.strerror}.") from None
    except UnicodeDecodeError as failure:
        raise CatalogueError(f"{path} is not UTF-8 text (byte {failure.start}): save it as UTF-8.") from None


def parse(text: str, name: str = "catalogue") -> Loaded:
    """The catalogue that a text holds; raises :class:`CatalogueError` with the first mistake, and all as ``notes``."""
    catalogue, mistakes, warnings = read_catalogue(_tree(text, name))
    if mistakes:
        more = "" if len(mistakes) == 1 else f" ({len(mistakes) - 1} more)"
        raise CatalogueError(f"{name}{mistakes[0]}{more}", tuple(mistakes))
    return Loaded(catalogue, tuple(warnings))


def dump(catalogue: Catalogue, *, as_json: bool = False) -> str:
    """The catalogue as the text of a new file."""
    tree = catalogue_object(catalogue)
    if as_json:
        text = json.dumps(json_object(catalogue), ensure_ascii=False, indent=2) + "\n"
        # What YAML's readers refuse in the open, escaped.
        return "".join(c if c.isprintable() or c == "\n" or c > "\uffff" else f"\\u{ord(c):04x}" for c in text)
    return _written(_styled(tree))


def json_object(catalogue: Catalogue) -> Value:
    """The catalogue as JSON has it: every name a text, a version ``None`` as ``(none)``."""
    return _json_keys(catalogue_object(catalogue))


def fingerprint(catalogue: Catalogue) -> str:
    """A hash of all that a catalogue says, the same for the same meaning; for reports and for what is kept."""
    return hashlib.sha256(json.dumps(json_object(catalogue), sort_keys=True).encode()).hexdigest()


def edited(text: str, catalogue: Catalogue, name: str = "catalogue") -> str:
    """The text of a file changed to hold ``catalogue``: what means the same stays as it is, with comments and order."""
    if not text.strip():
        return dump(catalogue)
    before = catalogue_object(parse(text, name).catalogue)
    after = catalogue_object(catalogue)
    if before == after:
        return text
    tree = _tree(text, name)
    _merge(tree, before, after)
    return _written(tree)


def save(catalogue: Catalogue, path: Path) -> None:
    """Writes a catalogue, keeping comments and order of what is there, which must be a catalogue or empty.

    The file is replaced at once or not at all. Raises :class:`CatalogueError`, and :class:`UsageError` for a database.
    """
    as_json = path.suffix.lower() == ".json"
    text = dump(catalogue, as_json=as_json)
    try:
        if path.exists():
            refuse_database(path)
            before = read_text(path)
            if not as_json:
                text = edited(before, catalogue, str(path))
            elif before.strip():
                parse(before, str(path))
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as failure:
        raise CatalogueError(f"{path} cannot be written: {failure.strerror}.") from None


def _yaml() -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    # An empty value is easily overlooked.
    yaml.representer.add_representer(type(None), _null)
    return yaml


def _null(representer: RoundTripRepresenter, _: None) -> ScalarNode:
    return representer.represent_scalar("tag:yaml.org,2002:null", "null")


def _tree(text: str, name: str) -> object:
    try:
        # JSON says characters beyond 16 bits as two escapes, which YAML takes for two characters.
        if "\\ud" in text.lower() and text.lstrip().startswith("{"):
            return _styled(json.loads(text))
        return _yaml().load(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        said = " ".join(str(wrong.problem or wrong.context or "it is no YAML").split("\n")[0].split())
        raise CatalogueError(f"{name}{line}: {said}.") from None
    except (YAMLError, ValueError, RecursionError) as wrong:
        raise CatalogueError(f"{name}: it is no YAML: {str(wrong).splitlines()[0]}.") from None


def _styled(value: Value, depth: int = 0) -> Value:
    """The value as nodes of a tree: what holds only single values stands in one line, if it is not a long one."""
    node: CommentedMap | CommentedSeq
    if isinstance(value, dict):
        node = CommentedMap((_quoted(key), _styled(inner, depth + 1)) for key, inner in value.items())
        inside = list(value.values())
    elif isinstance(value, list):
        node = CommentedSeq(_styled(inner, depth + 1) for inner in value)
        inside = value
    else:
        return _quoted(value)
    if len(repr(value)) < _LINE and (not inside or (depth and not any(map(_is_deep, inside)))):
        node.fa.set_flow_style()
    return node


def _quoted(value: Value) -> Value:
    """A text, whatever kind of text it was, in double quotes if it has characters that YAML wants escaped."""
    if not isinstance(value, str):
        return value
    return str(value) if value.isprintable() else DoubleQuotedScalarString(value)


_LINE = 100
"""Characters of what is put in one line."""


def _is_deep(value: Value) -> bool:
    """Whether a value holds others that hold others."""
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(isinstance(inner, dict | list) and inner for inner in value)


def _written(tree: object) -> str:
    stream = io.StringIO()
    _yaml().dump(tree, stream)
    return stream.getvalue()


def _json_keys(tree: Value) -> Value:
    """JSON has only texts as keys: a version ``None`` is ``(none)``."""
    if isinstance(tree, dict):
        return {"(none)" if key is None else str(key): _json_keys(value) for key, value in tree.items()}
    return [_json_keys(value) for value in tree] if isinstance(tree, list) else tree


def _merge(node: object, before: Value, after: Value) -> None:
    """Changes a tree where two meanings differ, and nowhere else."""
    if not (isinstance(node, CommentedMap) and isinstance(before, dict) and isinstance(after, dict)):
        return
    if not node:
        node.fa.set_block_style()
    for key in [key for key in before if key not in after]:
        spelled = _spelled(node, key)
        if spelled in node:
            del node[spelled]
    for key, value in after.items():
        spelled = _spelled(node, key)
        held = before.get(key)
        if key in before and held == value:
            continue
        inner = node.get(spelled)
        if isinstance(inner, CommentedMap) and isinstance(held, dict) and isinstance(value, dict):
            _merge(inner, held, value)
        elif isinstance(inner, CommentedSeq) and isinstance(held, list) and isinstance(value, list):
            _merge_list(inner, held, value)
        else:
            node[spelled] = _styled(value)


def _merge_list(node: CommentedSeq, before: list[Value], after: list[Value]) -> None:
    if len(node) != len(before):
        node[:] = [_styled(value) for value in after]
        return
    for index, value in enumerate(after[: len(before)]):
        if before[index] == value:
            continue
        if isinstance(node[index], CommentedMap) and isinstance(value, dict):
            _merge(node[index], before[index], value)
        else:
            node[index] = _styled(value)
    del node[len(after) :]
    node.extend(map(_styled, after[len(before) :]))


def _spelled(node: CommentedMap, key: Value) -> object:
    """The key as the file spells it: a version 3 may stand there as a text."""
    if key in node:
        return key
    for other in node:
        try:
            if version_of(plain(other)) == key:
                return other
        except ValueError:
            continue
    return key

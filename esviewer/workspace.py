"""A workspace: a folder with ``esviewer.toml``, which holds what people made for their stores and want to keep.

The file is theirs: it is read strictly, with a sentence for each mistake, and written by changing only what changed, so
that comments, order and keys that this version does not know stay. Its schema is in the README.
"""

from __future__ import annotations

import hashlib
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable
from tomlkit.toml_document import TOMLDocument

from esviewer.domain import EsviewerError, NotFound, UsageError
from esviewer.domain.replacing import replacing
from esviewer.projections.edited import RESERVED, FoldRule, FoldRules, rule_of
from esviewer.projections.naming import names_a_file
from esviewer.projections.paths import member
from esviewer.stores.address import Address, parse

FILE: Final = "esviewer.toml"
VERSION: Final = 1
_LARGEST: Final = 4 * 1024 * 1024
_TYPE_LISTS: Final = ("starts", "ends", "ignores")
_HEAD: Final = "What esviewer keeps for these stores. The schema is in its README; comments stay when it writes."


class WorkspaceError(EsviewerError):
    """The file of a workspace cannot be read or written, or says what makes no sense; the sentence names the key."""

    title = "The workspace cannot be used"


@dataclass(frozen=True, slots=True)
class Workspace:
    """What a workspace's file says; a folder without one is an empty workspace.

    ``stores``: address by name, without passwords. ``folds``: rules by name. ``catalogue``: the file that it names,
    which may not be there. ``projections``: what each is by name, as ``replay`` takes it, with the whole path of the
    file, which may not be there. ``unknown``: keys that this version does not know, as dotted paths; they are kept.
    """

    folder: Path
    stores: Mapping[str, Address] = field(default_factory=lambda: MappingProxyType({}))
    folds: Mapping[str, FoldRules] = field(default_factory=lambda: MappingProxyType({}))
    unknown: tuple[str, ...] = ()
    catalogue: Path | None = None
    projections: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def file(self) -> Path:
        return self.folder / FILE

    def fold(self, name: str) -> FoldRules:
        """The fold of that name; raises :class:`NotFound` with the names that exist."""
        rules = self.folds.get(name)
        if rules is None:
            own = f"those of {self.file}: {', '.join(sorted(self.folds))}" if self.folds else f"none in {self.file}"
            raise NotFound(f"There is no fold {name!r}: there are inferred, classes, and {own}.")
        return rules

    def projection(self, name: str) -> str:
        """The projection of that name, as ``replay`` takes it; raises :class:`NotFound` with the names that exist."""
        found = self.projections.get(name)
        if found is None:
            own = f"there are {', '.join(sorted(self.projections))}" if self.projections else "it names none"
            raise NotFound(f"There is no projection {name!r} in {self.file}: {own}.")
        return found


def default_folder(address: Address, config: Path) -> Path:
    """Where the workspace of a store lies while nobody chose one: beside its file if there is one, else in ``config``.

    Nothing is ever put beside a store that was not put there before.
    """
    if address.path is not None and (beside := address.path.absolute().parent / FILE).is_file():
        return beside.parent
    base = str(address.path.absolute()) if address.path is not None else address.kept.partition("?")[0]
    slug = re.sub(r"[^\w.-]+", "-", Path(address.database).stem).strip("-.")[:40] or "store"
    return config / "workspaces" / f"{slug}-{hashlib.sha256(base.encode('utf-8', 'replace')).hexdigest()[:10]}"


def check_folder(folder: Path) -> Path:
    """The folder of a workspace that was named, absolute; raises :class:`WorkspaceError` if it holds no file."""
    if not (folder / FILE).is_file():
        raise WorkspaceError(f"{folder} is no workspace: it holds no {FILE}.")
    return folder.absolute()


# Reading


def read(folder: Path) -> Workspace:
    """The workspace in a folder, empty where it has no file; raises :class:`WorkspaceError`."""
    path = folder / FILE
    text = _text(path)
    return Workspace(folder) if text is None else _parsed(folder, text)


def _parsed(folder: Path, text: str) -> Workspace:
    path = folder / FILE
    try:
        return _Reading(folder, path).workspace(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise WorkspaceError(f"{path} is no TOML: {error}.") from None
    except RecursionError:
        raise WorkspaceError(f"{path} is nested too deep to be read.") from None


def _text(path: Path) -> str | None:
    try:
        if path.stat().st_size > _LARGEST:
            raise WorkspaceError(f"{path} is larger than {_LARGEST // 1024 // 1024} MB: it is no file of a workspace.")
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise WorkspaceError(f"{path} is not written in UTF-8, as TOML is.") from None
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be read: {error.strerror or error}.") from None


class _Reading:
    """Reads the tables of one file, and notes the keys that it does not know."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._folder = folder
        self._path = path
        self._unknown: list[str] = []

    def workspace(self, document: dict[str, Any]) -> Workspace:
        version = document.pop("version", VERSION)
        if not isinstance(version, int) or isinstance(version, bool) or version < 1:
            self._wrong("version", f"is {version!r}: it is {VERSION}")
        if version > VERSION:
            self._wrong("version", f"is {version}, of a later esviewer: this one reads {VERSION}")
        stores = {name: self._store(name, given) for name, given in self._table("stores", document).items()}
        folds = {name: self._fold(name, given) for name, given in self._table("folds", document).items()}
        catalogue = self._catalogue(document.pop("catalogue", None))
        projections = {name: self._projection(name, p) for name, p in self._table("projections", document).items()}
        self._unknown += [member("", key) for key in document]
        unknown = tuple(self._unknown)
        return Workspace(
            self._folder,
            MappingProxyType(stores),
            MappingProxyType(folds),
            unknown,
            catalogue,
            MappingProxyType(projections),
        )

    def _projection(self, name: str, given: object) -> str:
        """``"loans.py:Loans"``, or a table with ``file`` and ``version``, a revision of git."""
        key = member("projections", name)
        text, key_of_text = given, key
        if isinstance(given, dict):
            text, version, key_of_text = given.pop("file", None), given.pop("version", None), f"{key}.file"
            self._unknown += [member(key, rest) for rest in given]
            if version is not None and not (isinstance(version, str) and version.strip()):
                self._wrong(f"{key}.version", f"is to be a revision of git, in quotes, and not {version!r}")
            if version is not None and isinstance(text, str):
                text = f"{text}@{version}"
        if not isinstance(text, str) or "\0" in text or not names_a_file(text):
            self._wrong(key_of_text, f"is to be file.py:Class, file.yaml or file.sql, in quotes, and not {text!r}")
        try:
            check_projection_name(name)
        except UsageError as error:
            self._wrong(key, f"cannot be used: {str(error).rstrip('.')}")
        return str(self._folder.absolute() / str(text))

    def _catalogue(self, given: object) -> Path | None:
        """The file of the catalogue: beside this one, unless its path is a whole one."""
        if given is None:
            return None
        if not isinstance(given, str) or not given.strip() or "\0" in given:
            self._wrong("catalogue", f"is to be the path of a file, in quotes, and not {given!r}")
        return self._folder / str(given)

    def _wrong(self, key: str, sentence: str) -> None:
        raise WorkspaceError(f"{self._path}: {key} {sentence}.")

    def _table(self, name: str, within: dict[str, Any], key: str = "") -> dict[str, Any]:
        """A table that may be missing; taken out, so that what is left is not known."""
        given = within.pop(name, {})
        if not isinstance(given, dict):
            self._wrong(key or name, f"is to be a table, [{key or name}], and not {given!r}")
        assert isinstance(given, dict)
        return given

    def _store(self, name: str, given: object) -> Address:
        key = member("stores", name)
        if not isinstance(given, str):
            self._wrong(key, f"is to be an address, in quotes, and not {given!r}")
        try:
            address = parse(str(given))
        except UsageError as error:
            self._wrong(key, f"is no address: {str(error).rstrip('.')}")
        if address.backend == "postgresql" and address.whole != address.kept:
            self._wrong(key, "holds a password: take it out; ~/.pgpass, PGPASSWORD or the keyring have it")
        if address.path is not None and not address.path.is_absolute():
            return parse(str(self._folder / str(given)))
        return address

    def _fold(self, name: str, given: object) -> FoldRules:
        key = member("folds", name)
        if not isinstance(given, dict):
            self._wrong(key, f"is to be a table, [{key}], and not {given!r}")
        assert isinstance(given, dict)
        try:
            check_name(name)
        except UsageError as error:
            self._wrong(key, f"cannot be used: {str(error).rstrip('.')}")
        lists = [self._types(key, kind, given.pop(kind, [])) for kind in _TYPE_LISTS]
        rules: list[FoldRule] = []
        for event_type, own in self._table("rules", given, f"{key}.rules").items():
            place = member(f"{key}.rules", event_type)
            if not isinstance(own, dict):
                self._wrong(place, f"is to be a table of attributes, and not {own!r}")
            rules += self._rules(event_type, place, own, "")
        self._unknown += [member(key, rest) for rest in given]
        return FoldRules(name, tuple(rules), *lists)

    def _types(self, key: str, kind: str, given: object) -> tuple[str, ...]:
        if not isinstance(given, list) or not all(isinstance(entry, str) for entry in given):
            self._wrong(f"{key}.{kind}", f"is to be a list of event types, and not {given!r}")
        assert isinstance(given, list)
        return tuple(given)

    def _rules(self, event_type: str, place: str, own: dict[str, Any], prefix: str) -> list[FoldRule]:
        """``due = "set"``, several in a list, and ``address.city = "ignore"``, which TOML reads as a table."""
        found: list[FoldRule] = []
        for written, given in own.items():
            attribute = member(prefix, written) if prefix else written
            key = f'{place}."{attribute}"'
            if isinstance(given, dict):
                found += self._rules(event_type, place, given, attribute)
                continue
            several = given if isinstance(given, list) else [given]
            if not several or not all(isinstance(words, str) for words in several):
                self._wrong(key, f'is to be a rule such as "set due", or a list of rules, and not {given!r}')
            for words in several:
                try:
                    found.append(rule_of(event_type, attribute, words))
                except UsageError as error:
                    self._wrong(key, f"cannot be used: {str(error).rstrip('.')}")
        return found


def check_name(name: str) -> str:
    """The name of a fold, or why it cannot be one, as :class:`UsageError`."""
    if not name.strip():
        raise UsageError("A fold needs a name.")
    if name in RESERVED:
        raise UsageError(f"'{name}' is a fold already: give another name.")
    if name != name.strip() or len(name) > 80 or not name.isprintable():
        raise UsageError("The name of a fold is at most 80 letters without spaces at its ends.")
    return name


def check_projection_name(name: str) -> str:
    """The name of a projection, or why it cannot be one, as :class:`UsageError`."""
    if name != name.strip() or not 0 < len(name) <= 80 or not name.isprintable():
        raise UsageError("The name of a projection is 1 to 80 letters without spaces at its ends.")
    if names_a_file(name) or ":" in name or "/" in name or "\\" in name:
        raise UsageError(f"{name!r} would be taken for a file or a table: give another name.")
    return name


# Writing


def save_fold(folder: Path, fold: FoldRules) -> Workspace:
    """Writes a fold into the workspace, in the place of the one of that name; the rest of the file stays as it is.

    Raises :class:`WorkspaceError`, also where the file as it is now cannot be read: it is then left alone.
    """
    check_name(fold.name)

    def change(document: TOMLDocument) -> None:
        table = _inner(_inner(document, "folds", is_shown=False), fold.name)
        for kind, types in zip(_TYPE_LISTS, (fold.starts, fold.ends, fold.ignores), strict=True):
            _settle(table, kind, list(types) or None)
        _settle_rules(table, fold)

    return _changed(folder, change, lambda before: replace(before, folds={**before.folds, fold.name: fold}))


def save_projection(folder: Path, name: str, text: str) -> Workspace:
    """Writes what a projection is, as ``replay`` takes it, under a name; a file below the folder by its place in it."""
    check_projection_name(name)
    if not names_a_file(text):
        raise UsageError(f"{text!r} names no projection: give file.py:Class, file.yaml or file.sql.")
    inside = Path(text).absolute()
    written = str(inside.relative_to(folder.absolute())) if inside.is_relative_to(folder.absolute()) else str(inside)

    def change(document: TOMLDocument) -> None:
        _settle(_inner(document, "projections"), name, written)

    meant = str(folder.absolute() / written)
    return _changed(folder, change, lambda before: replace(before, projections={**before.projections, name: meant}))


def _settle_rules(table: Any, fold: FoldRules) -> None:
    if not fold.rules:
        if "rules" in table:
            del table["rules"]
        return
    wanted: dict[str, dict[str, list[str]]] = {}
    for (event_type, attribute), own in _by_place(fold).items():
        wanted.setdefault(event_type, {})[attribute] = [rule.words for rule in own]
    rules = _inner(table, "rules", is_shown=False)
    for gone in [event_type for event_type in rules if event_type not in wanted]:
        del rules[gone]
    for event_type, attributes in wanted.items():
        own = _inner(rules, event_type)
        for gone in [written for written in own if written not in attributes]:
            del own[gone]
        for attribute, words in attributes.items():
            _settle(own, attribute, words[0] if len(words) == 1 else words)


def _inner(within: Any, name: str, *, is_shown: bool = True) -> Any:
    """The table of that name, made if it is missing; one that only holds tables need not be shown."""
    if name not in within:
        if isinstance(within, TOMLDocument) and within.body:
            within.add(tomlkit.nl())
        is_inline = isinstance(within, InlineTable)
        within[name] = tomlkit.inline_table() if is_inline else tomlkit.table(is_super_table=not is_shown)
    return within[name]


def _by_place(fold: FoldRules) -> dict[tuple[str, str], list[FoldRule]]:
    """The rules by type and attribute, as a file groups them."""
    result: dict[tuple[str, str], list[FoldRule]] = {}
    for rule in fold.rules:
        result.setdefault((rule.event_type, rule.attribute), []).append(rule)
    return result


def _settle(table: Any, key: str, value: str | list[str] | None) -> None:
    """Gives a key a value, ``None`` takes it away; one that has it already is left as it is written."""
    if value is None:
        if key in table:
            del table[key]
        return
    if key in table:
        present: Any = table[key]
        if (present.unwrap() if hasattr(present, "unwrap") else present) == value:
            return
    table[key] = value


def _changed(
    folder: Path, change: Callable[[TOMLDocument], None], wanted: Callable[[Workspace], Workspace]
) -> Workspace:
    """The workspace after a change to its file as it is now, written in one step if it says what is ``wanted``."""
    path = folder / FILE
    text = _text(path)
    before = Workspace(folder) if text is None else _parsed(folder, text)
    if text is None:
        document = tomlkit.document()
        document.add(tomlkit.comment(_HEAD))
        document.add("version", VERSION)
    else:
        document = _editable(path, text)
    try:
        change(document)
        made = tomlkit.dumps(document)
        made.encode()
        if _meaning(_parsed(folder, made)) != _meaning(wanted(before)):
            raise ValueError("what would be written is not what was meant")
    except (TOMLKitError, WorkspaceError, ValueError, TypeError, KeyError) as error:
        # Tables written in unusual ways; rather no change than a wrong one.
        raise WorkspaceError(f"{path} could not be changed and was left alone: change it by hand ({error}).") from None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _replace(path, made)
    except OSError as error:
        raise WorkspaceError(f"{path} cannot be written: {error.strerror or error}.") from None
    return _parsed(folder, made)


def _editable(path: Path, text: str) -> TOMLDocument:
    try:
        return tomlkit.parse(text)
    except RecursionError:
        raise WorkspaceError(f"{path} is nested too deep to be changed: change it by hand.") from None


def _meaning(workspace: Workspace) -> object:
    """What a file says, without the order in which it says it."""
    folds = {fold.name: (fold.starts, fold.ends, fold.ignores, _by_place(fold)) for fold in workspace.folds.values()}
    return dict(workspace.stores), folds, dict(workspace.projections), sorted(workspace.unknown)


def _replace(path: Path, text: str) -> None:
    """Puts a text in the place of a file at once: whoever reads sees the old one or the new one, whole."""
    with replacing(path) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())

"""The workspace's file: read strictly, written so that what people wrote stays, and documented as it is."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.cli.workspaces import workspace_in
from esviewer.domain import NotFound, UsageError
from esviewer.projections.edited import OPERATIONS, FoldRule, FoldRules, rule_of
from esviewer.projections.paths import member
from esviewer.stores.address import parse
from esviewer.workspace import (
    FILE,
    WorkspaceError,
    check_folder,
    default_folder,
    read,
    save_fold,
    save_projection,
)

README = Path(__file__).resolve().parents[2] / "README.md"
WRITTEN = """\
# Ours.
version = 1

[stores]   # where they are
live = "postgresql://reader@db/library?schema=lending"

[folds.loans]
starts = ["lending.loans:Loan.Started"]   # the first

[folds.loans.rules."lending.loans:Loan.Renewed"]
due_on = "set due"   # one name for it
renewals = "add"

[notes]
kept = true   # not known here
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text(WRITTEN, "utf-8")
    return tmp_path


def test_that_a_folder_without_a_file_is_an_empty_workspace_and_stays_as_it_is(tmp_path: Path) -> None:
    workspace = read(tmp_path)
    assert not workspace.stores and not workspace.folds and not workspace.unknown
    assert not list(tmp_path.iterdir())
    with pytest.raises(WorkspaceError, match=f"holds no {FILE}"):
        check_folder(tmp_path)


def test_that_a_file_is_read_and_what_is_not_known_in_it_is_told(folder: Path) -> None:
    workspace = read(folder)
    assert workspace.stores["live"].kept == "postgresql://reader@db/library?schema=lending"
    assert workspace.fold("loans") == FoldRules(
        "loans",
        (
            rule_of("lending.loans:Loan.Renewed", "due_on", "set due"),
            rule_of("lending.loans:Loan.Renewed", "renewals", "add"),
        ),
        starts=("lending.loans:Loan.Started",),
    )
    assert workspace.unknown == ("notes",)
    with pytest.raises(NotFound, match=r"inferred, classes, .*: loans"):
        workspace.fold("load")


def test_that_a_change_leaves_comments_order_and_unknown_keys_alone(folder: Path) -> None:
    loans = read(folder).fold("loans")
    renewed = rule_of("lending.loans:Loan.Renewed", "renewals", "add count")
    save_fold(folder, replace(loans, rules=(loans.rules[0], renewed)))
    assert (folder / FILE).read_text("utf-8") == WRITTEN.replace('renewals = "add"', 'renewals = "add count"')
    save_fold(folder, replace(loans, name="others"))
    text = (folder / FILE).read_text("utf-8")
    for comment in re.findall("#.*", WRITTEN):
        assert comment in text
    assert list(read(folder).folds) == ["loans", "others"]


def test_that_saving_what_is_there_changes_no_byte(folder: Path) -> None:
    before = (folder / FILE).read_bytes()
    save_fold(folder, read(folder).fold("loans"))
    assert (folder / FILE).read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        'folds = {loans = {rules = {T = {a = "set"}}}}\n',
        '[folds.loans]\n[stores]\n[folds.second.rules.T]\na = "set"\n[folds.loans.rules.T]\nb = "set"\n',
        'folds.loans.rules.T.a = "set"\n',
        '[folds.loans.rules.T]\naddress.city = "ignore"\naddress.zip = "set zip"\n',
        '[folds]\n\n[folds.loans]\nends = [\n  "E", # last\n]\n',
    ],
)
def test_that_a_file_written_in_an_unusual_way_is_changed_rightly_or_not_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    fold = FoldRules("loans", (rule_of("T", "b", "add total"), rule_of("U", "address.city", "ignore")), ends=("E",))
    try:
        save_fold(tmp_path, fold)
    except WorkspaceError as error:
        assert "by hand" in str(error) and (tmp_path / FILE).read_text("utf-8") == text
    else:
        found = read(tmp_path).fold("loans")
        assert set(found.rules) == set(fold.rules) and found.ends == fold.ends


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 2", "version is 2, of a later esviewer"),
        ('version = "1"', "version is '1'"),
        ("stores = 3", "stores is to be a table"),
        ("[stores]\na = 3", "stores.a is to be an address"),
        ('[stores]\na = "mysql://h/d"', "stores.a is no address: mysql://"),
        ('[stores]\n"a.b" = "postgresql://u:pw@h/d"', r'stores\["a.b"\] holds a password: take it out'),
        ('folds.x = "set"', "folds.x is to be a table"),
        ("[folds.inferred]", "folds.inferred cannot be used: 'inferred' is a fold already"),
        ('[folds." "]', "cannot be used: A fold needs a name"),
        ('[folds.x]\nstarts = "T"', "folds.x.starts is to be a list of event types"),
        ("[folds.x.rules]\nT = 3", "folds.x.rules.T is to be a table of attributes"),
        (
            '[folds.x.rules.T]\na = "put b"',
            "folds.x.rules.T.\"a\" cannot be used: 'put' is no rule: give one of set, add",
        ),
        ("[folds.x.rules.T]\na = 3", 'folds.x.rules.T."a" is to be a rule such as "set due"'),
        ("[folds.x.rules.T]\na = []", "is to be a rule such as"),
        ("[folds", "is no TOML"),
        ("a = '\udc80'", "is not written in UTF-8"),
    ],
)
def test_that_each_mistake_is_told_with_file_and_key_and_the_file_is_left_alone(
    tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / FILE).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(WorkspaceError, match=said) as told:
        read(tmp_path)
    assert str(told.value).startswith(str(tmp_path / FILE)) and "pw" not in str(told.value)
    with pytest.raises(WorkspaceError):
        save_fold(tmp_path, FoldRules("y"))
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert (tmp_path / FILE).read_bytes() == text.encode("utf-8", "surrogateescape")


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs", "Cf", "Co", "Cn"]), min_size=1, max_size=8
)
paths = st.lists(names, min_size=1, max_size=2).map(lambda parts: _path(parts))
types = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)


def _path(parts: list[str]) -> str:
    path = ""
    for part in parts:
        path = member(path, part)
    return path


@st.composite
def folds(draw: st.DrawFn) -> FoldRules:
    rules: list[FoldRule] = []
    for kind in draw(st.lists(types, max_size=3, unique=True)):
        for path in draw(st.lists(paths, max_size=3, unique=True)):
            for operation in draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=2, unique=True)):
                target = None if operation == "ignore" else draw(st.none() | paths)
                rules.append(FoldRule(kind, path, operation, target))
    lists = [tuple(draw(st.lists(types, max_size=2, unique=True))) for _ in range(3)]
    return FoldRules(draw(names.filter(lambda name: name not in ("inferred", "classes"))), tuple(rules), *lists)


@given(folds(), folds())
def test_that_any_fold_comes_back_as_it_was_saved(first: FoldRules, second: FoldRules) -> None:
    with TemporaryDirectory() as made:
        save_fold(Path(made), first)
        found = save_fold(Path(made), second)
        assert found == read(Path(made))
        assert _ordered(found.fold(second.name)) == _ordered(second)
        if first.name != second.name:
            assert found.fold(first.name) == first


def _ordered(fold: FoldRules) -> FoldRules:
    return replace(
        fold, rules=tuple(sorted(fold.rules, key=lambda rule: (rule.event_type, rule.attribute, rule.words)))
    )


def test_that_a_name_that_cannot_be_one_is_not_saved(tmp_path: Path) -> None:
    for name in ("", "inferred", "classes", " a", "a\nb", "x" * 81):
        with pytest.raises(UsageError):
            save_fold(tmp_path, FoldRules(name))
    assert not list(tmp_path.iterdir())


def test_that_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match=r"cannot be (read|written)"):
        save_fold(tmp_path / "file", FoldRules("a"))


def test_that_a_link_is_followed_and_the_mode_of_the_file_kept(folder: Path, tmp_path: Path) -> None:
    (folder / FILE).chmod(0o640)
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / FILE).symlink_to(folder / FILE)
    save_fold(linked, FoldRules("new"))
    assert (linked / FILE).is_symlink() and (folder / FILE).stat().st_mode & 0o777 == 0o640
    assert "new" in read(folder).folds


def test_that_the_workspace_of_a_store_is_beside_it_only_if_it_was_put_there(tmp_path: Path) -> None:
    config, store = tmp_path / "config", parse(str(tmp_path / "data" / "library.sqlite"))
    (tmp_path / "data").mkdir()
    apart = default_folder(store, config)
    assert apart.parent == config / "workspaces" and apart.name.startswith("library-")
    assert default_folder(replace(store, store="lending"), config) == apart
    assert default_folder(parse(str(tmp_path / "library.sqlite")), config) != apart
    (tmp_path / "data" / FILE).write_text("")
    assert default_folder(store, config) == tmp_path / "data"
    server = default_folder(parse("postgresql://me:secret@h/shop?schema=a"), config)
    assert server == default_folder(parse("postgresql://me@h/shop?schema=b"), config) and server.parent.parent == config


def test_that_the_readme_shows_a_file_that_is_read_and_names_every_operation(tmp_path: Path) -> None:
    text = README.read_text("utf-8")
    section = text.split("## The workspace", 1)[1].split("\n## ", 1)[0]
    example = "\n".join(line.removeprefix("    ") for line in section.splitlines() if line.startswith("    "))
    (tmp_path / FILE).write_text(example, "utf-8")
    workspace = read(tmp_path)
    assert workspace.folds and workspace.stores and not workspace.unknown
    assert all(f"`{operation}" in section for operation in OPERATIONS)
    assert set(tomllib.loads(example)) == {"version", "catalogue", "stores", "projections", "folds"}
    fold = next(iter(workspace.folds.values()))
    assert fold.rules and fold.starts and fold.ends and fold.ignores


# Projections


def test_that_projections_are_files_from_the_folder_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[projections]\nloans = "p/loans.py:Loans"\nold = {file = "p/loans.py:Loans", version = "v1.4", why = "x"}\n'
    )
    workspace = read(tmp_path)
    whole = f"{tmp_path / 'p/loans.py'}:Loans"
    assert workspace.projections == {"loans": whole, "old": f"{whole}@v1.4"}
    assert workspace.unknown == ("projections.old.why",)
    with pytest.raises(NotFound, match="there are loans, old"):
        workspace.projection("members")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("loans = 5", "projections.loans is to be file.py:Class"),
        ('loans = "loans.txt"', "projections.loans is to be file.py:Class"),
        ("loans = {}", "projections.loans.file is to be file.py:Class"),
        ('loans = {file = "a.sql", version = 2}', "projections.loans.version is to be a revision of git"),
        ('"a.py" = "a.py"', "would be taken for a file"),
        ('"table:x" = "a.py"', "would be taken for a file or a table"),
    ],
)
def test_that_projections_are_read_strictly(written: str, said: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"[projections]\n{written}\n")
    with pytest.raises(WorkspaceError, match=re.escape(said)):
        read(tmp_path)


def test_that_a_projection_is_written_by_its_place_in_the_folder(folder: Path) -> None:
    saved = save_projection(folder, "loans", f"{folder / 'loans.py'}:Loans@v2")
    assert saved.projections == {"loans": f"{folder / 'loans.py'}:Loans@v2"}
    text = (folder / FILE).read_text("utf-8")
    assert 'loans = "loans.py:Loans@v2"' in text and text.startswith(WRITTEN.rstrip("\n"))
    with pytest.raises(UsageError, match="names no projection"):
        save_projection(folder, "loans", "loans.txt")


def test_that_a_file_that_is_nested_too_deep_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for text in ("x = " + "[" * 5_000 + "]" * 5_000, "x = " + "{a = " * 5_000 + "1" + "}" * 5_000):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(WorkspaceError):
            read(tmp_path)


def test_that_keys_that_do_nothing_are_told_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / FILE).write_text("version = 1\nfolders = 3\n[rulez]\nx = 1\n")
    assert workspace_in(tmp_path).unknown == ("folders", "rulez")
    assert "folders, rulez" in capsys.readouterr().err

"""Projections by their names in a workspace, and as they were at a revision of git, from the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run
from esviewer.domain import NotFound, UsageError
from esviewer.projections.naming import named
from tests.stores.test_replay import made_store, source

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
OPENED = """
class Accounts(Projection):
    name = "accounts"
    version = {version}

    @on("Opened")
    def opened(self, event):
        self.rows[event.stream] = {{"state": "{state}"}}
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store beside a workspace, with the settings of nobody."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    source(tmp_path / "accounts.py", OPENED.format(version=1, state="new"))
    return made_store(tmp_path / "data" / "a.sqlite", [("a", 1, "Opened", {})])


def git(folder: Path, *arguments: str) -> None:
    own = ("-c", "user.name=n", "-c", "user.email=e@e", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *own, *arguments], check=True, capture_output=True, timeout=60)


def told(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, Any, str]:
    """Exit status, the JSON that was printed, and what was said on standard error."""
    status = run([*map(str, arguments), "--json"])
    out, err = capfdbinary.readouterr()
    return status, json.loads(out) if out else None, err.decode()


def test_that_a_name_is_looked_up_in_the_workspace_of_the_store_then_in_the_current_folder(
    store: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "esviewer.toml").write_text('[projections]\nmine = "accounts.py:Accounts"\n')
    status, done, _ = told(capfdbinary, "replay", str(store), "mine", "--trust")
    assert (status, done["projection"], done["rows"]["rows"]) == (0, "accounts", [{"key": "a", "state": "new"}])
    (store.parent / "esviewer.toml").write_text('[projections]\nmine = "../accounts.py"\nother = "../accounts.py"\n')
    assert told(capfdbinary, "replay", str(store), "other", "--trust")[0] == 0
    status, done, _ = told(capfdbinary, "compare", str(store), "mine", "other", "--trust")
    assert (status, done["same"], done["changed"]) == (0, 1, 0)
    chosen = ("replay", str(store), "other", "--trust", "--workspace", str(tmp_path))
    status, _, said = told(capfdbinary, *chosen)
    assert status == 2 and "no projection 'other'" in said and "there are mine" in said


def test_that_a_name_runs_nothing_without_consent(
    store: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "esviewer.toml").write_text('[projections]\nmine = "accounts.py:Accounts"\n')
    status, done, said = told(capfdbinary, "replay", str(store), "mine")
    assert status == 2 and done is None and "accounts.py:Accounts" in said and "--trust" in said


def test_that_a_broken_workspace_does_not_matter_where_a_file_is_named(
    store: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "esviewer.toml").write_text("[projections\n")
    assert told(capfdbinary, "replay", str(store), "accounts.py", "--trust")[0] == 0
    status, _, said = told(capfdbinary, "replay", str(store), "mine", "--trust")
    assert status == 2 and "is no TOML" in said


@needs_git
def test_that_a_version_comes_from_a_revision_of_git(
    store: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    git(tmp_path, "init")
    steps = tmp_path / "accounts.yaml"
    steps.write_text("handlers: {Opened: [{set: {state: \"'new'\"}}]}\n")
    git(tmp_path, "add", "accounts.py", "accounts.yaml")
    git(tmp_path, "commit", "-m", "one")
    git(tmp_path, "tag", "v1")
    before = sorted(str(path) for path in (tmp_path / ".git").rglob("*"))
    source(tmp_path / "accounts.py", OPENED.format(version=2, state="later"))
    steps.unlink()
    status, done, _ = told(capfdbinary, "compare", str(store), "accounts.py:Accounts@v1", "accounts.py", "--trust")
    assert (status, done["changed"]) == (0, 1)
    assert (done["rows"][0]["a"], done["rows"][0]["b"]) == ({"state": "new"}, {"state": "later"})
    status, done, _ = told(capfdbinary, "compare", str(store), "accounts.yaml@HEAD", "accounts.py@v1", "--trust")
    assert (status, done["same"]) == (0, 1), "also a file that is not there any more"
    assert sorted(str(path) for path in (tmp_path / ".git").rglob("*")) == before


@needs_git
def test_that_an_error_in_a_revision_has_its_line(
    store: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    git(tmp_path, "init")
    body = OPENED.format(version=1, state="new") + '        event.data["amount"] += 1\n'
    source(tmp_path / "accounts.py", body)
    git(tmp_path, "add", "accounts.py")
    git(tmp_path, "commit", "-m", "one")
    (tmp_path / "accounts.py").write_text("oops(\n")
    status, done, _ = told(capfdbinary, "replay", str(store), "accounts.py@HEAD", "--trust")
    assert (status, done["verdict"]) == (1, "failed")
    assert done["failure"]["code"] == 'event.data["amount"] += 1' and done["failure"]["file"].endswith("py@HEAD")


@needs_git
def test_that_what_git_has_not_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    with pytest.raises(UsageError, match="is in no git repository"):
        named(f"{tmp_path / 'a.py'}@HEAD")
    git(tmp_path, "init")
    (tmp_path / "b.txt").write_text("")
    git(tmp_path, "add", "b.txt")
    git(tmp_path, "commit", "-m", "one")
    with pytest.raises(NotFound, match="has no revision '--help'"):
        named(f"{tmp_path / 'a.py'}@--help")
    with pytest.raises(NotFound, match=r"There is no a\.py in .* at revision HEAD"):
        named(f"{tmp_path / 'a.py'}@HEAD")


def test_that_a_file_may_have_an_at_sign_in_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "a@b"
    folder.mkdir()
    (folder / "c@d.py").write_text("")
    (folder / "c.py@e.yaml").write_text("")
    assert named(f"{folder / 'c@d.py'}:Loans").path.name == "c@d.py"
    assert named(str(folder / "c.py@e.yaml")).kind == "steps"

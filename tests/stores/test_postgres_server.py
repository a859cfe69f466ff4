"""The server that the other tests stand on."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import shared_stores
from tests.postgres import OWNER, PostgresServer, installations, restore_with_psycopg

ROOT = Path(__file__).resolve().parents[2]
DUMPS = shared_stores.dumps() or [("missing", "missing")]
LENDING = ("es_library_pg", "es_library_pg.sql.gz")


def ask(url: str, query: str) -> Any:
    """The one value that a query gives."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def content(url: str) -> dict[str, tuple[int, int]]:
    """Rows and a sum over the text of all rows of every table that is no view or partition parent."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE relkind = 'r' AND nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY 1"
        ).fetchall()
        found = {}
        for (name,) in names:
            row = connection.execute(
                f"SELECT count(*), coalesce(sum(hashtext(t::text)), 0) FROM {name} t".encode()
            ).fetchone()
            assert row is not None
            found[name] = (int(row[0]), int(row[1]))
    return found


def test_that_a_new_database_is_empty_and_owned_by_the_ordinary_role(postgres: PostgresServer) -> None:
    url = postgres.url(postgres.create_database(), OWNER)
    assert content(url) == {}
    assert ask(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert ask(url, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()") == OWNER


def test_that_the_address_carries_parameters_of_libpq(postgres: PostgresServer) -> None:
    url = postgres.url(application_name="two words & more", options="-c search_path=elsewhere")
    assert ask(url, "SHOW application_name") == "two words & more"
    assert ask(url, "SHOW search_path") == "elsewhere"


def test_that_databases_from_one_dump_do_not_share_rows(shared_database: Callable[[str, str], str]) -> None:
    first, second = shared_database(*LENDING), shared_database(*LENDING)
    with psycopg.connect(first) as connection:
        connection.execute("DELETE FROM lending_events")
    assert ask(first, "SELECT count(*) FROM lending_events") == 0
    assert ask(second, "SELECT count(*) FROM lending_events") == 13022


def test_that_a_restored_dump_has_the_number_of_events_that_was_counted(
    shared_database: Callable[[str, str], str], answers: Callable[..., dict[str, Any]]
) -> None:
    url = shared_database(*LENDING)
    for context, known in answers(LENDING[0])["contexts"].items():
        assert ask(url, f"SELECT count(*) FROM {context}_events") == known["events"]
        assert ask(url, f"SELECT max(notification_id) FROM {context}_events") == known["last_position"]


@pytest.mark.shared
@pytest.mark.parametrize(("name", "file"), DUMPS, ids=[name for name, _ in DUMPS])
def test_that_every_dump_is_restored_alike_with_psql_and_without(
    postgres: PostgresServer, shared_database: Callable[[str, str], str], name: str, file: str
) -> None:
    with_psql = content(shared_database(name, file))
    bare = postgres.create_database()
    restore_with_psycopg(shared_stores.stored(name, file), postgres.url(bare, OWNER))
    without_psql = content(postgres.url(bare, OWNER))
    postgres.drop_database(bare)
    assert with_psql == without_psql
    assert sum(rows for rows, _ in with_psql.values()) >= shared_stores.read_answers(
        name, "answers_pg.json" if name == "emmett_shop" else "answers.json"
    ).get("events", 20030)


def test_that_a_role_that_may_only_select_cannot_insert(postgres: PostgresServer) -> None:
    database = postgres.create_database()
    with psycopg.connect(postgres.url(database, OWNER)) as connection:
        connection.execute("CREATE SCHEMA sales CREATE TABLE events (position bigint)")
        connection.execute("INSERT INTO sales.events VALUES (7)")
    url = postgres.url(database, postgres.role("only_reads", "SELECT", database))
    assert ask(url, "SELECT position FROM sales.events") == 7
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO sales.events VALUES (8)")


def test_that_stopping_breaks_connections_and_keeps_what_was_committed(postgres: PostgresServer) -> None:
    url = postgres.url(postgres.create_database(), OWNER)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE events AS SELECT 7 AS position")
    with psycopg.connect(url) as connection:
        postgres.stop()
        assert not postgres.is_running
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    postgres.start()
    assert ask(url, "SELECT position FROM events") == 7


@pytest.mark.parametrize("binaries", installations()[1:], ids=lambda folder: folder.parent.name)
def test_that_the_other_installations_serve_too(binaries: Path) -> None:
    with PostgresServer(binaries) as server:
        assert ask(server.url(server.create_database(), OWNER), "SELECT 1") == 1
        folder = server.folder
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0 or not installations(), reason="only root runs the server as another account")
def test_that_programs_out_of_reach_of_the_servers_account_are_run_from_a_copy(tmp_path: Path) -> None:
    """A clone below /root or in a private temporary folder, as CI has it."""
    original = installations()[0].parent
    package = original.parent
    hidden = tmp_path / "hidden"
    shutil.copytree(original, hidden / package.name / original.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, hidden / libraries.name)
    hidden.chmod(0o700)
    with PostgresServer(hidden / package.name / original.name / "bin") as server:
        assert ask(server.url(), "SELECT 1") == 1
    assert not server.folder.exists()


@pytest.mark.skipif(not installations(), reason="no Postgres")
def test_that_a_killed_test_run_leaves_neither_server_nor_folder_behind() -> None:
    code = (
        "import sys, time; from pathlib import Path; from tests.postgres import *\n"
        "server = PostgresServer(installations()[0]); print(server.folder, flush=True); time.sleep(600)"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while folder.exists() and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)

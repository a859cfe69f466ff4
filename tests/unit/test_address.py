"""Addresses: read as people write them, shown and kept without a secret in them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import UsageError
from esviewer.stores.address import Address, parse, without_password
from esviewer.stores.postgres import keyring_name

SECRET = "s3cr:t"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(password=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda text: f"§{text}§"))
def test_that_no_password_is_shown_or_kept(password: str) -> None:
    secret = quote(password, safe="")
    for url in (
        f"postgresql://me:{secret}@host:5433/shop",
        f"postgres://me@host/shop?password={secret}&sslmode=require",
        f"postgresql://me@host/shop?sslmode=require&PassWord={secret}&sslpassword={secret}",
    ):
        address = parse(url)
        for shown in (address.text, address.kept, repr(address), without_password(url)):
            assert secret not in shown and password not in shown
        assert secret in address.whole


@given(schema=st.none() | WORDS, store=st.none() | WORDS, database=WORDS)
def test_that_a_kept_address_is_the_same_address(schema: str | None, store: str | None, database: str) -> None:
    url = f"postgresql://me@host:5433/{quote(database, safe='')}"
    given_parts = [f"{n}={quote(v, safe='')}" for n, v in (("schema", schema), ("store", store)) if v is not None]
    address = parse(f"{url}?{'&'.join(given_parts)}")
    assert (address.schema, address.store, address.database) == (schema, store, database)
    again = parse(address.kept)
    assert (again.schema, again.store, again.url, again.kept) == (schema, store, address.url, address.kept)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me@host/shop",
        "postgresql://[::1]:5433/shop",
        "postgresql://one:5432,two:5433/shop",
        "postgresql:///shop?host=%2Fvar%2Frun%2Fpostgresql",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/shop",
        "postgresql://me@host/shop?options=-c%20search_path%3Dother",
        "postgresql://me:p%40ss%2F@host/shop",
    ],
)
def test_that_what_is_for_the_server_reaches_it_as_written(url: str) -> None:
    assert parse(url).url == url
    assert parse(url + ("&" if "?" in url else "?") + "schema=a&store=b").url == url


def test_that_the_address_of_sqlalchemy_is_read_too() -> None:
    assert parse("postgresql+psycopg://me@host/shop").url == "postgresql://me@host/shop"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://me@host/my%20shop", "my shop"),
        ("postgresql:///?dbname=shop", "shop"),
        ("postgresql://me@host", "me"),
        ("postgresql://", "postgres"),
    ],
)
def test_that_the_database_is_named_as_libpq_would_choose_it(url: str, name: str) -> None:
    assert parse(url).database == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mysql://me:s3cr:t@host/shop",
        "postgresql://me:s3cr:t/x@host/shop",
        "postgresql://me:12?s3cr:t@host/shop",
        "postgresql://me:12#s3cr:t@host/shop",
        "postgresql://me:12/s3cr:t@host/shop",
        "postgresql://me@host:s3cr:t/shop",
        "postgresql://[::1/shop",
        "postgresql://host:99999/shop",
        "host=localhost dbname=shop password=s3cr:t",
    ],
)
def test_that_what_cannot_be_read_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    sentence = str(caught.value)
    assert SECRET not in sentence and "\n" not in sentence and sentence.endswith((".", "…"))


@pytest.mark.parametrize("text", ["a.db?store=x", "sqlite:///a.db?store=x", "file:a.db?store=x"])
def test_that_files_are_read_in_every_spelling(text: str) -> None:
    assert parse(text) == Address("sqlite", "a.db", path=Path("a.db"), store="x")


def test_that_a_file_with_a_question_mark_in_its_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a?store=x").touch()
    assert parse(str(tmp_path / "a?store=x")).path == tmp_path / "a?store=x"


def test_that_the_keyring_tells_servers_and_databases_apart() -> None:
    urls = ("//me@a/x", "//me@b/x", "//me@a/y", "//you@a/x", "//me@a:1/x", "//me@a:1,b:2/x", "//me@a,b/x")
    assert len({keyring_name(f"postgresql:{url}") for url in urls}) == len(urls)
    assert keyring_name("postgresql://me@a/x") == keyring_name("postgresql://me:secret@a:5432/x")

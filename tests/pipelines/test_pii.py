"""Personal data (must hold 9): no phone number is found anywhere but in the dead letters' bytes."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
from pathlib import Path

import pytest
from homes import contact, lake_files, load_into, opened, table, write

from trunkline.pipelines.home import Home, open_home
from trunkline.settings.installation import Settings
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Faults, Spec

NUMBER = "+15535550143"
KEY = "a key for tests"
_RUN = re.compile(rb"\+?[0-9]{10,15}")


def hashed(text: str, key: str = KEY) -> str:
    """The keyed hash as the documentation states it."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def numbers_in(folder: Path) -> set[bytes]:
    """The digit runs of every phone number in simulated files, wherever it stands in a record."""
    found: set[bytes] = set()
    for path in folder.rglob("*"):
        if path.is_file():
            found |= {digits[1:] for digits in re.findall(rb"\+[1-9][0-9]{9,14}", path.read_bytes())}
    return found


def strings_of_lake(home: Home) -> bytes:
    """All values of all lake files as text."""
    texts = []
    for key in lake_files(home):
        path = str(home.settings.home / "lake" / key)
        rows = home.con.execute(f"SELECT * FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
        texts.append(repr(rows))
    return "\n".join(texts).encode()


def strings_of_tables(home: Home) -> bytes:
    """All values of warehouse and ledger as text."""
    tables = home.con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary AND NOT internal"
    ).fetchall()
    assert len(tables) >= 4
    return "\n".join(repr(home.con.execute(f'SELECT * FROM "{s}"."{t}"').fetchall()) for s, t in tables).encode()


def assert_none(numbers: set[bytes], data: bytes, where: str) -> None:
    """None of the numbers stands in the data."""
    found = [digits for digits in _RUN.findall(data) if any(number in digits for number in numbers)]
    assert found == [], where


@pytest.mark.parametrize("pii", ["hash", "drop"])
def test_no_number_is_left_anywhere(
    tmp_path: Path, pii: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """With hash and drop no phone number of a simulated day with every fault is in lake, warehouse, ledger or log."""
    caplog.set_level(logging.DEBUG)
    simulate(Spec(contacts=250, seed=5, faults=Faults.every(0.05), redacted=0.05), tmp_path / "sim")
    numbers = numbers_in(tmp_path / "sim")
    assert len(numbers) > 50
    with opened(tmp_path / "home", pii=pii) as home:
        result = load_into(home, tmp_path / "sim" / "contact-records")
        assert result.counts.dead_letter > 20
        assert_none(numbers, strings_of_lake(home), "lake")
        assert_none(numbers, strings_of_tables(home), "tables")
        assert_none(numbers, repr(result).encode(), "result")
        home.con.execute("CHECKPOINT")
    for path in (tmp_path / "home").rglob("*"):
        if path.is_file() and "_dead_letter_bytes" not in path.parts:
            assert_none(numbers, path.read_bytes(), str(path))
    printed = capfd.readouterr()
    assert_none(numbers, (caplog.text + printed.out + printed.err).encode(), "log")


def test_keep_keeps(tmp_path: Path) -> None:
    """With keep the values are what they were; so the search above can find something."""
    with opened(tmp_path / "home", pii="keep") as home:
        load_into(home, write(tmp_path / "in", contact("a")))
        (row,) = table(home)
        assert row["customer_endpoint_address"] == NUMBER
        assert row["attributes"]["Callback"] == NUMBER
        assert row["references"][0]["value"] == "mail me at ann@example.com"
        with pytest.raises(AssertionError):
            assert_none({NUMBER[1:].encode()}, strings_of_lake(home), "lake")


def test_the_hash_is_the_documented_one(tmp_path: Path) -> None:
    """HMAC-SHA-256 with the key, the first 32 hexadecimal digits; in columns, maps, nested values and unknown fields."""
    with opened(tmp_path / "home") as home:
        plain = contact("a", New={"Alt": NUMBER, "Other": 1})
        careful = contact("b", New={"Alt": NUMBER, "Other": 1}, Attributes={"Callback": NUMBER, "N": 12})
        load_into(home, write(tmp_path / "in", plain, careful))
        for row in table(home):
            assert row["customer_endpoint_address"] == hashed(NUMBER)
            assert row["attributes"]["Callback"] == hashed(NUMBER)
            assert json.loads(row["record_unmapped"]) == {"New": {"Alt": hashed(NUMBER), "Other": 1}}
            assert row["tags_references_items"]["aws:connect:systemEndpoint"] == hashed("+18005550101")
            assert row["references"][0]["value"] == hashed("mail me at ann@example.com")
            assert row["references"][0]["name"] == "n"
        assert table(home)[0]["attributes"]["Note"] == hashed("own number 15535550143 inside")
        assert table(home)[0]["attributes"]["Tier"] == "gold"


@pytest.mark.parametrize("key", ["k", "x" * 64, "y" * 65, "ü" * 50, "k" * 300])
def test_keys_of_every_length(tmp_path: Path, key: str) -> None:
    """Python and SQL agree also where HMAC pads or hashes the key."""
    with opened(tmp_path / "home", pii_key=key) as home:
        load_into(home, write(tmp_path / "in", contact("a")))
        assert table(home)[0]["customer_endpoint_address"] == hashed(NUMBER, key)


def test_two_homes_with_one_key_agree(tmp_path: Path) -> None:
    """With one key every value of every column is the same in two homes; with another key the hash of the row too."""
    records = [contact("a"), contact("b", Agent={"New": NUMBER}, Attributes={"x": NUMBER, "n": 1.50})]
    source = write(tmp_path / "in", *records)
    found = []
    for name, key in (("one", "secret"), ("two", "secret"), ("three", "other")):
        with opened(tmp_path / name, pii_key=key) as home:
            load_into(home, source)
            found.append(table(home))
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert [row["record_hash"] for row in found[0]] == [row["record_hash"] for row in found[2]]


def test_the_row_hash_tells_no_number(tmp_path: Path) -> None:
    """Two versions that differ in hidden values alone have one hash, under every rule, on every installation."""
    other = {
        "CustomerEndpoint": {"Address": "+15535550144", "Type": "TELEPHONE_NUMBER"},
        "Attributes": {"Tier": "gold", "Callback": "+15535550144", "Note": "own number 15535550144 inside"},
    }
    hashes = set()
    for pii in ("hash", "keep"):
        with opened(tmp_path / pii, pii=pii) as home:
            for number, record in enumerate((contact("a"), contact("a", **other))):
                load_into(home, write(tmp_path / f"in-{pii}-{number}", record))
                hashes |= {row["record_hash"] for row in table(home)}
    assert len(hashes) == 1


def test_exceptions_stay_as_they_are(tmp_path: Path) -> None:
    """An attribute key named in pii_exceptions keeps its value; its neighbour does not."""
    with opened(tmp_path / "home", pii_exceptions="Shop") as home:
        load_into(
            home, write(tmp_path / "in", contact("a", Attributes={"Shop": "+18005550199", "Other": "+18005550199"}))
        )
        assert table(home)[0]["attributes"] == {"Other": hashed("+18005550199"), "Shop": "+18005550199"}


def test_drop_leaves_null(tmp_path: Path) -> None:
    """With drop a hidden value is NULL, the rest of the record is there."""
    with opened(tmp_path / "home", pii="drop") as home:
        load_into(home, write(tmp_path / "in", contact("a", New={"Alt": NUMBER})))
        (row,) = table(home)
        assert row["customer_endpoint_address"] is None
        assert row["attributes"] == {"Callback": None, "Note": None, "Tier": "gold"}
        assert json.loads(row["record_unmapped"]) == {"New": {"Alt": None}}


def test_a_key_is_made_once_for_its_owner(tmp_path: Path) -> None:
    """Without a given key the home makes one, readable by its owner alone, and keeps it."""
    settings = Settings.load(tmp_path / "home", {"TRUNKLINE_THREADS": "1"})
    found = []
    for name in ("one", "two"):
        with open_home(settings) as home:
            load_into(home, write(tmp_path / name, contact(name)))
            found = [row["customer_endpoint_address"] for row in table(home)]
    path = tmp_path / "home" / "pii.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(found) == {hashed(NUMBER, path.read_text().strip())}

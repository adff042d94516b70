"""Simulations shared by the tests, and a reader of Firehose files that is independent of the loader."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from trunkline.simulator.run import Result, simulate
from trunkline.simulator.spec import Faults, Spec

START = '{"AWSAccountId"'


def _pieces(path: Path) -> Iterator[tuple[dict[str, Any] | None, bytes]]:
    """The records of one file, and None with its bytes for each span that is not a strict JSON object."""
    data = path.read_bytes()
    # One character per byte, so that offsets are bytes; each piece is checked for valid UTF-8.
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("latin-1")
    decoder = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)
    at = 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
            raw = text[at:end].encode("latin-1")
            raw.decode("utf-8")
            if not isinstance(value, dict) or b"[[[[[[" in raw:
                raise ValueError("not an object")
            yield json.loads(raw), raw
        except (ValueError, RecursionError):
            end = text.find(START, at + 1)
            end = len(text) if end < 0 else end
            yield None, text[at:end].encode("latin-1")
        at = end


def _refuse(name: str) -> None:
    raise ValueError(name)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _records(result: Result) -> list[dict[str, Any]]:
    """Every record of a simulation without faults, in order of delivery."""
    records = [record for path in result.files for record, _ in _pieces(path)]
    assert None not in records
    return [record for record in records if record is not None]


@pytest.fixture(scope="session")
def pieces() -> Callable[[Path], Iterator[tuple[dict[str, Any] | None, bytes]]]:
    """The reader of one file, as a fixture so that tests need not import this module."""
    return _pieces


@pytest.fixture(scope="session")
def records() -> Callable[[Result], list[dict[str, Any]]]:
    """The reader of a whole simulation without faults."""
    return _records


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """3,000 contacts without faults."""
    return simulate(Spec(contacts=3_000, seed=7), tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="session")
def plain_records(plain: Result) -> list[dict[str, Any]]:
    """The records of `plain`, later versions and copies included."""
    return _records(plain)


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """1,500 contacts with every kind of fault."""
    spec = Spec(contacts=1_500, seed=11, faults=Faults.every(0.04))
    return simulate(spec, tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="session")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """20,000 contacts over two working days: the size for which the headline numbers are tuned."""
    return simulate(Spec(contacts=20_000, days=2), tmp_path_factory.mktemp("two_days"))


@pytest.fixture(scope="session")
def two_days_records(two_days: Result) -> list[dict[str, Any]]:
    """The records of `two_days`."""
    return _records(two_days)

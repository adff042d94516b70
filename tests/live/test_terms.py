"""Live metrics are the declared metrics: the compiled terms against the same metrics as SQL, NULL by NULL."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC
from typing import Any

import contacts as duckdb_contacts
import msgspec
import pytest

from trunkline.errors import TerminalError
from trunkline.live.terms import LIVE_METRICS, ContactRow, compile_terms, live_terms
from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.contact import CONTACTS

METHODS = ["INBOUND", "OUTBOUND", "TRANSFER", "QUEUE_TRANSFER", "CALLBACK", "API", "NEW", None]


def random_row(rng: random.Random, number: int) -> dict[str, Any]:
    """A contact whose every column is a value or NULL, whatever the others are."""

    def maybe(value: object) -> Any:
        return value if rng.random() < 0.6 else None

    row: dict[str, Any] = {"contact_id": f"c-{number}"}
    for field in msgspec.structs.fields(ContactRow):
        if field.name.endswith("_timestamp"):
            row[field.name] = maybe(duckdb_contacts.at(rng.randrange(0, 200)))
        elif field.name.endswith("_ms"):
            row[field.name] = maybe(rng.choice((0, 19_000, 20_000, 21_000, rng.randrange(60_000))))
    return row | {
        "initiation_method": rng.choice(METHODS),
        "disconnect_reason": maybe("AGENT_DISCONNECT"),
        "disconnect_timestamp": duckdb_contacts.at(100),  # the population
        "next_contact_id": maybe("c-9"),
        "transferred_endpoint_type": rng.choice(("TELEPHONE_NUMBER", "AGENT", None)),
        "agent_number_of_holds": rng.choice((0, 1, 3, None)),
    }


def typed(row: dict[str, Any]) -> ContactRow:
    return ContactRow(**{k: v.replace(tzinfo=UTC) if k.endswith("_timestamp") and v else v for k, v in row.items()})


def test_every_metric_that_can_be_live_is() -> None:
    """All metrics of contacts but maxima and percentiles."""
    left_out = {m.shape for m in METRICS.values() if m.of is CONTACTS and m not in LIVE_METRICS}
    assert left_out == {"maximum", "percentile"}
    assert len(LIVE_METRICS) > 30


@pytest.mark.parametrize("size", [0, 1, 2, 400])
def test_terms_equal_sql(size: int) -> None:
    """Sums of the terms give what DuckDB gives for the metrics' SQL, to the last bit."""
    rng = random.Random(size)
    for _ in range(5 if 0 < size < 3 else 2):
        rows = [random_row(rng, number) for number in range(size)]
        terms = live_terms()
        sums = [0] * terms.size
        for row in rows:
            sums = [total + term for total, term in zip(sums, terms.of(typed(row), 20_000), strict=True)]
        (expected,) = duckdb_contacts.measure(duckdb_contacts.database(rows), *(m.name for m in LIVE_METRICS))
        actual = {metric.name: terms.value(metric, sums) for metric in LIVE_METRICS}
        assert actual == dict(zip(actual, expected, strict=True))


@pytest.mark.parametrize(
    "condition", ["\"a\" LIKE 'x'", "EXISTS (SELECT 1)", 'abs("queue_duration_ms") > 1 AND lower("a") = 1']
)
def test_sql_without_a_translation_is_refused(condition: str) -> None:
    """A metric that somebody adds fails here, and not with a wrong number."""
    with pytest.raises(TerminalError, match="no translation to Python"):
        compile_terms([replace(METRICS["CONTACTS_QUEUED"], condition=condition)])

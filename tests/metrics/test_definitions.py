"""Every metric by hand: small sets of contacts with the answers computed by hand from Amazon's definitions."""

from __future__ import annotations

from typing import Any

import pytest
from contacts import T0, at, database, handled, measure, queued

from trunkline.metrics.catalogue import METRICS, metrics_of, select
from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.question import Threshold

OF_CONTACTS = {metric.name: metric for metric in metrics_of(CONTACTS)}

PHONE = "TELEPHONE_NUMBER"

# Three kinds of end in queue, waits on both sides of X = 20 s and at it.
QUEUE_DAY = [
    handled(10),
    handled(20),
    handled(30),
    queued(5),
    queued(20),
    queued(40),
    queued(15, next_contact_id="c-callback"),
    queued(18, transfer_completed_timestamp=at(19)),
    queued(None),
    handled(None),
]

CASES: list[tuple[str, list[dict[str, Any]], object]] = [
    ("CONTACTS_CREATED", [{}, queued(1), handled()], 3),
    ("CONTACTS_QUEUED", QUEUE_DAY, 9),
    ("CONTACTS_HANDLED", [{}, queued(1), handled(), handled(3, initiation_method="OUTBOUND")], 2),
    (
        "CONTACTS_HANDLED_INCOMING",
        [handled(initiation_method=m) for m in ("INBOUND", "TRANSFER", "QUEUE_TRANSFER", "API", "CALLBACK", None)]
        + [{}],
        3,
    ),
    (
        "CONTACTS_HANDLED_OUTBOUND",
        [handled(initiation_method="OUTBOUND"), handled(), {"initiation_method": "OUTBOUND"}],
        1,
    ),
    ("CALLBACK_CONTACTS_HANDLED", [handled(initiation_method="CALLBACK"), queued(1, initiation_method="CALLBACK")], 1),
    ("API_CONTACTS_HANDLED", [handled(initiation_method="API"), handled(1), {"initiation_method": "API"}], 1),
    ("CONTACTS_ABANDONED", QUEUE_DAY, 4),
    ("SUM_CONTACTS_ABANDONED_IN_X", QUEUE_DAY, 1),
    ("ABANDONMENT_RATE", QUEUE_DAY, 4 * 100 / 9),
    ("ABANDONMENT_RATE", [handled()], None),
    ("SUM_CONTACTS_ANSWERED_IN_X", [*QUEUE_DAY, handled(queue_duration_ms=1000)], 1),
    ("CONTACTS_REMOVED_FROM_QUEUE_IN_X", QUEUE_DAY, 4),
    ("SERVICE_LEVEL", QUEUE_DAY, 4 * 100 / 9),
    ("SERVICE_LEVEL", [handled()], None),
    ("SERVICE_LEVEL_ANSWERED", QUEUE_DAY, 2 * 100 / 9),
    ("SERVICE_LEVEL_ANSWERED", [{}], None),
    ("AVG_QUEUE_ANSWER_TIME", [*QUEUE_DAY, handled(queue_duration_ms=99_000)], 20.0),
    ("AVG_QUEUE_ANSWER_TIME", [queued(5)], None),
    ("AVG_ABANDON_TIME", QUEUE_DAY, 65 / 3),
    ("AVG_ABANDON_TIME", [handled(5), queued(None)], None),
    ("MAX_QUEUED_TIME", QUEUE_DAY, 40.0),
    ("MAX_QUEUED_TIME", [queued(None), {}], None),
    (
        "CONTACTS_TRANSFERRED_IN",
        [{"initiation_method": m} for m in ("TRANSFER", "QUEUE_TRANSFER", "INBOUND", None)],
        2,
    ),
    ("CONTACTS_TRANSFERRED_OUT", [{"transfer_completed_timestamp": at(9)}, {"transferred_endpoint_type": PHONE}], 1),
    (
        "CONTACTS_TRANSFERRED_OUT_INTERNAL",
        [
            {"transfer_completed_timestamp": at(9)},
            {"transfer_completed_timestamp": at(9), "transferred_endpoint_type": "VOIP"},
            {"transfer_completed_timestamp": at(9), "transferred_endpoint_type": PHONE},
            {"transferred_endpoint_type": "VOIP"},
        ],
        2,
    ),
    (
        "CONTACTS_TRANSFERRED_OUT_EXTERNAL",
        [
            {"transfer_completed_timestamp": at(9), "transferred_endpoint_type": PHONE},
            {"transfer_completed_timestamp": at(9)},
            {"transferred_endpoint_type": PHONE},
        ],
        1,
    ),
    (
        "AVG_HANDLE_TIME",
        [
            handled(
                agent_interaction_duration_ms=60_000,
                agent_customer_hold_duration_ms=10_000,
                agent_after_contact_work_duration_ms=5_000,
                agent_pause_duration_ms=1_000,
            ),
            handled(agent_pause_duration_ms=2_000),
            handled(),
        ],
        39.0,
    ),
    ("AVG_HANDLE_TIME", [handled(), {}], None),
    (
        "SUM_HANDLE_TIME",
        [handled(agent_interaction_duration_ms=1500), {"agent_pause_duration_ms": 500}, handled()],
        2.0,
    ),
    ("SUM_HANDLE_TIME", [handled()], None),
    (
        "AVG_INTERACTION_TIME",
        [handled(agent_interaction_duration_ms=3000), handled(), {"agent_interaction_duration_ms": 9000}],
        3.0,
    ),
    ("SUM_INTERACTION_TIME", [handled(agent_interaction_duration_ms=3000)] * 3, 9.0),
    (
        "AVG_HOLD_TIME",
        [
            handled(agent_customer_hold_duration_ms=6000),
            handled(agent_customer_hold_duration_ms=0),
            handled(),
            {"agent_customer_hold_duration_ms": 9000},
        ],
        3.0,
    ),
    ("AVG_HOLD_TIME_ALL_CONTACTS", [handled(agent_customer_hold_duration_ms=6000), handled(), handled(), {}], 6.0),
    (
        "AVG_HOLD_TIME_ALL_CONTACTS",
        [
            handled(agent_customer_hold_duration_ms=6000),
            handled(agent_customer_hold_duration_ms=0, agent_number_of_holds=1),
            handled(agent_number_of_holds=2),
            {"agent_customer_hold_duration_ms": 9000},
        ],
        3.0,
    ),
    ("AVG_HOLD_TIME_ALL_CONTACTS", [handled(agent_number_of_holds=2), {}], None),
    ("AVG_HOLDS", [handled(agent_number_of_holds=3), handled(), {"agent_number_of_holds": 9}], 4.0),
    ("AVG_HOLDS", [handled(agent_number_of_holds=1), {}, {}, queued(4)], 0.25),
    ("AVG_HOLDS", [{}], 0.0),
    ("CONTACTS_PUT_ON_HOLD", [handled(agent_number_of_holds=n) for n in (0, 1, 2, None)], 2),
    (
        "AVG_AFTER_CONTACT_WORK_TIME",
        [handled(agent_after_contact_work_duration_ms=9000), handled(), {}, queued(4)],
        4.5,
    ),
    (
        "AVG_AFTER_CONTACT_WORK_TIME",
        [{"agent_after_contact_work_duration_ms": 9000}, handled(), handled(agent_after_contact_work_duration_ms=3000)],
        4.0,
    ),
    ("SUM_AFTER_CONTACT_WORK_TIME", [handled(agent_after_contact_work_duration_ms=9000), handled(), {}], 9.0),
    ("SUM_AFTER_CONTACT_WORK_TIME", [{}], None),
    ("AVG_CONTACT_DURATION", [{}, {"disconnect_timestamp": at(50)}, {"initiation_timestamp": None}], 75.0),
    (
        "SUM_CONTACT_FLOW_TIME",
        [
            queued(5, connected_to_system_timestamp=T0, transfer_completed_timestamp=at(60)),
            {"connected_to_system_timestamp": T0, "transfer_completed_timestamp": at(20)},
            {"connected_to_system_timestamp": T0, "initiation_method": "API"},
            {"connected_to_system_timestamp": at(200)},
            {"connected_to_system_timestamp": T0, "initiation_method": "OUTBOUND"},
            {},
        ],
        121.0,
    ),
    ("SUM_CONTACT_FLOW_TIME", [{}], 0.0),
    ("SUM_CONTACT_FLOW_TIME", [{"initiation_method": "OUTBOUND"}, {"initiation_method": None}], None),
    (
        "AVG_RESOLUTION_TIME",
        [
            handled(agent_after_contact_work_end_timestamp=at(150)),
            handled(agent_after_contact_work_end_timestamp=at(50)),
            {"initiation_timestamp": at(500)},
            {"initiation_timestamp": None},
        ],
        250 / 3,
    ),
    (
        "CONTACTS_AGENT_HUNG_UP_FIRST",
        [
            handled(disconnect_reason="AGENT_DISCONNECT"),
            handled(disconnect_reason="CUSTOMER_DISCONNECT"),
            handled(),
            {"disconnect_reason": "AGENT_DISCONNECT"},
        ],
        1,
    ),
    ("QUEUE_WAIT_TIME_P50", [*QUEUE_DAY, {"queue_duration_ms": 1}], 18.0),
    ("QUEUE_WAIT_TIME_P90", QUEUE_DAY, 40.0),
    ("QUEUE_WAIT_TIME_P95", [queued(float(n)) for n in range(1, 41)], 38.0),
    ("QUEUE_WAIT_TIME_P50", [queued(None), {}], None),
    ("HANDLE_TIME_P50", [handled(agent_pause_duration_ms=n) for n in (4000, 1000, 3000, 2000)], 2.0),
    ("HANDLE_TIME_P90", [handled(agent_interaction_duration_ms=n * 1000) for n in range(10)], 8.0),
    ("HANDLE_TIME_P95", [handled(agent_interaction_duration_ms=1000), handled()], 1.0),
]


@pytest.mark.parametrize(("name", "contacts", "expected"), CASES, ids=[f"{n}-{i}" for i, (n, _, _) in enumerate(CASES)])
def test_metric_has_the_value_computed_by_hand(name: str, contacts: list[dict[str, Any]], expected: object) -> None:
    """The value is exactly the one computed by hand, with the type of its unit."""
    rows = measure(database(contacts), name)
    assert rows == [(expected,)]
    assert type(rows[0][0]) is type(expected)


def test_every_metric_is_computed_at_least_once() -> None:
    """No metric is without a case above."""
    assert {name for name, _, _ in CASES} == set(OF_CONTACTS)


def test_open_contacts_are_in_no_metric() -> None:
    """A contact without a disconnect time counts nowhere."""
    open_contact = handled(5, disconnect_timestamp=None, agent_interaction_duration_ms=1000)
    (row,) = measure(database([open_contact]), *OF_CONTACTS)
    assert row == measure(database([]), *OF_CONTACTS)[0]
    assert all(value in (0, None) for value in row)


def test_nothing_measured_is_null_and_nothing_counted_is_zero() -> None:
    """Without contacts, counts are 0 and everything else is NULL."""
    (row,) = measure(database([]), *OF_CONTACTS)
    assert dict(zip(OF_CONTACTS, row, strict=True)) == {
        name: 0 if metric.shape == "count" else None for name, metric in OF_CONTACTS.items()
    }


def test_x_is_strict_for_amazons_metrics_and_inclusive_for_the_reference_query() -> None:
    """A wait of exactly X is outside "in X", inside the answered-only service level, also for parts of a second."""
    contacts = database([handled(20), queued(20), handled(0.5)])
    names = ("SUM_CONTACTS_ANSWERED_IN_X", "SUM_CONTACTS_ABANDONED_IN_X", "SERVICE_LEVEL", "SERVICE_LEVEL_ANSWERED")
    assert measure(contacts, *names, x=20) == [(1, 0, 100 / 3, 200 / 3)]
    assert measure(contacts, *names, x=20.001) == [(2, 1, 100.0, 200 / 3)]
    assert measure(contacts, *names, x=0.5) == [(0, 0, 0.0, 100 / 3)]


def test_x_of_a_queue_goes_by_id_before_name() -> None:
    """Each contact is compared with its own queue's X: by id, else by name, else the default."""
    contacts = database(
        [
            handled(15, queue_id="q-1", queue_name="Sales"),
            handled(15, queue_id="q-2", queue_name="Sales"),
            handled(15, queue_id="q-3", queue_name="O'Brien's"),
            handled(15, queue_id=None, queue_name=None),
        ]
    )
    x = Threshold(10, {"q-1": 10, "Sales": 20, "O'Brien's": 30})
    rows = measure(contacts, "SUM_CONTACTS_ANSWERED_IN_X", by=("queue",), x=x)
    assert rows == [("q-1", "Sales", 0), ("q-2", "Sales", 1), ("q-3", "O'Brien's", 1), (None, None, 0)]


def test_metrics_that_share_a_value_have_one_expression() -> None:
    """The name of a value per contact stands for one expression only, so one query may compute it once."""
    stated: dict[str, str] = {}
    for metric in METRICS.values():
        if metric.value:
            assert stated.setdefault(metric.value_column, metric.value) == metric.value
        assert ('"x_ms"' in metric.condition) == metric.takes_x


def test_metrics_name_their_approximation() -> None:
    """Every metric made of the abandoned condition names the field that the export lacks."""
    for name in ("CONTACTS_ABANDONED", "SUM_CONTACTS_ABANDONED_IN_X", "ABANDONMENT_RATE", "AVG_ABANDON_TIME"):
        assert "PreDisconnectState" in METRICS[name].approximation
    assert select(["avg_handle_time"]) == (METRICS["AVG_HANDLE_TIME"],)

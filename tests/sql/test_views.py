"""The statistics view: columns, flags and times computed by hand. `sql/<engine>/` has its SQL."""

from __future__ import annotations

import pytest
from contacts import T0, at, database, handled, queued

from trunkline.objects.contact_statistic_record import CONTACT_STATISTIC_RECORD

FLAGS = [column.name for column in CONTACT_STATISTIC_RECORD.columns if column.name.startswith("is_")]


def test_the_view_has_amazons_48_columns_and_types() -> None:
    """48 columns, flags BIGINT, and what the export cannot give NULL of the right type."""
    described = database([]).execute("DESCRIBE connect_datalake.contact_statistic_record").fetchall()
    types = {row[0]: row[1] for row in described}
    assert len(types) == 48
    assert all(types[flag] == "BIGINT" for flag in FLAGS)
    assert types["data_lake_last_processed_timestamp"] == "TIMESTAMP"
    wanted = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "bigint": "BIGINT"}
    assert types == {column.name: wanted[column.type] for column in CONTACT_STATISTIC_RECORD.columns}


def test_flags_are_one_or_zero_never_null() -> None:
    """A contact with nothing in it has 0 in every flag but those the export cannot give."""
    (row,) = (
        database([{"initiation_method": None}])
        .execute(f"SELECT {', '.join(FLAGS)} FROM connect_datalake.contact_statistic_record")
        .fetchall()
    )
    absent = {"is_hold_disconnect", "is_hold_agent_disconnect", "is_hold_customer_disconnect"}
    assert dict(zip(FLAGS, row, strict=True)) == {flag: None if flag in absent else 0 for flag in FLAGS}


@pytest.mark.parametrize(
    ("contact", "flags"),
    [
        (queued(5), "is_incoming is_queued is_abandoned"),
        (queued(5, next_contact_id="c"), "is_incoming is_queued"),
        (
            queued(5, transfer_completed_timestamp=at(9)),
            "is_incoming is_queued is_transferred_out is_transferred_out_from_queued is_transferred_out_internal",
        ),
        (
            handled(5, disconnect_reason="AGENT_DISCONNECT", agent_number_of_holds=1, connected_to_system_timestamp=T0),
            (
                "is_connected is_queued is_handled is_queued_and_handled is_incoming is_handled_incoming"
                " is_agent_hung_up_first is_put_on_hold"
            ),
        ),
        (handled(initiation_method="OUTBOUND"), "is_handled is_handled_outbound"),
        (handled(initiation_method="CALLBACK"), "is_handled is_callback_handled is_callback_contact"),
        (handled(initiation_method="API"), "is_handled is_api_handled is_api_contact"),
        (
            {"initiation_method": "TRANSFER"},
            "is_incoming is_transferred_in is_transferred_in_from_handled",
        ),
        (
            {"initiation_method": "QUEUE_TRANSFER"},
            "is_incoming is_transferred_in is_transferred_in_from_queued",
        ),
        (
            {"transfer_completed_timestamp": at(9), "transferred_endpoint_type": "TELEPHONE_NUMBER"},
            "is_incoming is_transferred_out is_transferred_out_external is_transferred_out_external_from_contact_flow",
        ),
        (
            handled(transfer_completed_timestamp=at(9), transferred_endpoint_type="TELEPHONE_NUMBER"),
            (
                "is_handled is_incoming is_handled_incoming is_transferred_out is_transferred_out_external"
                " is_transferred_out_from_handled"
            ),
        ),
    ],
)
def test_flags_of_a_contact(contact: dict[str, object], flags: str) -> None:
    """Exactly the flags that its fields give a contact are 1."""
    (row,) = (
        database([contact])
        .execute(f"SELECT {', '.join(FLAGS)} FROM connect_datalake.contact_statistic_record")
        .fetchall()
    )
    assert {flag for flag, value in zip(FLAGS, row, strict=True) if value} == set(flags.split())


def test_times_of_contacts() -> None:
    """Times are milliseconds and NULL where the rule has none; three terms of handle time, without pauses."""
    rows = (
        database(
            [
                handled(
                    7,
                    connected_to_system_timestamp=T0,
                    initiation_method="OUTBOUND",
                    agent_interaction_duration_ms=4000,
                    agent_pause_duration_ms=9000,
                ),
                queued(5, connected_to_system_timestamp=T0, agent_after_contact_work_duration_ms=None),
                {"queue_duration_ms": 3000, "connected_to_system_timestamp": at(300)},
            ]
        )
        .execute(
            "SELECT contact_flow_time_ms, queue_time_ms, abandon_time_ms, queue_answer_time_ms, handle_time_ms,"
            " agent_interaction_outbound_time_ms, agent_interaction_and_hold_time_ms, after_contact_work_time_ms,"
            " after_contact_work_outbound_time_ms FROM connect_datalake.contact_statistic_record ORDER BY contact_id"
        )
        .fetchall()
    )
    assert rows == [
        (None, 7000, None, 7000, 4000, 4000, 4000, 0, 0),
        (1000, 5000, 5000, None, None, None, None, None, None),
        (0, None, None, None, None, None, None, None, None),
    ]

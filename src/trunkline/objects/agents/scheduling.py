"""`staff_shifts`, `staff_shift_activities` and `shift_activities`: when agents were scheduled, and for what.

Tables of the Amazon Connect analytics data lake (administrator guide, "Scheduling data"). Connect exports no schedules
otherwise: rows are loaded from files of a query on that lake, or of another workforce management, whose keys are the
columns' names. As in Amazon's tables, every version of a shift and of an activity type is a row.
"""

from __future__ import annotations

from typing import Final

from trunkline.objects.model import RECORD_COLUMNS, Column, Notation, Object, Pii, Type

_DATABASE: Final = "connect_datalake"
_IN_UTC: Final = Notation(zone="UTC")
"""Athena writes times without an offset."""


def _col(table: str, name: str, meaning: str, type_: Type = "text", *, nullable: bool = True, pii: Pii = "none",
         unit: str | None = None) -> Column:  # fmt: skip
    is_time = type_ == "timestamp"
    notation = _IN_UTC if is_time else Notation()
    return Column(name, type_, (name,), meaning, "UTC" if is_time else unit, nullable, pii=pii, notation=notation,
                  source=f"Amazon Connect data lake, {table}")  # fmt: skip


def _object(table: str, warehouse_table: str, grain: str, key: tuple[str, ...], columns: tuple[Column, ...]) -> Object:
    last = (
        _col(table, "instance_arn", "The instance's ARN."),
        _col(table, "is_deleted", "Whether this version says that it is deleted. NULL counts as false.", "boolean"),
        _col(table, "last_updated_timestamp", "When this version was made; which copy of it is newer.", "timestamp"),
        _col(table, "data_lake_last_processed_timestamp", "Internal to Amazon's lake. NULL where a file lacks it.",
             "timestamp"),
    )  # fmt: skip
    return Object(
        name=table,
        database=_DATABASE,
        warehouse_table=warehouse_table,
        grain=grain,
        key=("instance_id", *key),
        version="last_updated_timestamp",
        event_time="last_updated_timestamp",
        partition="last_updated_timestamp",
        delete_rule="Never: what is deleted has a newer version with is_deleted.",
        columns=(
            _col(table, "instance_id", "The Connect instance; part of the key.", nullable=False),
            *columns,
            *last,
            *RECORD_COLUMNS,
        ),
        anchor=key[0],
        source="Amazon Connect administrator guide, scheduling data in the analytics data lake",
    )


_S, _A, _T = "staff_shifts", "staff_shift_activities", "shift_activities"

STAFF_SHIFTS: Final = _object(
    _S,
    "connect.f_staff_shifts",
    "One row per version of a shift of an agent.",
    ("shift_id", "shift_version"),
    (
        _col(_S, "shift_id", "The shift; part of the key.", nullable=False),
        _col(_S, "shift_version", "The shift's version; the greatest is valid. Part of the key.", "bigint",
             nullable=False),
        _col(_S, "agent_arn", "The agent's ARN, as in agent_event."),
        _col(_S, "shift_start_timestamp", "When the shift begins.", "timestamp"),
        _col(_S, "shift_end_timestamp", "When it ends.", "timestamp"),
        _col(_S, "created_timestamp", "When the shift was created.", "timestamp"),
    ),
)  # fmt: skip

STAFF_SHIFT_ACTIVITIES: Final = _object(
    _A,
    "connect.f_staff_shift_activities",
    "One row per scheduled activity of a version of a shift.",
    ("shift_id", "shift_version", "activity_id"),
    (
        _col(_A, "shift_id", "The shift; part of the key.", nullable=False),
        _col(_A, "shift_version", "The shift's version; part of the key.", "bigint", nullable=False),
        _col(_A, "activity_id", "The scheduled activity; part of the key.", nullable=False),
        _col(_A, "activity_start_timestamp", "When the activity begins.", "timestamp"),
        _col(_A, "activity_end_timestamp", "When it ends.", "timestamp"),
        _col(_A, "shift_activity_arn", "What is scheduled: the ARN in shift_activities. NULL means work."),
        _col(_A, "activity_status", "INACTIVE where time off is in its place. NULL or another value else."),
        _col(_A, "is_overtime", "Whether it is overtime.", "boolean"),
    ),
)  # fmt: skip

SHIFT_ACTIVITIES: Final = _object(
    _T,
    "connect.d_shift_activities",
    "One row per version of an activity type that can be scheduled, such as a break.",
    ("shift_activity_arn", "shift_activity_version"),
    (
        _col(_T, "shift_activity_arn", "The activity type; part of the key.", nullable=False),
        _col(_T, "shift_activity_version", "Its version; the greatest is valid. Part of the key.", "bigint",
             nullable=False),
        _col(_T, "shift_activity_name", "Its name."),
        _col(_T, "type", "PRODUCTIVE, NON_PRODUCTIVE or LEAVE."),
        _col(_T, "sub_type", "BREAK_OR_MEAL or NONE, of a NON_PRODUCTIVE type. NULL of others."),
        _col(_T, "is_adherence_tracked", "Whether adherence to it is measured.", "boolean"),
        _col(_T, "is_paid", "Whether its time is paid.", "boolean"),
        _col(_T, "last_updated_by", "The ARN of the user who changed it last."),
    ),
)  # fmt: skip

"""Metrics of contacts as sums that change with every contact: the declared metrics, compiled to Python.

The condition and value of each metric are those that `sql/metric_query.py` makes queries of, so that a live number and
the same number of the warehouse agree by construction once the contact records have arrived. Every metric whose number
is a quotient of sums is here; a maximum or percentile is not, since a contact cannot be taken out of it again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec

from trunkline.errors import TerminalError
from trunkline.metrics.catalogue import METRICS
from trunkline.metrics.contact import CONTACTS
from trunkline.metrics.model import Metric

Node: TypeAlias = Any
"""An expression as sqlglot parses it; its classes differ in their attributes."""
ADDITIVE: Final = ("count", "rate", "sum", "average")
LIVE_METRICS: Final = tuple(m for m in METRICS.values() if m.of is CONTACTS and m.shape in ADDITIVE)
"""The metrics that are live, in the catalogue's order."""

_MILLISECOND: Final = timedelta(milliseconds=1)


class ContactRow(msgspec.Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """The columns of a contact that metrics read, as `contact_record` has them: times UTC, durations milliseconds."""

    contact_id: str
    channel: str | None = None
    initiation_method: str | None = None
    disconnect_reason: str | None = None
    next_contact_id: str | None = None
    initiation_timestamp: datetime | None = None
    connected_to_system_timestamp: datetime | None = None
    disconnect_timestamp: datetime | None = None
    transfer_completed_timestamp: datetime | None = None
    transferred_endpoint_type: str | None = None
    queue_arn: str | None = None
    queue_name: str | None = None
    queue_enqueue_timestamp: datetime | None = None
    queue_duration_ms: int | None = None
    agent_arn: str | None = None
    agent_connected_to_agent_timestamp: datetime | None = None
    agent_interaction_duration_ms: int | None = None
    agent_customer_hold_duration_ms: int | None = None
    agent_number_of_holds: int | None = None
    agent_pause_duration_ms: int | None = None
    agent_after_contact_work_duration_ms: int | None = None
    agent_after_contact_work_end_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """`of(row, x_ms)` gives the summands of a contact, whole numbers; a metric's value comes from their sums."""

    of: Callable[[ContactRow, float], tuple[int, ...]]
    size: int
    places: dict[str, tuple[int, int | None]]

    def value(self, metric: Metric, sums: Sequence[int]) -> int | float | None:
        """The metric of summed summands: seconds, percent or a count. None as the metric's rule for NULL says."""
        top, base = self.places[metric.name]
        if metric.shape == "count":
            return sums[top]
        if base is None or not sums[base]:
            return None
        if metric.shape == "rate":
            return float(sums[top]) * 100 / sums[base]
        if metric.shape == "sum":
            return float(sums[top]) / 1000
        return float(sums[top]) / (sums[base] * (1000.0 if metric.unit == "seconds" else 1.0))


@cache
def live_terms() -> Terms:
    """The terms of LIVE_METRICS."""
    return compile_terms(LIVE_METRICS)


def compile_terms(metrics: Sequence[Metric]) -> Terms:
    """One function for all of these metrics. Raises TerminalError for SQL that has no meaning here."""
    lines: list[str] = []
    slots: dict[str, int] = {}
    size = 0

    def slot(code: str, width: int) -> int:
        nonlocal size
        if code not in slots:
            slots[code] = size
            size += width
            lines.append(code)
        return slots[code]

    places: dict[str, tuple[int, int | None]] = {}
    for metric in metrics:
        if metric.shape in ("count", "rate"):
            top = slot(f"(1 if {_true(_parsed(metric.condition))} else 0),", 1)
            base = slot(f"(1 if {_true(_parsed(metric.base))} else 0),", 1) if metric.shape == "rate" else None
            places[metric.name] = top, base
        else:
            top = slot(f"*_summand({_value(_parsed(metric.value))}),", 2)
            places[metric.name] = top, top + 1
    body = "\n".join(f"        {line}" for line in lines)
    source = f"def of(row, x_ms):\n    return (\n{body}\n    )\n"
    scope: dict[str, Any] = {"_summand": _summand, "_ms_between": _ms_between, "_add": _add}
    # The source is made of declared metrics alone, by the functions below, which refuse what they do not know.
    exec(compile(source, "<live terms>", "exec"), scope)  # noqa: S102
    return Terms(scope["of"], size, places)


def _summand(value: int | None) -> tuple[int, int]:
    return (0, 0) if value is None else (value, 1)


def _ms_between(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else (end - start) // _MILLISECOND


def _add(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


def _parsed(text: str) -> Node:
    import sqlglot

    return sqlglot.parse_one(text, read="duckdb")


_COMPARISONS: Final = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "==", "NEQ": "!="}


def _true(node: Node) -> str:
    """Python that is true where SQL's condition is true; SQL's NULL is not true."""
    return _condition(node, is_wanted=True)


def _condition(node: Node, *, is_wanted: bool) -> str:
    """Python that is true where the condition is true, or false if that is wanted; never where it is NULL."""
    kind = type(node).__name__
    if kind == "Paren":
        return f"({_condition(node.this, is_wanted=is_wanted)})"
    if kind == "Not":
        return _condition(node.this, is_wanted=not is_wanted)
    if kind in ("And", "Or"):
        word = "and" if (kind == "And") is is_wanted else "or"
        left, right = (_condition(part, is_wanted=is_wanted) for part in (node.left, node.right))
        return f"({left} {word} {right})"
    if kind == "Is" and type(node.expression).__name__ == "Null":
        return f"{_value(node.this)} is {'' if is_wanted else 'not '}None"
    if kind == "In" and not node.args.get("query"):
        members = ", ".join(_value(member) for member in node.expressions)
        name = _value(node.this)
        return f"({name} is not None and {name} {'' if is_wanted else 'not '}in ({members},))"
    if kind in _COMPARISONS:
        left, right = _value(node.left), _value(node.right)
        sides = ((node.left, left), (node.right, right))
        known = " and ".join(f"{code} is not None" for side, code in sides if not _is_known(side))
        test = f"{left} {_COMPARISONS[kind]} {right}"
        test = test if is_wanted else f"not {test}"
        return f"({known} and {test})" if known else f"({test})"
    raise TerminalError(f"a live metric has the condition {node.sql()!r}, which has no translation to Python.")


def _is_known(node: Node) -> bool:
    """Whether a value is never NULL: a literal or X."""
    return type(node).__name__ == "Literal" or (type(node).__name__ == "Column" and node.name == "x_ms")


def _value(node: Node) -> str:
    """Python for a value; SQL's NULL is None."""
    kind = type(node).__name__
    if kind == "Paren":
        return f"({_value(node.this)})"
    if kind == "Column":
        return "x_ms" if node.name == "x_ms" else f"row.{node.name}"
    if kind == "Literal":
        return repr(node.this) if node.is_string else node.this
    if kind == "Null":
        return "None"
    if kind == "Add":
        return f"_add({_value(node.left)}, {_value(node.right)})"
    if kind == "Coalesce":
        first, *others = (_value(part) for part in (node.this, *node.expressions))
        return (
            f"({first} if {first} is not None else {others[0]})" if len(others) == 1 else _coalesced([first, *others])
        )
    if kind == "Case" and node.this is None:
        otherwise = node.args.get("default")
        code = "None" if otherwise is None else _value(otherwise)
        for arm in reversed(node.args["ifs"]):
            code = f"({_value(arm.args['true'])} if {_true(arm.this)} else {code})"
        return code
    if kind == "Anonymous" and node.name == "MS_BETWEEN":
        return f"_ms_between({', '.join(_value(part) for part in node.expressions)})"
    raise TerminalError(f"a live metric has the value {node.sql()!r}, which has no translation to Python.")


def _coalesced(parts: Sequence[str]) -> str:
    code = parts[-1]
    for part in reversed(parts[:-1]):
        code = f"({part} if {part} is not None else {code})"
    return code

"""Metrics of schedule adherence. Source: Amazon's metric definitions, and its page on schedule adherence.

They are about scheduled activities to which adherence is tracked: of an agent without a schedule they are NULL.
"""

from __future__ import annotations

from typing import Final

from trunkline.metrics.model import Metric, Population, share, time
from trunkline.objects.agents.adherence import AGENT_ADHERENCE

SCHEDULED_INTERVALS: Final = Population(
    AGENT_ADHERENCE,
    "interval_start_time",
    "scheduled interval",
    "agents' scheduled activities by quarter of an hour, by its begin",
)
_ADHERES: Final = "Available in a productive activity, and Offline or in a custom status in a non-productive one"
_DEFAULT_RULE: Final = (
    "Where no event says anything, an agent counts as Offline. Connect does not export which statuses are mapped to "
    "an activity, nor thresholds, so that its default rule holds."
)

ADHERENCE_METRICS: Final[tuple[Metric, ...]] = (
    time(
        SCHEDULED_INTERVALS,
        "sum",
        "AGENT_SCHEDULED_TIME",
        "Scheduled time",
        "Time for which agents were scheduled, productive or not, in activities to which adherence is tracked.",
        '"scheduled_ms"',
        "Time before the first agent event of the instance and after its last is left out.",
    ),
    time(
        SCHEDULED_INTERVALS,
        "sum",
        "AGENT_ADHERENT_TIME",
        "Adherent time",
        f"Scheduled time in which agents were {_ADHERES}.",
        '"adherent_ms"',
        _DEFAULT_RULE,
    ),
    time(
        SCHEDULED_INTERVALS,
        "sum",
        "AGENT_NON_ADHERENT_TIME",
        "Non-adherent time",
        "Scheduled time that is not adherent time.",
        '"non_adherent_ms"',
        _DEFAULT_RULE,
    ),
    share(
        SCHEDULED_INTERVALS,
        "AGENT_SCHEDULE_ADHERENCE",
        "Adherence",
        "Adherent time as a share of scheduled time.",
        '"adherent_ms"',
        '"scheduled_ms"',
        _DEFAULT_RULE,
    ),
)

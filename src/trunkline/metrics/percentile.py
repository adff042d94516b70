"""Percentiles of waiting and handling, which Amazon does not give. Ours.

Nearest rank, discrete: of n values the ceil(p * n)-th smallest, so always a value that some contact had.
"""

from __future__ import annotations

from typing import Final

from trunkline.metrics.model import AVERAGE_NULL, Metric
from trunkline.objects.contact_rules import HANDLE_MS, QUEUE_TIME_MS

PERCENTS: Final = (50, 90, 95)
OURS: Final = "Trunkline; nearest-rank percentile of the value that Amazon's average is over"


def _percentiles(prefix: str, title: str, description: str, value: str) -> tuple[Metric, ...]:
    return tuple(
        Metric(
            f"{prefix}_P{percent}",
            f"{title}, {percent}th percentile",
            f"The time that {percent} % of contacts did not exceed. {description}",
            "seconds",
            "percentile",
            AVERAGE_NULL,
            source=OURS,
            value=value,
            percent=percent,
        )
        for percent in PERCENTS
    )


PERCENTILE_METRICS: Final[tuple[Metric, ...]] = (
    *_percentiles(
        "QUEUE_WAIT_TIME",
        "Queue wait time",
        "Time in queue of all queued contacts that have one, however the wait ended.",
        QUEUE_TIME_MS,
    ),
    *_percentiles(
        "HANDLE_TIME",
        "Handle time",
        "Interaction, hold, after contact work and agent pause; a contact without any of the four is left out.",
        HANDLE_MS,
    ),
)

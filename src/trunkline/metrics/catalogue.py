"""All metrics by Amazon's name, in the order in which they are listed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from trunkline.errors import UsageError
from trunkline.metrics.adherence import ADHERENCE_METRICS
from trunkline.metrics.agent import AGENT_METRICS
from trunkline.metrics.contact import CONTACT_METRICS, HANDLE_METRICS, HANDLE_PERCENTILES
from trunkline.metrics.model import Metric, Population
from trunkline.metrics.queue import QUEUE_METRICS, QUEUE_PERCENTILES

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        *CONTACT_METRICS,
        *QUEUE_METRICS,
        *HANDLE_METRICS,
        *QUEUE_PERCENTILES,
        *HANDLE_PERCENTILES,
        *AGENT_METRICS,
        *ADHERENCE_METRICS,
    )
}


def metrics_of(of: Population) -> tuple[Metric, ...]:
    """All metrics about these rows: those that one query can have."""
    return tuple(metric for metric in METRICS.values() if metric.of == of)


def select(names: Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of these names, in any case, in this order.

    Raises UsageError for an unknown or repeated name.
    """
    chosen: list[Metric] = []
    for name in names:
        metric = METRICS.get(name.upper())
        if metric is None:
            near = difflib.get_close_matches(name.upper(), METRICS, n=1)
            guess = f"did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"metric {name!r} is not known; {guess}valid: {', '.join(METRICS)}. See `trunkline metric list`."
            )
        if metric in chosen:
            raise UsageError(f"metric {metric.name} is named twice; name it once.")
        chosen.append(metric)
    return tuple(chosen)

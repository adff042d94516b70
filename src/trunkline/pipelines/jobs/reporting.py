"""The report of a day or a span: numbers of the warehouse and the ledger's word on completeness, as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from trunkline import clock
from trunkline.completeness.period_records import load_records
from trunkline.errors import TerminalError
from trunkline.lake.store import open_store
from trunkline.ledger import index
from trunkline.pipelines.jobs.doctor import drift_lines
from trunkline.pipelines.reading import Reader
from trunkline.serve.report import wording
from trunkline.serve.report.data import Completeness
from trunkline.serve.report.headline import Headline, headline
from trunkline.serve.report.page import report
from trunkline.serve.report.period import Period, day_period, default_day
from trunkline.sql.metric_query import Threshold

OBJECT = "contact_record"


@dataclass(frozen=True, slots=True)
class Written:
    """A report that was written: what it covers, and its headline numbers."""

    period: Period
    headlines: list[Headline]


def write_report(reader: Reader, asked: Period | str, path: Path) -> Written:
    """Write the report of a period; of a zone's last full day with contacts where only the zone is given.

    Raises TerminalError when the file cannot be written.
    """
    settings = reader.settings
    period = _newest_day(reader, asked) if isinstance(asked, str) else asked
    x = Threshold(settings.service_level_s, settings.service_level_queue_s)
    page = report(reader.warehouse, period, x, completeness(reader, period))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise TerminalError(
            f"the report cannot be written to {path}: {error.strerror}; name another file with --out"
        ) from error
    return Written(period, list(headline(reader.warehouse, period, x)))


def _newest_day(reader: Reader, zone: str) -> Period:
    day = default_day(reader.warehouse, zone, clock.now_naive()) or clock.now().date()
    return day_period(day, zone)


def completeness(reader: Reader, period: Period) -> Completeness:
    """What became of every contact record that was ever loaded, and what is certified of the period's days."""
    counts = index.totals(reader.warehouse, OBJECT)
    letters = index.dead_letters(reader.warehouse, OBJECT)
    reasons: dict[str, int] = {}
    for letter in letters:
        reasons[letter.reason] = reasons.get(letter.reason, 0) + 1
    return Completeness(
        counts=counts,
        dead_letters=reasons,
        late_versions=counts.updated + counts.superseded,
        drift=drift_lines(reader, OBJECT),
        files=index.files_read(reader.warehouse, OBJECT),
        certified=_certified(reader, period),
    )


def _certified(reader: Reader, period: Period) -> list[str]:
    """A local day lies in one UTC day, or in two."""
    since, until = period.since.replace(tzinfo=UTC), period.until.replace(tzinfo=UTC)
    found = load_records(open_store(reader.settings.lake), OBJECT)
    return [wording.certificate_sentence(one) for one in found if one.start < until and one.end > since]

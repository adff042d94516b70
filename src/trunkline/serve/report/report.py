"""The report of a day: one self-contained HTML file, readable on a phone, a screen and paper."""

from __future__ import annotations

from trunkline.serve.report.data import Completeness, read
from trunkline.serve.report.page import page
from trunkline.serve.report.period import Period
from trunkline.sql.metric_query import Threshold
from trunkline.sql.session import Session


def report(db: Session, period: Period, x: Threshold, completeness: Completeness) -> str:
    """The page of a period, as HTML text to be written in UTF-8.

    Reads `connect_datalake.contact_record` through `db` and nothing else; the same warehouse and arguments give the
    same text. A period without contacts, or a warehouse without any, gives a page that says so. It names agents and
    queues and holds no customer's data. UsageError for a threshold that is no number of seconds.
    """
    return page(read(db, period, x), completeness)

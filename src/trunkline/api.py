"""The Python API: what `import trunkline` offers to notebooks and programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from trunkline.errors import UsageError
from trunkline.limits import LOCK_WAIT_S
from trunkline.schedules.times import parse_date
from trunkline.settings.installation import Settings

if TYPE_CHECKING:
    from trunkline.objects.model import Object
    from trunkline.pipelines.connect.reconcile import ReconcileResult
    from trunkline.pipelines.home import Home
    from trunkline.pipelines.jobs.measuring import Written
    from trunkline.pipelines.reading import Reader
    from trunkline.pipelines.runner import LoadResult
    from trunkline.table import Table

Time = str | date | datetime
Interval = Literal["15min", "30min", "hour", "day"]


class HomeHandle:
    """A handle on a home: its lake, its warehouse and its settings.

    Each method opens the home, does its work and closes it again, so that other processes can load in between. All
    raise errors of `trunkline.errors`: UsageError for wrong arguments, TransientError where a later try may succeed,
    TerminalError otherwise.
    """

    def __init__(self, settings: Settings, wait_s: float) -> None:
        self.settings = settings
        self._wait_s = wait_s
        self._is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_closed = True

    def __repr__(self) -> str:
        return f"trunkline.open({str(self.settings.home)!r})"

    @property
    def objects(self) -> Mapping[str, Object]:
        """All objects by name: the built-in ones and those of the home's `objects.toml`."""
        from trunkline.objects.catalogue import load
        from trunkline.pipelines.home import user_object_files

        return load(user_object_files(self._open()))

    def load(self, object_name: str, *paths: str | PathLike[str]) -> LoadResult:
        """Load what is new in files, folders, globs or s3:// URLs into the lake and the warehouse.

        `counts` of the result says what happened to each record that was read.
        """
        from trunkline.objects.catalogue import find
        from trunkline.pipelines.jobs.load import load
        from trunkline.sources.registry import list_files

        places = [str(path) for path in paths]
        list_files(find(object_name, self.objects), places)  # a mistake leaves nothing behind
        with self._write() as home:
            return load(home, find(object_name, home.objects), places)

    def sql(self, query: str, *, dialect: str | None = None) -> Table:
        """The rows of one query, in the warehouse's SQL unless `dialect` says otherwise."""
        from trunkline.pipelines.reading import query_table

        with self._read() as reader:
            return query_table(reader, query, dialect)

    def metric(
        self,
        *names: str,
        by: str | Iterable[str] = (),
        interval: Interval | None = None,
        zone: str | None = None,
        x: float | None = None,
        since: Time | None = None,
        until: Time | None = None,
        limit: int | None = None,
    ) -> Table:
        """Metrics over contacts that ended in [since, until), one row per group and interval.

        `zone` decides where intervals begin and what times without an offset mean; `interval_start` itself is UTC.
        """
        from trunkline.pipelines.jobs.measuring import measure, question_of

        settings = self._open()
        groups = [by] if isinstance(by, str) else list(by)
        question = question_of(settings, names, groups, interval, zone, x, since, until, limit)
        with self._read() as reader:
            return measure(reader, question)

    def report(
        self,
        path: str | PathLike[str],
        *,
        since: Time | None = None,
        until: Time | None = None,
        zone: str | None = None,
    ) -> Written:
        """Write the HTML report of a local day, or of [since, until) up to 31 days; by default of the last full day."""
        from trunkline.pipelines.jobs.measuring import write_report
        from trunkline.serve.report.period import period_of

        settings = self._open()
        local = zone or settings.zone
        with self._read() as reader:
            return write_report(reader, period_of(since, until, local), Path(path))

    def reconcile(
        self,
        *,
        since: str | date | None = None,
        heal: bool = False,
        instances: Iterable[str] = (),
        endpoint: str | None = None,
    ) -> list[ReconcileResult]:
        """Compare what Connect lists with what lake and warehouse hold, day by day, for each instance.

        With `heal`, missing contacts are fetched through the API and loaded.
        """
        from trunkline import clock
        from trunkline.completeness.periods import settle_rule
        from trunkline.pipelines.connect import reconcile as job
        from trunkline.pipelines.connect.collect import Collector, chosen_instances, collected_object
        from trunkline.pipelines.connect.system_of_record import ConnectSystemOfRecord

        settings = self._open()
        chosen = chosen_instances(settings, list(instances), endpoint)
        first_day = None if since is None else parse_date(since, "since")
        now, rule = clock.now().replace(microsecond=0), settle_rule(settings.settle_hours)
        request = job.ReconcileRequest(now, rule, first_day, heal)
        with self._write() as home:
            obj = collected_object(home.objects)
            collector = Collector(home, obj)
            return [
                job.reconcile(home, obj, ConnectSystemOfRecord(collector, instance), request) for instance in chosen
            ]

    def _write(self) -> AbstractContextManager[Home]:
        from trunkline.pipelines.home import open_home
        from trunkline.pipelines.waiting import waiting_to_write

        settings = self._open()
        return waiting_to_write(lambda: open_home(settings), self._wait_s, lambda _: None)

    def _read(self) -> AbstractContextManager[Reader]:
        from trunkline.pipelines.reading import open_reader
        from trunkline.pipelines.waiting import waiting

        settings = self._open()
        return waiting(lambda: open_reader(settings), self._wait_s, lambda _: None)

    def _open(self) -> Settings:
        if self._is_closed:
            raise UsageError(f"{self.settings.home} was closed by its `with` block; open it again: trunkline.open(...)")
        return self.settings


def open(path: str | PathLike[str] | None = None, *, wait_s: float = LOCK_WAIT_S) -> HomeHandle:  # noqa: A001
    """The home in a folder, which need not exist: by default TRUNKLINE_HOME, else `./trunkline-data`.

    Methods wait up to `wait_s` seconds while another process has the home locked. Raises UsageError where the settings
    are wrong.
    """
    return HomeHandle(Settings.load(None if path is None else Path(path)), wait_s)

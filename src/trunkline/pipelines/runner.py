"""The order of the stages, once for every source: recover, plan, put, merge, move the source on, forget the plan.

Reading, flattening and merging overlap; the end state does not depend on it. Stopping at any point loses nothing: the
next run goes on from what is durable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from trunkline import clock, limits
from trunkline.accounting import Counts, Drift, sum_drifts, total
from trunkline.errors import SourceChangedError
from trunkline.lake import layout
from trunkline.ledger import index
from trunkline.ledger.records import BatchRecord, Letter, MergeRecord, decode_batch
from trunkline.ledger.runs import in_step
from trunkline.limits import DEAD_LETTER_REASONS, MERGE_ROWS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.flattening import FlattenPool
from trunkline.pipelines.home import Home, LakeHome, LakeState
from trunkline.pipelines.merging import (
    batches_max,
    grouped,
    merge_batches,
    merge_record,
    note_merge,
    restore,
    unmerged,
)
from trunkline.pipelines.set_aside import kept_letters, put_refused
from trunkline.pipelines.undo_batch import begun_undos, undo_batch
from trunkline.positions import REFUSED_SOURCE, Delivery, Plan
from trunkline.records import Framed
from trunkline.sources.model import DurableBatch, FilesRead, Source, SourceContext
from trunkline.sources.registry import SOURCES, open_source

Advance = Callable[[int], None]
"""Called with how much was done since the last call."""


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What a run did. `files` counts what the source was to read, `recovered` the batches of an earlier run.

    `reasons` counts the records that were set aside by reason and its meaning, which for a missing key says what the
    record is instead; `refused` are sentences about files of other formats. `step_seconds` is the time spent in
    `extract` and `merge`, which overlap with each other and with `stage`.
    """

    object_name: str
    counts: Counts
    batches: int
    bytes_read: int
    seconds: float
    files: int
    recovered: int
    drifts: tuple[Drift, ...]
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    step_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_useless(self) -> bool:
        """Whether a file was refused, or everything that was read was set aside."""
        return bool(self.refused) or (self.counts.dead_letter > 0 and self.counts.dead_letter == self.counts.read)


_DRIFTS_MAX = 1_000


class RunTally:
    """The account of a run while it goes on."""

    def __init__(self, obj: Object) -> None:
        self._obj = obj
        self.recovered = 0
        self._started_s = clock.monotonic_s()
        self._counts: list[Counts] = []
        self._drifts: list[Drift] = []
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._batches = self._bytes_read = 0
        self._step_seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the time meanwhile as the step's, and note the step on an error."""
        started_s = clock.monotonic_s()
        with in_step(step):
            try:
                yield
            finally:
                spent_s = clock.monotonic_s() - started_s
                self._step_seconds[step] = self._step_seconds.get(step, 0.0) + spent_s

    def add(self, group: Sequence[BatchRecord], counts: Sequence[Counts]) -> None:
        """Count batches that are merged."""
        self._counts = [total([*self._counts, *counts])]
        self._drifts += [record.drift for record in group if record.drift.records]
        if len(self._drifts) > _DRIFTS_MAX:  # a run may go on for months
            self._drifts = [sum_drifts(self._drifts)]
        self._reasons.update(_reason(letter) for record in group for letter in record.letters)
        self._batches += len(group)
        self._bytes_read += sum(record.bytes_read for record in group)

    def result(self, files: int) -> LoadResult:
        """What the run did so far. `files` counts what the source was to read."""
        return LoadResult(
            self._obj.name,
            total(self._counts),
            self._batches,
            self._bytes_read,
            clock.monotonic_s() - self._started_s,
            files,
            self.recovered,
            tuple(self._drifts),
            self._reasons,
            step_seconds=self._step_seconds,
        )


def _reason(letter: Letter) -> tuple[str, str]:
    is_specific = letter.reason == "missing_key"
    return letter.reason, letter.detail if is_specific else DEAD_LETTER_REASONS[letter.reason]


def no_advance(_: int) -> None:
    """For who shows no progress."""


class Runner:
    """Runs sources of one object into a home's lake and warehouse."""

    def __init__(self, home: Home, obj: Object) -> None:
        self.home, self.obj = home, obj
        self.context = SourceContext(home.settings, obj, LakeState(home.store), lambda plan: kept_letters(home, plan))
        self._pool = FlattenPool(home.lake, obj, is_merged_here=True)

    def run(self, source: Source, files: int = 0, on_put: Callable[[BatchRecord], None] = lambda _: None) -> LoadResult:
        """Load what a source gives beyond what was read before, after finishing what an earlier run began.

        `on_put` is called with each batch that is in the lake, `files` is what the result says was to be read.
        Raises what the source raises. A record that cannot be used is set aside and never stops the run.
        """
        tally = RunTally(self.obj)
        with tally.timed("merge"):
            tally.recovered = self.recover()
        planned = self._planned(source, index.positions(self.home.warehouse, self.obj.name), tally)
        with self.home.warehouse.shared(), in_step("stage"):
            for group in self._groups(self._pool.put_all(planned), on_put):
                with tally.timed("merge"):
                    counts = self.merge(group, source)
                tally.add(group, counts)
        return tally.result(files)

    def take(self, batches_of_source: Iterable[Framed], source: Source, tally: RunTally) -> None:
        """Put and merge batches of a source that others read too, and move the source on.

        For a source whose reading is not the runner's: call `recover` before the first batch.
        """
        group = [self.put(framed) for framed in batches_of_source]
        if group:
            tally.add(group, self.merge(group, source))

    def put(self, framed: Framed) -> BatchRecord:
        """Plan one batch and put it into the lake; durable when this returns."""
        batches.record_plan(self.home.store, framed.plan)
        return self._pool.put(framed)

    def merge(self, records: Sequence[BatchRecord], source: Source | None = None) -> list[Counts]:
        """Merge batches of the lake, move their source on, forget their plans. Safe to repeat at any point."""
        return merge_batches(self.home, self.obj, records, lambda merged: self._move_on(merged, source))

    def recover(self, is_rebuild: bool = False, advance: Advance = no_advance) -> int:
        """Finish what an earlier run began; returns the number of batches finished.

        A plan without accounting is done again over the same ranges. A batch in the lake that was never merged is
        merged. Where the warehouse lacks batches that were merged once (it is new, or an old copy), or when a rebuild
        is asked for, the table is folded from the lake: the batches' own files may be compacted and gone by now.
        """
        finished = self.finish_plans()
        for batch_id in begun_undos(self.home, self.obj):
            undo_batch(self.home, self.obj, batch_id)
        lacking = unmerged(self.home, self.obj)
        lost = {record.batch_id: merge_record(self.home, self.obj, record.batch_id) for record in lacking}
        waiting = [record for record in lacking if lost[record.batch_id] is None]
        merged = [(record, found) for record in lacking if (found := lost[record.batch_id]) is not None]
        if merged or is_rebuild:
            restore(self.home, self.obj, merged, {record.batch_id for record in waiting}, advance)
        for group in grouped(self.home, waiting):
            self.merge(group)
        return max(finished, len(lacking))

    def _planned(self, source: Source, done: FilesRead, tally: RunTally) -> Iterator[Framed | None]:
        with tally.timed("extract"):
            reading = iter(source.read(done))
        while True:
            with tally.timed("extract"):
                try:
                    framed = next(reading)
                except StopIteration:
                    return
            if framed is not None:
                batches.record_plan(self.home.store, framed.plan)
            yield framed

    def _groups(
        self, records: Iterator[BatchRecord | None], on_put: Callable[[BatchRecord], None]
    ) -> Iterator[list[BatchRecord]]:
        """What is merged together: up to a limit of batches and rows, and never across a None."""
        most = batches_max(self.home)
        group: list[BatchRecord] = []
        for record in records:
            if record is not None:
                on_put(record)
                group.append(record)
            is_full = len(group) >= most or sum(batch.accepted for batch in group) >= MERGE_ROWS_MAX
            if group and (record is None or is_full):
                yield group
                group = []
        if group:
            yield group

    def _move_on(self, merged: Sequence[BatchRecord], source: Source | None = None) -> None:
        """Call the sources of these batches with what is durable now."""
        by_name: dict[str, list[DurableBatch]] = {}
        for record in merged:
            durable = DurableBatch(record.plan, record.read, record.filtered, record.dead_letter)
            by_name.setdefault(record.plan.source, []).append(durable)
        for name, durables in by_name.items():
            if source is not None and source.name == name:
                source.after_durable(durables)
            elif name in SOURCES:
                open_source(name, self.context).after_durable(durables)

    def finish_plans(self) -> int:
        """Do again what has no accounting, and drop the plans of batches that are merged; how many plans there were."""
        home, obj = self.home, self.obj
        plans = batches.open_plans(home.store, obj)
        records = {plan.batch_id: home.store.get_bytes(layout.batch_key(obj.name, plan.batch_id)) for plan in plans}
        plans = [plan for plan in plans if records[plan.batch_id] is not None or not _is_in_flight(plan)]
        begun = [plan for plan in plans if records[plan.batch_id] is None]
        if begun:
            batches.remove_rows(home.store, obj, {plan.batch_id for plan in begun})
        for plan in begun:
            self._redo(plan)
        for plan in plans:
            merged = index.merged_batch(home.warehouse, plan.batch_id)
            data = records[plan.batch_id]
            if merged is not None and data is not None:
                # Stopped between the merge's commit and its record in the lake.
                self._move_on([decode_batch(data)])
                note_merge(home, obj, MergeRecord(plan.batch_id, *merged))
        return len(plans)

    def _redo(self, plan: Plan) -> None:
        """Do a planned batch again, or drop its plan where its span is read anew."""
        if plan.source == REFUSED_SOURCE:
            put_refused(self.home, self.obj, plan)
            return
        try:
            framed = open_source(plan.source, self.context).reread(plan)
        except SourceChangedError:
            self._replan(plan)
            return
        if framed is not None:
            self._pool.put(framed)
        else:
            self.home.store.remove(layout.plan_key(plan.object_name, plan.batch_id))

    def _replan(self, plan: Plan) -> None:
        """Drop what has changed from a batch: the new version is read anew.

        The other files of such a batch become batches of their own, since what follows in them may be read already.
        """
        parts = [replace(plan, ranges=(span,)) for span in plan.ranges] if len(plan.ranges) > 1 else []
        for part in parts:
            batches.record_plan(self.home.store, part)
        self.home.store.remove(layout.plan_key(plan.object_name, plan.batch_id))
        for part in parts:
            self._redo(part)


def _is_in_flight(plan: Plan) -> bool:
    """Whether a function may still finish the batch: its sender repeats the delivery for as long as this."""
    retried = [span.arrived_at for span in plan.ranges if isinstance(span, Delivery) and span.is_retried]
    return bool(retried) and clock.now_naive() - max(retried) < timedelta(seconds=limits.DELIVERY_RETRY_S_MAX)


def lake_context(lake: LakeHome, obj: Object) -> SourceContext:
    """The context of a source whose records go into a lake alone. It has no dead letters to run again."""
    return SourceContext(lake.settings, obj, LakeState(lake.store), lambda plan: ())


def put_into_lake(lake: LakeHome, pool: FlattenPool, source: Source) -> list[BatchRecord]:
    """Plan and put what a source gives, without a warehouse: what a Lambda function can do.

    The next run with a warehouse merges it. A batch whose accounting is in the lake already is not put again, so that
    what is delivered twice is one batch.
    """
    records: list[BatchRecord] = []
    for framed in source.read({}):
        if framed is None:
            continue
        data = lake.store.get_bytes(layout.batch_key(framed.plan.object_name, framed.plan.batch_id))
        if data is not None:
            records.append(decode_batch(data))
            continue
        batches.record_plan(lake.store, framed.plan)
        records.append(pool.put(framed))
    return records

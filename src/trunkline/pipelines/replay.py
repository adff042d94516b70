"""`dead-letter replay`: run records that were set aside again, after a fix, as a batch of their own."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline import clock
from trunkline.accounting import Counts, total
from trunkline.ledger.index import SetAside
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.letters import plan_letters, reread_letters
from trunkline.pipelines.load import Flatteners, LoadResult, redo
from trunkline.pipelines.merging import merge_batches
from trunkline.pipelines.recovery import recover
from trunkline.pipelines.refused import is_refused, plan_rows, put_again

REPLAY_LETTERS_MAX = 2_000


def replay(home: Home, obj: Object, letters: Sequence[SetAside]) -> LoadResult:
    """Run dead letters of one object again. Those that still cannot be used stay set aside, once.

    Their read is a transfer: the totals of the ledger count each record once.
    """
    started = clock.monotonic_s()
    flatteners = Flatteners(home, obj)
    recovered = recover(home, obj, lambda plan: redo(home, flatteners, plan))
    counts: list[Counts] = []
    size = 0
    # What the warehouse refused is a row already; what could not be read is not.
    rows = [letter for letter in letters if is_refused(letter)]
    for first in range(0, len(rows), REPLAY_LETTERS_MAX):
        plan = plan_rows(obj.name, rows[first : first + REPLAY_LETTERS_MAX])
        batches.record_plan(home.store, plan)
        counts += merge_batches(home, obj, [put_again(home, obj, plan)])
    letters = [letter for letter in letters if not is_refused(letter)]
    for first in range(0, len(letters), REPLAY_LETTERS_MAX):
        some = letters[first : first + REPLAY_LETTERS_MAX]
        framed = reread_letters(home, plan_letters(obj.name, some), some)
        batches.record_plan(home.store, framed.plan)
        record = flatteners.put(framed)
        counts += merge_batches(home, obj, [record])
        size += record.bytes_read
    return LoadResult(obj.name, total(counts), len(counts), size, clock.monotonic_s() - started, 0, recovered, ())

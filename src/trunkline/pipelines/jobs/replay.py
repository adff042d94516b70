"""`dead-letter replay`: run records that were set aside again, after a fix, as batches of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from trunkline.accounting import Counts, total
from trunkline.ledger.index import SetAside
from trunkline.limits import REPLAY_LETTERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.home import Home
from trunkline.pipelines.runner import LoadResult, Runner
from trunkline.pipelines.set_aside import is_refused, letter_ranges, put_refused
from trunkline.positions import REFUSED_SOURCE, REPLAY_SOURCE, Plan
from trunkline.sources.registry import open_source


def replay(home: Home, obj: Object, letters: Sequence[SetAside]) -> LoadResult:
    """Run dead letters of one object again. Those that still cannot be used stay set aside, once.

    Their read is a transfer: the totals of the ledger count each record once. Raises UsageError where bytes or rows
    are gone.
    """
    runner = Runner(home, obj)
    recovered = runner.recover()
    # A refused record is a row of the lake already; a dead letter is none yet.
    refused = _merge_again(runner, [letter for letter in letters if is_refused(letter)])
    ranges = letter_ranges([letter for letter in letters if not is_refused(letter)])
    result = runner.run(open_source(REPLAY_SOURCE, runner.context, letters=ranges))
    return replace(
        result,
        counts=total([*refused, result.counts]),
        batches=result.batches + len(refused),
        recovered=recovered + result.recovered,
    )


def _merge_again(runner: Runner, letters: Sequence[SetAside]) -> list[Counts]:
    """Put the rows of refused letters into the lake as batches of their own, and merge them."""
    counts: list[Counts] = []
    for first in range(0, len(letters), REPLAY_LETTERS_MAX):
        plan = Plan(runner.obj.name, REFUSED_SOURCE, letter_ranges(letters[first : first + REPLAY_LETTERS_MAX]))
        batches.record_plan(runner.home.store, plan)
        counts += runner.merge([put_refused(runner.home, runner.obj, plan)])
    return counts

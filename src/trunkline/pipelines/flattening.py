"""Where batches are flattened beside each other. The one place that decides how many cores a load uses."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from trunkline.flatten.flattener import Flattener
from trunkline.ledger.records import BatchRecord
from trunkline.limits import FLATTEN_WORKERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.home import LakeHome
from trunkline.records import Framed


class FlattenPool:
    """Flattens batches of one object and puts them into the lake. Each thread has a flattener of its own.

    Who replaces it keeps three things: records come in the order of the batches, few batches are in memory at once,
    and a batch that had not begun when the pool was stopped is not put.
    """

    def __init__(self, lake: LakeHome, obj: Object) -> None:
        self._lake, self._obj, self._rule = lake, obj, lake.rule
        self._local = threading.local()

    def put(self, framed: Framed) -> BatchRecord:
        """Flatten and put one planned batch on this thread; durable when this returns."""
        flattener: Flattener | None = getattr(self._local, "flattener", None)
        if flattener is None:
            spill = self._lake.scratch / "spill-flatten"
            flattener = self._local.flattener = Flattener(self._obj, self._rule, spill=spill)
        return batches.put(self._lake.store, self._lake.scratch, flattener, framed)

    def put_all(self, planned: Iterator[Framed | None]) -> Iterator[BatchRecord | None]:
        """Put planned batches on as many threads as there are cores, in order, with few batches in flight.

        At a None, everything before it is put before the None is passed on and more is asked for.
        """
        workers = min(self._lake.settings.threads, FLATTEN_WORKERS_MAX)
        with ThreadPoolExecutor(workers, thread_name_prefix="flatten") as pool:
            waiting: deque[Future[BatchRecord]] = deque()
            try:
                for framed in planned:
                    if framed is not None:
                        waiting.append(pool.submit(self.put, framed))
                    while len(waiting) > workers or (waiting and (framed is None or waiting[0].done())):
                        yield waiting.popleft().result()
                    if framed is None:
                        yield None
                while waiting:
                    yield waiting.popleft().result()
            finally:
                # Stopped by Ctrl-C or an error: batches that have not begun stay planned, the next run does them.
                pool.shutdown(cancel_futures=True)

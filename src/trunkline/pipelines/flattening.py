"""Where batches are flattened beside each other. The one place that decides how many cores a load uses.

A short load uses threads of this process. A longer one moves one of them to a process of its own, since the interpreter
lock lets threads of one process share little more than a core, and reads on a thread, so that both go on while the
caller merges.

The other process writes a batch's files to a folder and answers with their names. The lake, its credentials and the
warehouse stay with this process, so that the order of what becomes durable is the same. The two exchange pickles over
pipes. It is a program of its own, not a fork or a copy of the caller's main module, so that any script may load.
"""

from __future__ import annotations

import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import IO, Any, Protocol

from trunkline.errors import TransientError
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.ledger.records import BatchRecord
from trunkline.limits import FLATTEN_PROCESS_AFTER_BYTES, FLATTEN_WORKERS_MAX
from trunkline.objects.model import Object
from trunkline.pipelines import batches
from trunkline.pipelines.batches import WrittenBatch, write
from trunkline.pipelines.home import LakeHome
from trunkline.records import Framed

_LENGTH = struct.Struct("<Q")


class FlattenProcess:
    """A started process that flattens. One caller at a time."""

    def __init__(self, obj: Object, rule: PiiRule, scratch: Path, is_merged_here: bool) -> None:
        """Start it. Raises OSError where no process can be started."""
        program = f"import sys; sys.path[:] = sys.argv[1:]; from {__name__} import main; main()"
        command = [sys.executable, "-c", program, *sys.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        _send(self._to, (obj, rule, str(scratch), is_merged_here))

    def write(self, framed: Framed) -> WrittenBatch:
        """Flatten a batch and write its files. Raises what flattening raises, TransientError if the process died."""
        try:
            _send(self._to, framed)
            answer = _receive(self._from)
        except (BrokenPipeError, EOFError):
            code = self._process.wait()
            raise TransientError(
                f"the process that flattens ended with exit code {code} (-9: killed, usually for want of memory); "
                "run the same command again, with a smaller batch_bytes or threads = 1 if it is killed again"
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, WrittenBatch)
        return answer

    def close(self) -> None:
        """End it, also where it has died with bytes unsent."""
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._to.close()
        self._from.close()


def main() -> None:
    """The program of the process: batches from standard input, answers to standard output, until its input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the caller ends this
    source, target = sys.stdin.buffer, sys.stdout.buffer
    try:
        obj, rule, scratch, is_merged_here = _receive(source)
        flattener = Flattener(obj, rule, spill=Path(scratch) / "spill-process")
        while True:
            framed = _receive(source)
            try:
                answer: Any = write(Path(scratch), flattener, framed, is_merged_here)
            except Exception as error:  # noqa: BLE001 - raised again by the caller
                answer = error
            del framed
            _send(target, answer)
    except (EOFError, BrokenPipeError):
        return


def _send(pipe: IO[bytes], value: Any) -> None:
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)))
    pipe.write(data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:
    """The next value. Raises EOFError at the end."""
    (length,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    return pickle.loads(_exactly(pipe, length))  # noqa: S301 - from a process of our own


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError
    return data


class _Mark(Enum):
    """What comes between the batches."""

    PAUSE = 1
    END = 2


class _Worker(Protocol):
    """Flattens one batch at a time."""

    def write(self, framed: Framed) -> WrittenBatch:
        """Flatten a batch and write its files."""

    def close(self) -> None:
        """Free what it holds."""


class _LocalWorker:
    """A flattener of this process, made when it is first needed."""

    def __init__(self, obj: Object, rule: PiiRule, scratch: Path, is_merged_here: bool) -> None:
        self._obj, self._rule, self._scratch, self._is_merged_here = obj, rule, scratch, is_merged_here
        self._flattener: Flattener | None = None

    def write(self, framed: Framed) -> WrittenBatch:
        if self._flattener is None:
            self._flattener = Flattener(self._obj, self._rule, spill=self._scratch / "spill-flatten")
        return batches.write(self._scratch, self._flattener, framed, self._is_merged_here)

    def close(self) -> None:
        """Nothing: a flattener may serve others too."""
        self._flattener = None


class FlattenPool:
    """Flattens batches of one object and puts them into the lake.

    Who replaces it keeps three things: records come in the order of the batches, few batches are in memory at once,
    and a batch that had not begun when the pool was stopped is not put.
    """

    def __init__(self, lake: LakeHome, obj: Object, is_merged_here: bool = False) -> None:
        """`is_merged_here`: the batches are merged by this process, as soon as they are in the lake."""
        self._lake, self._obj, self._is_merged_here = lake, obj, is_merged_here
        self._count = min(lake.settings.threads, FLATTEN_WORKERS_MAX)
        self._free: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for _ in range(self._count):
            self._free.put(self._local_worker())

    def put(self, framed: Framed) -> BatchRecord:
        """Flatten and put one planned batch; durable when this returns."""
        worker = self._free.get()
        try:
            written = worker.write(framed)
        finally:
            self._free.put(worker)
        return batches.put_written(self._lake.store, self._obj, framed, written)

    def put_all(self, planned: Iterator[Framed | None]) -> Iterator[BatchRecord | None]:
        """Put planned batches on as many cores as there are, in order, with few batches in flight.

        At a None, everything before it is put before the None is passed on and more is asked for. Raises what reading
        and putting raise.
        """
        with ThreadPoolExecutor(self._count, thread_name_prefix="flatten") as threads:
            try:
                is_whole = yield from self._begin(planned, threads)
                if not is_whole:
                    self._start_process()
                    yield from _Reader(planned, threads, self.put, self._count).results()
            finally:
                # Stopped by Ctrl-C or an error: batches that have not begun stay planned, the next run does them.
                threads.shutdown(cancel_futures=True)
                self._end_process()

    def _begin(
        self, planned: Iterator[Framed | None], threads: ThreadPoolExecutor
    ) -> Generator[BatchRecord | None, None, bool]:
        """The same on threads alone, reading where this is called; returns whether that was the whole load."""
        waiting: deque[Future[BatchRecord]] = deque()
        size, is_whole = 0, True
        for framed in planned:
            if framed is not None:
                waiting.append(threads.submit(self.put, framed))
                if framed.layout is None:  # the engine reads rows of tables, without the interpreter's lock
                    size += framed.bytes_read
            while len(waiting) > self._count or (waiting and (framed is None or waiting[0].done())):
                yield waiting.popleft().result()
            if framed is None:
                yield None
            if self._count > 1 and size >= FLATTEN_PROCESS_AFTER_BYTES:
                is_whole = False
                break
        while waiting:
            yield waiting.popleft().result()
        return is_whole

    def _local_worker(self) -> _LocalWorker:
        return _LocalWorker(self._obj, self._lake.rule, self._lake.scratch, self._is_merged_here)

    def _start_process(self) -> None:
        """Let a process take the place of one of the workers, where one can be started."""
        worker = self._free.get()
        try:
            process = FlattenProcess(self._obj, self._lake.rule, self._lake.scratch, self._is_merged_here)
        except OSError:
            self._free.put(worker)
            return
        self._free.put(process)

    def _end_process(self) -> None:
        """Let a worker of this process take its place again."""
        workers = [self._free.get() for _ in range(self._count)]
        for worker in workers:
            if isinstance(worker, FlattenProcess):
                worker.close()
                self._free.put(self._local_worker())
            else:
                self._free.put(worker)


class _Reader:
    """Reads planned batches on a thread and has them put by others, so that both go on while the caller merges."""

    def __init__(
        self,
        planned: Iterator[Framed | None],
        threads: ThreadPoolExecutor,
        put: Callable[[Framed], BatchRecord],
        in_flight: int,
    ) -> None:
        self._planned, self._threads, self._put = planned, threads, put
        self._slots = threading.Semaphore(in_flight)
        self._results: queue.Queue[Future[BatchRecord] | BaseException | _Mark] = queue.Queue()
        self._passed = threading.Event()
        self._is_stopped = False

    def results(self) -> Iterator[BatchRecord | None]:
        """The records in the order of the batches, and None where reading came to a None."""
        thread = threading.Thread(target=self._read, name="read")
        thread.start()
        try:
            while (item := self._results.get()) is not _Mark.END:
                if isinstance(item, Future):
                    yield item.result()
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield None
                    self._passed.set()
        finally:
            self._is_stopped = True
            self._slots.release()
            self._passed.set()
            thread.join()

    def _read(self) -> None:
        try:
            for framed in self._planned:
                if framed is None:
                    self._passed.clear()
                    self._results.put(_Mark.PAUSE)
                    self._passed.wait()
                else:
                    self._slots.acquire()
                    if not self._is_stopped:
                        future = self._threads.submit(self._put, framed)
                        future.add_done_callback(lambda _: self._slots.release())
                        self._results.put(future)
                if self._is_stopped:
                    return
            self._results.put(_Mark.END)
        except BaseException as error:  # noqa: BLE001 - raised again where the results are taken
            self._results.put(error)

"""A process that flattens batches beside this one: the interpreter lock lets one process use one core at a time.

It writes a batch's files to a folder and answers with their names. The lake, its credentials and the warehouse stay
with this process, so that the order of what becomes durable is the same. The two talk through pipes in pickles; it is a
program of its own and not a fork or a copy of the caller's main module, so that any script may load.
"""

from __future__ import annotations

import pickle
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from trunkline.errors import TransientError
from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.pipelines.batches import WrittenBatch, write
from trunkline.records import Framed

_LENGTH = struct.Struct("<Q")


class FlattenProcess:
    """A started process. One caller at a time."""

    def __init__(self, obj: Object, rule: PiiRule, scratch: Path) -> None:
        """Start it. Raises OSError where no process can be started."""
        program = f"import sys; sys.path[:] = sys.argv[1:]; from {__name__} import main; main()"
        command = [sys.executable, "-c", program, *sys.path]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        _send(self._to, (obj, rule, str(scratch)))

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
        obj, rule, scratch = _receive(source)
        flattener = Flattener(obj, rule, spill=Path(scratch) / "spill-process")
        while True:
            framed = _receive(source)
            try:
                answer: Any = write(Path(scratch), flattener, framed)
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

"""A warm interpreter: it has imported what programs need, and forks a process for each run of one.

Importing is most of the time of a short program, and tests start hundreds. `Warm.run` runs a script in a process of its
own, with its own arguments, folder, environment and streams; it may die by a signal. Where only a command line can
start it, `CLIENT` is a small program that asks the interpreter whose socket is in WARM_INTERPRETER.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

CLIENT = """\
import json, os, socket, sys
con = socket.socket(socket.AF_UNIX)
con.connect(os.environ["WARM_INTERPRETER"])
job = json.dumps({"argv": sys.argv[1:], "cwd": os.getcwd(), "environment": dict(os.environ)}).encode()
socket.send_fds(con, [len(job).to_bytes(8, "big")], [0, 1, 2])
con.sendall(job)
code = int.from_bytes(con.recv(4), "big", signed=True)
os.kill(os.getpid(), -code) if code < 0 else os._exit(code)
"""


class Warm:
    """One warm interpreter; `with` ends it."""

    def __init__(self, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="warm-")
        self.address = str(Path(self._folder.name) / "socket")
        command = [sys.executable, __file__, self.address, *modules]
        self._server = subprocess.Popen(command, env=dict(environment), stdout=subprocess.PIPE)
        assert self._server.stdout is not None
        assert self._server.stdout.readline() == b"ready\n", "the warm interpreter did not start"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()
        self._folder.cleanup()

    def run(self, argv: Sequence[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run([python, *argv])`: what it wrote, and its exit code, or minus the signal it died by."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors, open(os.devnull) as nothing:
            code = self._start(argv, environment, [nothing.fileno(), out.fileno(), errors.fileno()])
            out.seek(0)
            errors.seek(0)
            return subprocess.CompletedProcess(argv, code, out.read(), errors.read())

    def _start(self, argv: Sequence[str], environment: Mapping[str, str], streams: list[int]) -> int:
        job = json.dumps({"argv": list(argv), "cwd": os.getcwd(), "environment": dict(environment)}).encode()
        with socket.socket(socket.AF_UNIX) as con:
            con.connect(self.address)
            socket.send_fds(con, [len(job).to_bytes(8, "big")], streams)
            con.sendall(job)
            return int.from_bytes(con.recv(4), "big", signed=True)


def _wait_for_job(address: str) -> list[str]:
    """The arguments of a run, in the process that is to run it; the interpreter itself stays in here."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    os.write(1, b"ready\n")
    parent = os.getppid()
    listener.settimeout(5)
    while True:
        try:
            con, _ = listener.accept()
        except TimeoutError:
            if os.getppid() != parent:  # whoever started it has died
                os._exit(0)
            continue
        if os.fork():
            con.close()
            with suppress(ChildProcessError):  # those that have ended, until none is left
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            continue
        listener.close()
        return _begin(con)


def _begin(con: socket.socket) -> list[str]:
    """In a process that waits for the run and sends its exit code on: the run's own process."""
    con.settimeout(None)
    size, streams, _, _ = socket.recv_fds(con, 8, 3)
    job = json.loads(con.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        con.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
        os._exit(0)
    con.close()
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    # Python's own streams remember what kind of file they were opened on.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    time.tzset()
    return list(job["argv"])


if __name__ == "__main__":
    import atexit
    import gc
    import importlib
    import runpy
    import traceback

    for name in sys.argv[2:]:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    sys.argv = _wait_for_job(sys.argv[1])
    code: object = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001, as the interpreter itself does at the end of a program
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))  # to free all that was imported takes 0.3 s

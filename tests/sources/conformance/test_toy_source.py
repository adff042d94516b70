"""A source is one folder and one line: a toy one is added so, and keeps every rule that the others keep."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import NARROW, jsonl, narrow
from source_cases import CASES, Subject

import trunkline.sources
from trunkline.pipelines.runner import Runner
from trunkline.sources.model import Source
from trunkline.sources.registry import SOURCES, open_source

TOY = '''
"""A queue whose messages are numbered: what a source has to say, and no more."""

import json
from datetime import datetime

from trunkline.positions import Plan, StreamRange
from trunkline.records import Broken, Framed, Mark


class ToySource:
    """Messages of one queue. How far it was read is a number in the lake."""

    name = "toy"

    def __init__(self, context, queue=()):
        self._context, self._queue = context, queue

    def read(self, done):
        state = self._context.state.get("toy", self._context.obj.name, "queue")
        for number in range(int(state or 0), len(self._queue)):
            yield self._framed(number, self._queue[number])
            yield None

    def reread(self, plan):
        return None

    def after_durable(self, batches):
        last = max(int(span.last_sequence) for batch in batches for span in batch.plan.ranges)
        self._context.state.put(str(last + 1).encode(), "toy", self._context.obj.name, "queue")

    def revive(self, letter):
        return None

    def _framed(self, number, text):
        at = datetime(2026, 3, 3, 12)
        plan = Plan(self._context.obj.name, self.name, (StreamRange("toy://queue", str(number), str(number), at),))
        try:
            json.loads(text)
        except ValueError:
            broken = [Broken(0, number, text.encode(), len(text), "invalid_json", "no JSON")]
            return Framed(plan, [], [], [], broken, len(text))
        return Framed(plan, [text], [0], [number], [], len(text))
'''


@pytest.fixture(autouse=True)
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The one folder and the one line."""
    folder = tmp_path / "more_sources" / "toy"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "source.py").write_text(TOY)
    monkeypatch.setattr(trunkline.sources, "__path__", [*trunkline.sources.__path__, str(folder.parent)])
    monkeypatch.setitem(SOURCES, "toy", "toy.source:ToySource")
    return


class ToySubject(Subject):
    """A queue in a folder, a message a file."""

    name = "toy"
    obj = NARROW

    def add(self, *numbers: int) -> None:
        for number in numbers:
            self._write(number, jsonl([narrow(self.key(number))]).decode())

    def add_unknown_key(self, number: int) -> None:
        self._write(number, jsonl([narrow(self.key(number), fromTheFuture=1)]).decode())

    def add_broken(self, number: int) -> None:
        self._write(number, "{broken")

    def open(self, runner: Runner) -> Source:
        queue = [path.read_text() for path in sorted(self.folder.iterdir())]
        return open_source(self.name, runner.context, queue=queue)

    def _write(self, number: int, text: str) -> None:
        (self.folder / f"{number:04}").write_text(text)


@pytest.mark.parametrize("case", CASES)
def test_a_toy_source_keeps_the_rules(case: str, tmp_path: Path) -> None:
    """Two files touched: the source and its line. No pipeline, no ledger, no lake knows of it."""
    CASES[case](ToySubject, tmp_path / "run")

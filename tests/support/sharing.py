"""One flattener per object and rule for all tests of a process: preparing one costs more than using it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from deliveries import FidelityByName

from trunkline.flatten.flattener import Flattener
from trunkline.flatten.privacy import PiiRule
from trunkline.objects.model import Object
from trunkline.pipelines import flattening

_made: dict[tuple[Object, PiiRule], Flattener] = {}


def shared_flattener(obj: Object, rule: PiiRule, spill: Path | None = None) -> Flattener:
    """The flattener of an object and rule. Loads of tests use one thread, so that nobody shares it at one time.

    One with a hook is not shared: objects are equal whatever folder their hooks are in.
    """
    if obj.hook:
        return FidelityByName(obj, rule)
    if (obj, rule) not in _made:
        _made[obj, rule] = FidelityByName(obj, rule)
    return _made[obj, rule]


@pytest.fixture(autouse=True)
def shared_flatteners() -> Iterator[None]:
    """Loads take the shared flatteners."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flattening, "Flattener", shared_flattener)
        yield


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that a test runs in its own process use one thread too."""
    monkeypatch.setenv("TRUNKLINE_THREADS", "1")


@pytest.fixture(autouse=True, scope="session")
def forgotten_flatteners() -> Iterator[None]:
    """At the end they are closed, before the interpreter takes DuckDB apart."""
    yield
    while _made:
        _made.popitem()[1].con.close()

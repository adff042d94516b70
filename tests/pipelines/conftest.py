"""Pipelines are tested whole, on real folders; only the costly preparation of a flattener is shared between tests."""

from __future__ import annotations

import pytest

from deliveries import FidelityByName

from trunkline.flatten.careful import PiiRule
from trunkline.flatten.run import Flattener
from trunkline.objects.model import Object
from trunkline.pipelines import load

_made: dict[tuple[Object, PiiRule], Flattener] = {}


def shared_flattener(obj: Object, rule: PiiRule) -> Flattener:
    """The flattener of an object and rule. Loads of tests use one thread, so that nobody shares it at one time."""
    if (obj, rule) not in _made:
        _made[obj, rule] = FidelityByName(obj, rule)
    return _made[obj, rule]


@pytest.fixture(autouse=True)
def _shared_flatteners(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "Flattener", shared_flattener)

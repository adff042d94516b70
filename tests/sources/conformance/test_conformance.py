"""Every source in the registry resumes, loses nothing, doubles nothing, and survives what its system and ours do to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from source_cases import CASES, failing_cases, killed_at_any_step
from source_subjects import SUBJECTS, FileSubject

from trunkline import limits
from trunkline.positions import Plan
from trunkline.records import Framed
from trunkline.sources.files import reader
from trunkline.sources.files.reader import FileSource
from trunkline.sources.model import FilesRead
from trunkline.sources.registry import SOURCES

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A throttled system is asked again at once."""
    monkeypatch.setattr(limits, "API_BACKOFF_S", 0)


def test_every_source_is_in_the_suite() -> None:
    """A source that nobody tests is an error."""
    assert set(SUBJECTS) == set(SOURCES)


# What is put, merged and removed is the runner's, so three sources are killed by default, and all in the long run. Files
# that are read for several objects are read like others: where an object takes what is not the first one's, its rules
# about records hold by default.
KILLED = ("dynamodb_stream", "kinesis", "connect_api")
OF_THE_REST = ("resumes", "broken_page", "changed_schema")


def rules() -> Iterator[Any]:
    for source in SUBJECTS:
        for case in CASES:
            is_long = case == "killed_on_the_way" and source not in KILLED
            is_long |= source == "mixed_files_rest" and case not in OF_THE_REST
            yield pytest.param(source, case, marks=[pytest.mark.soak] if is_long else [])


@pytest.mark.parametrize(("source", "case"), [*rules()])
def test_a_source_keeps_the_rules(source: str, case: str, tmp_path: Path) -> None:
    """What `source_cases.py` asks of any source holds of this one."""
    CASES[case](SUBJECTS[source], tmp_path)


@pytest.mark.parametrize("source", [
    name if name == "files" else pytest.param(name, marks=pytest.mark.soak) for name in SUBJECTS
])  # fmt: skip
def test_a_source_survives_any_death(source: str, tmp_path: Path) -> None:
    """Every single step; the suite takes every fifth, and sources share what does most of the steps."""
    killed_at_any_step(SUBJECTS[source], tmp_path)


class ForgetfulSource(FileSource):
    """Does not look at what is durable: reads everything again."""

    def read(self, done: FilesRead) -> Iterator[Framed | None]:
        yield from super().read({})


class HastySource(FileSource):
    """Takes the plan of a batch for its rows: what was planned and not put is lost."""

    def reread(self, plan: Plan) -> Framed | None:
        return Framed(plan, [], [], [], [], 0)


WEAK = {
    ForgetfulSource: {"everything_once", "resumes"},
    HastySource: {"killed_on_the_way", "same_batches"},
}


@pytest.mark.parametrize("weak", [HastySource, pytest.param(ForgetfulSource, marks=pytest.mark.soak)])
def test_the_suite_notices_a_weak_source(
    weak: type[FileSource], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition and a gap are found where they show, and what the weak source does right is not blamed."""
    monkeypatch.setattr(reader, "FileSource", weak)
    assert failing_cases(FileSubject, tmp_path) == WEAK[weak]

"""`pull`: what is new at an object's origin, once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from homes import NARROW, narrow, opened, table, write
from local_api import Reply, register

from trunkline.errors import UsageError
from trunkline.objects.origins import FilesOrigin, HttpOrigin
from trunkline.pipelines.jobs.pull import pull


def test_files_of_an_origin_are_read_once(tmp_path: Path) -> None:
    """A folder as origin: the second pull reads what is new."""
    obj = dataclasses.replace(NARROW, origin=FilesOrigin((str(tmp_path / "in"),)))
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "1.json", narrow("a"))
    with opened(tmp_path / "home", obj) as home:
        assert pull(home, obj).counts.inserted == 1
        write(tmp_path / "in" / "2.json", narrow("b"))
        result = pull(home, obj)
        assert (result.counts.read, result.counts.inserted) == (1, 1)
        assert [row["id"] for row in table(home, obj)] == ["a", "b"]


def test_an_api_as_origin(tmp_path: Path) -> None:
    """What is declared is all that is needed."""
    origin = HttpOrigin(register(lambda call: Reply({"records": [narrow("a")]})), ("records",))
    obj = dataclasses.replace(NARROW, origin=origin)
    with opened(tmp_path / "home", obj) as home:
        sizes: list[int] = []
        assert pull(home, obj, sizes.append).counts.inserted == 1
        assert sum(sizes) > 100
        assert pull(home, obj).counts.read == 0


def test_an_object_without_an_origin_says_what_to_do(tmp_path: Path) -> None:
    """There is nothing to pull."""
    with (
        opened(tmp_path / "home", NARROW) as home,
        pytest.raises(UsageError, match=r"declare one as \[object\.narrow\.source\]"),
    ):
        pull(home, NARROW)

"""A change of what rows hold comes with a higher catalogue version, or nothing is generated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools import catalogue_versions
from tools.catalogue_versions import fingerprint, unversioned
from tools.generate import main, write
from trunkline.objects.model import Object, own_column
from trunkline.objects.post_call.call import CALL

FILE = "sql/catalogue/call.txt"
COLUMNS = {column.name: column for column in CALL.columns}


def changed(**columns: object) -> Object:
    """The object of calls with some columns replaced; None removes one."""
    kept = COLUMNS | columns
    return replace(CALL, columns=tuple(column for column in kept.values() if column is not None))


CHANGES = {
    "a new column": (changed(tone=own_column("tone", "payload.tone", "Tone.")), "tone"),
    "a column that is gone": (changed(medium=None), "medium"),
    "another type": (changed(site_id=replace(COLUMNS["site_id"], type="text")), "site_id"),
    "another path": (changed(medium=replace(COLUMNS["medium"], path=("payload", "media"))), "medium"),
    "another class of personal data": (changed(file_name=replace(COLUMNS["file_name"], pii="direct")), "file_name"),
    "another version column": (replace(CALL, version="record_loaded_at"), "version"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_without_a_higher_version_is_named(name: str, tmp_path: Path) -> None:
    """The line names the object, what changed and the version to go above; a higher version is accepted."""
    obj, column = CHANGES[name]
    write(tmp_path, {FILE: fingerprint(CALL)})
    (line,) = unversioned(tmp_path, {FILE: fingerprint(obj)})
    assert line.startswith(f"unversioned call: {column} changed; raise catalogue_version above 1")
    assert unversioned(tmp_path, {FILE: fingerprint(replace(obj, catalogue_version=2))}) == []
    lower = {FILE: fingerprint(replace(obj, catalogue_version=0))}
    assert len(unversioned(tmp_path, lower)) == 1


def test_wording_needs_no_version(tmp_path: Path) -> None:
    """A meaning, unit or source is text for people: rows stay as they are."""
    worded = changed(medium=replace(COLUMNS["medium"], meaning="Other words.", unit="kind", source="elsewhere"))
    write(tmp_path, {FILE: fingerprint(CALL)})
    assert unversioned(tmp_path, {FILE: fingerprint(worded)}) == []


def test_nothing_is_generated_until_the_version_is_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make golden` refuses, exit 1, and leaves the old files; with the version raised it writes."""
    root = ["--root", str(tmp_path)]
    assert main(root) == 0
    before = (tmp_path / FILE).read_text()
    obj = CHANGES["a new column"][0]
    monkeypatch.setitem(catalogue_versions.OBJECTS, "call", obj)
    assert main(root) == 1
    assert "raise catalogue_version" in capsys.readouterr().out
    assert (tmp_path / FILE).read_text() == before
    monkeypatch.setitem(catalogue_versions.OBJECTS, "call", replace(obj, catalogue_version=2))
    assert main(root) == 0
    assert "tone  text  payload.tone" in (tmp_path / FILE).read_text()

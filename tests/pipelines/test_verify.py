"""`ledger verify` notices every change of a certificate's documents, and of the contacts that it is over."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from homes import load_into, opened, write
from registers import NOON, TALLY, Memory, tally

from trunkline.completeness.certificates import document_hash
from trunkline.completeness.periods import settle_rule
from trunkline.errors import TerminalError
from trunkline.pipelines.connect.reconcile import ReconcileRequest, ReconcileResult, reconcile
from trunkline.pipelines.connect.verify import verify_all
from trunkline.pipelines.home import Home

pytestmark = pytest.mark.timeout(300)
RULE = settle_rule((6, 24, 72))
DAY, BEFORE = "2026-03-03", "2026-03-02"
FOLDER = "_ledger/certificate/tally/memory"
Change = Callable[[Path], object]


class Closed:
    """A home whose day has a certificate over `a` and `b`, as the day before has one over `z`."""

    def __init__(self, path: Path, home: Home, register: Memory) -> None:
        self.path, self.home, self.register = path, home, register

    def run(self) -> ReconcileResult:
        self.register.now += timedelta(hours=1)
        return reconcile(self.home, TALLY, self.register.at(self.home), ReconcileRequest(self.register.now, RULE))

    def amend(self, id_: str) -> None:
        load_into(self.home, write(self.path / id_, tally(id_)), obj=TALLY)
        assert self.run().amended == (DAY,)

    def document(self, number: int = 0, day: str = DAY) -> Path:
        return self.path / "home" / "lake" / FOLDER / day / f"{number:05}.json"

    def faults(self) -> dict[str, tuple[str, ...]]:
        """By period, where there are any."""
        return {verdict.name: verdict.faults for verdict in verify_all(self.home, TALLY) if verdict.faults}


@cache
def _template(amendments: tuple[str, ...]) -> tuple[tempfile.TemporaryDirectory[str], Memory]:
    """A folder with the home and its register, made once."""
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name)
    with opened(path / "home", TALLY) as home:
        records = tally("z", NOON - timedelta(days=1)), tally("a"), tally("b")
        load_into(home, write(path / "first", *records), obj=TALLY)
        made = Closed(path, home, Memory.of(records, NOON + timedelta(days=4)))
        made.run()
        for id_ in amendments:
            made.amend(id_)
        assert made.faults() == {}
    return folder, replace(made.register, home=None)


@contextmanager
def closed(path: Path, *amendments: str) -> Iterator[Closed]:
    """A copy of the home with its certificate, and of its register."""
    folder, register = _template(amendments)
    shutil.copytree(folder.name, path, dirs_exist_ok=True)
    with opened(path / "home", TALLY) as home:
        yield Closed(path, home, deepcopy(register))


@pytest.mark.parametrize("amendments", [(), ("c",)])
def test_another_end_in_the_warehouse_is_a_fault(tmp_path: Path, amendments: tuple[str, ...]) -> None:
    """A certified contact's end is changed in the warehouse alone, within its day: lake and warehouse differ."""
    with closed(tmp_path, *amendments) as made:
        made.home.con.execute("UPDATE connect.f_tally SET ended_at = ended_at + INTERVAL 1 HOUR WHERE id = 'b'")
        (fault,) = made.faults()[DAY]
        assert fault.startswith("1 certified contacts have another end in the warehouse than in the lake")
        assert fault.endswith(": b")
        assert [(record.name, record.gone) for record in made.run().records if record.gone] == [(DAY, 1)]


def edit(name: str, value: object) -> Change:
    """Change one value of a document, and leave the rest as it is."""

    def change(path: Path) -> None:
        lines = path.read_text().splitlines(keepends=True)
        found = [line for line in lines if line.strip().startswith(f'"{name}":')]
        assert len(found) == 1
        end = ",\n" if found[0].rstrip().endswith(",") else "\n"
        indent = found[0][: len(found[0]) - len(found[0].lstrip())]
        lines[lines.index(found[0])] = f'{indent}"{name}": {json.dumps(value)}{end}'
        path.write_text("".join(lines))

    return change


def reseal(path: Path) -> None:
    """Change a document and give it the hash that it should have: only another place can know."""
    edit("code_version", "9.9.9")(path)
    document = json.loads(path.read_text())
    blank = path.read_text().replace(document["document_sha256"], "")
    path.write_text(blank.replace('"document_sha256": ""', f'"document_sha256": "{document_hash(blank.encode())}"'))


EDITS: dict[str, Change] = {
    "listed": edit("listed", 99),
    "lake": edit("lake", 3),
    "closed_at": edit("closed_at", "2026-03-07T14:00:00Z"),
    "listed_as_of": edit("listed_as_of", "2026-03-09T12:00:00Z"),
    "own hash": edit("document_sha256", "0" * 64),
    "a space": lambda path: path.write_text(path.read_text() + " "),
    "resealed": reseal,
}


@pytest.mark.parametrize("change", EDITS)
def test_an_edited_certificate_without_amendments_is_a_fault(tmp_path: Path, change: str) -> None:
    """Counts, times or anything else in it, even with a fitting hash: the warehouse's ledger has the hash of it."""
    with closed(tmp_path) as made:
        EDITS[change](made.document())
        assert list(made.faults()) == [DAY]


@pytest.mark.parametrize("change", ["closed_at", "resealed", "a space"])
def test_the_next_certificate_knows_the_one_before(tmp_path: Path, change: str) -> None:
    """The hash of a certificate is in that of the next day: without the warehouse's ledger, a change is still seen."""
    with closed(tmp_path) as made:
        made.home.con.execute("DELETE FROM ledger.certificate")
        EDITS[change](made.document(0, BEFORE))
        assert made.faults()[DAY] == (
            f"the certificate of {BEFORE}, which this one was written after, was changed or removed",
        )


def test_an_edited_last_amendment_is_a_fault(tmp_path: Path) -> None:
    """Nothing comes after it in the lake that has its hash; its own and the warehouse's have."""
    with closed(tmp_path, "c", "d") as made:
        edit("appended_at", "2026-03-08T00:00:00Z")(made.document(2))
        faults = made.faults()[DAY]
        assert any("00002.json was changed" in fault for fault in faults)


@pytest.mark.parametrize("removed", [(1,), (2,), (1, 2), (0,), (0, 1, 2)])
def test_a_removed_document_is_a_fault(tmp_path: Path, removed: tuple[int, ...]) -> None:
    """The last amendment, one in the middle, the certificate, or all of them."""
    with closed(tmp_path, "c", "d") as made:
        for number in removed:
            made.document(number).unlink()
        assert DAY in made.faults()


def test_a_removed_amendment_is_not_hidden_by_the_next_one(tmp_path: Path) -> None:
    """Reconcile appends nothing to a chain that lacks its end, and says what to do."""
    with closed(tmp_path, "c", "d") as made:
        made.document(2).unlink()
        load_into(made.home, write(tmp_path / "e", tally("e")), obj=TALLY)
        with pytest.raises(TerminalError, match=f"{DAY} cannot be amended.*changed or removed.*backup"):
            made.run()
        assert not made.document(2).exists()


def test_a_period_without_anything_in_the_lake_is_still_named(tmp_path: Path) -> None:
    """Certificate, pairs and state are removed: the warehouse's ledger knows that there was one."""
    with closed(tmp_path) as made:
        lake = tmp_path / "home" / "lake"
        for path in [
            *(lake / FOLDER / DAY).iterdir(),
            lake / "_ledger" / "period" / "tally" / "memory" / f"{DAY}.json",
        ]:
            path.unlink()
        assert "is missing from the lake" in made.faults()[DAY][0]


@pytest.mark.parametrize("content", [b"", b"garbage", b"{}", b'{"format": 2', b"\xff\xfe"])
@pytest.mark.parametrize("number", [0, 1])
def test_a_document_that_cannot_be_read_is_named_and_the_others_are_checked(
    tmp_path: Path, number: int, content: bytes
) -> None:
    """The fault has the document's key, and the other days have a verdict."""
    with closed(tmp_path, "c") as made:
        made.document(number).write_bytes(content)
        verdicts = {verdict.name: verdict for verdict in verify_all(made.home, TALLY)}
        (fault,) = verdicts[DAY].faults
        assert f"{FOLDER}/{DAY}/{number:05}.json" in fault
        assert verdicts[BEFORE].holds


def test_a_certificate_of_the_first_format_is_still_verified(tmp_path: Path) -> None:
    """Written before documents had a hash of themselves, it holds, is amended, and has its hash in the ledger from then."""
    with closed(tmp_path) as made:
        path = made.document()
        document = json.loads(path.read_text())
        del document["previous"], document["document_sha256"]
        path.write_text(json.dumps(document | {"format": 1}, indent=1) + "\n")
        made.home.con.execute("DELETE FROM ledger.certificate")
        assert made.faults() == {}
        made.amend("c")
        assert made.faults() == {}
        path.write_text(path.read_text().replace('"lake": 2', '"lake": 3'))
        assert list(made.faults()) == [DAY]


def test_a_run_killed_before_the_ledger_knows_the_amendment_is_no_fault(tmp_path: Path) -> None:
    """The lake has a document more than the warehouse's ledger: it holds, and the next run writes the hash down."""
    with closed(tmp_path) as made:
        head = made.home.con.execute(f"SELECT * FROM ledger.certificate WHERE period_start = '{DAY}'").fetchall()
        made.amend("c")
        made.home.con.execute(
            f"UPDATE ledger.certificate SET documents = 1, head = '{head[0][-1]}' WHERE period_start = '{DAY}'"
        )
        assert made.faults() == {}

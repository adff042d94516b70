"""`reconcile` and `ledger` as people start them, against the emulated API over HTTP."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from connect import MODEL, simulated

import trunkline
from trunkline import clock
from trunkline.cli.main import run
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi

# A dozen commands, each of which opens the warehouse, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)
NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
DAY = "2026-03-03"
RATE = 1000.0


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[ConnectApi]:
    """The simulated day five days later, with quotas so high that nothing waits."""
    started = clock.now()
    monkeypatch.setattr(clock, "now", lambda real=clock.now: NOW + (real() - started))
    quotas = Quotas(lambda: clock.now().timestamp(), dict.fromkeys(("SearchContacts", "DescribeContact"), (RATE, RATE)))
    made = ConnectApi([simulated(24)], lambda: clock.now().timestamp(), quotas=quotas, check=MODEL("connect"))
    with served(made) as made.url:
        yield made


@pytest.fixture
def ask(api: ConnectApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A command in a home whose variables name the instance; its exit code, data and notes."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TRUNKLINE_CONNECT_INSTANCES", INSTANCE_ARN)
    monkeypatch.setenv("TRUNKLINE_CONNECT_ENDPOINT", api.url)
    monkeypatch.setenv("TRUNKLINE_CONNECT_QUOTA", "SearchContacts=1000,DescribeContact=1000")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    def asked(*words: str) -> tuple[int, str, str]:
        code = run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return asked


def test_the_python_api_reconciles_and_heals(ask, api: ConnectApi, tmp_path: Path) -> None:
    """The same job as the command's: periods with counts, then nothing missing."""
    ids = sorted(simulated(24).contacts)
    stream = tmp_path / "stream.json"
    stream.write_text("".join(json.dumps(simulated(24).contacts[key].record_at(NOW.timestamp())) for key in ids[3:]))
    with trunkline.open() as home:
        home.load("contact_record", stream)
        (found,) = home.reconcile(since="2026-03-02")
        assert (found.missing, found.is_complete) == (3, False)
        assert DAY in {record.name for record in found.records}
        (healed,) = home.reconcile(heal=True)
        assert (healed.healed, healed.missing, healed.is_complete) == (3, 0, True)
        assert home.sql("SELECT count(*) AS contacts FROM contact_record").rows() == [(24,)]


def test_a_day_from_gap_to_certificate(ask, api: ConnectApi, tmp_path: Path) -> None:
    """Plan, gap (exit 1), heal (exit 0), certificate, verification, doctor and report; then a lake that lost files."""
    ids = sorted(simulated(24).contacts)
    lost = ids[2:20:6]
    stream = tmp_path / "stream.json"
    stream.write_text(
        "".join(json.dumps(simulated(24).contacts[one].record_at(NOW.timestamp())) for one in ids if one not in lost)
    )
    assert ask("ledger", "verify")[2].startswith("No day is closed yet")
    assert ask("load", "contact_record", str(stream))[0] == 0
    code, out, _ = ask("reconcile", "--dry-run", "--output", "json")
    assert (code, json.loads(out)[0]["periods"], api.count()) == (0, 6, {})

    code, out, err = ask("reconcile")
    assert code == 1
    assert all(one in out for one in lost)
    assert "3 contacts are missing: trunkline reconcile --heal fetches them." in err
    code, out, _ = ask("ledger", "show", "--output", "json")
    day = json.loads(out)[0]
    assert (code, day["state"], day["listed"], day["lake"], day["missing"]) == (0, "settling", 24, 21, 3)
    assert [(one["id"], one["why"]) for one in day["findings"]] == [(one, "never seen") for one in lost]
    assert "3 contacts of 1 day missing" in ask("doctor")[1]

    code, out, err = ask("reconcile", "--heal")
    assert (code, "Fetched 3 contacts through the API." in err, "Nothing is missing." in err) == (0, True, True)
    _, out, _ = ask(
        "sql",
        f"SELECT contact_id || ' ' || strftime(disconnect_timestamp, '%Y-%m-%dT%H:%M:%SZ') FROM f_calls WHERE CAST(disconnect_timestamp AS DATE) = '{DAY}'",
        "--output",
        "csv",
    )
    lines = sorted(out.splitlines()[1:])
    told = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert told in ask("ledger", "show", DAY)[1]
    code, out, _ = ask("ledger", "verify", DAY, "--output", "json")
    verdict = json.loads(out)[0]
    assert (code, verdict["verdict"], verdict["pairs"], verdict["sha256"]) == (0, "holds", len(lines), told)
    code, out, _ = ask("doctor")
    assert (code, "nothing is missing (compared 2026-03-08" in out) == (0, True)
    page = tmp_path / "report.html"
    assert ask("report", "--since", DAY, "--zone", "UTC", "--out", str(page))[0] == 0
    assert (
        f"certified on 2026-03-08: everything that Connect lists is present, {len(lines)} contacts, 3 of them"
        in page.read_text()
    )
    assert told[:16] in page.read_text()

    for path in (tmp_path / "home" / "lake" / "connect_datalake").rglob("*.parquet"):
        path.unlink()
    code, out, _ = ask("ledger", "verify", DAY)
    assert (code, "no longer held by both lake and warehouse" in out) == (1, True)


def test_a_run_says_first_what_takes_time(ask, api: ConnectApi) -> None:
    """Without a terminal there is no bar: the calls and the time are in a line before the first call."""
    _, _, err = ask("reconcile", "--since", DAY)
    assert err.splitlines()[0] == (
        "Listing contacts of 6 days, at least 1 call of the Connect API: less than a minute at our share of the account's "
        "quota (connect_share)."
    )
    _, _, err = ask("reconcile", "--heal")
    assert "Fetching what is missing: 24 contacts, one call each." in err.splitlines()
    _, _, err = ask("reconcile")
    assert err.startswith("Listing contacts of 1 day, at least 1 call")  # what passed meanwhile


def test_what_heal_does_not_fetch_is_said(ask, tmp_path: Path) -> None:
    """Contacts that the lake has and the warehouse lacks are told apart from those that the API can give."""
    ids = sorted(simulated(24).contacts)
    records = {id_: json.dumps(simulated(24).contacts[id_].record_at(NOW.timestamp())) for id_ in ids}
    stream = tmp_path / "stream.json"
    stream.write_text("".join(records[id_] for id_ in ids[1:]))
    ask("load", "contact_record", str(stream))
    with duckdb.connect(str(tmp_path / "home" / "warehouse.duckdb")) as con:
        con.execute("DELETE FROM connect.f_calls WHERE contact_id IN ($1, $2)", ids[-2:])
    code, _, err = ask("reconcile", "--since", DAY)
    assert code == 1
    assert "1 contact is missing: trunkline reconcile --heal fetches them." in err
    advice = (
        "2 contacts are in the lake, but not in the warehouse, or there with another end. --heal does not fetch them"
    )
    assert advice in err
    code, _, err = ask("reconcile", "--heal")
    assert (code, "Fetched 1 contacts" in err, advice in err) == (1, True, True)
    assert ask("warehouse", "rebuild")[0] == 0
    assert ask("reconcile", "--heal")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ledger", "show", "yesterday"), "is no day that was reconciled"),
        (("ledger", "verify", "2026-03-03"), "has no certificate of '2026-03-03'"),
        (("reconcile", "--since", "soon"), "--since 'soon' is not a valid date or time"),
        (("reconcile", "--since", "2027-01-01"), "is in the future"),
        (("reconcile", "--since", "2020-01-01"), "further back than Connect lists"),
        (("reconcile", "--instance", "mine"), "is not the ARN of a Connect instance"),
    ],
)
def test_mistakes_are_explained(ask, words: tuple[str, ...], said: str) -> None:
    """Exit 2, and what would be valid."""
    code, _, err = ask(*words)
    assert (code, said in err) == (2, True), err


def test_ages_that_never_settle_are_refused(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is checked before any call."""
    monkeypatch.setenv("TRUNKLINE_SETTLE_HOURS", "24,6")
    code, _, err = ask("reconcile")
    assert (code, "settle_hours is [24, 6]" in err) == (2, True)


def test_a_second_run_makes_no_call_again(ask, api: ConnectApi) -> None:
    """What was listed at its age is not listed again; only what passed since is."""
    ask("reconcile", "--since", "2026-03-03")
    first = api.count()["SearchContacts"]
    ask("reconcile")
    assert first == 1  # the days are listed together
    assert api.count()["SearchContacts"] - first <= 1

"""`collect` and `run` as people start them, against the emulated API over HTTP, and the Lambda function."""

from __future__ import annotations

import doctest
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from collecting import at, service
from connect import DAY, MODEL, emulator, simulated
from homes import settings_of
from virtual_clock import VirtualClock

from trunkline import clock
from trunkline.cli.ingest import collect
from trunkline.cli.main import run
from trunkline.handlers.collect import handler
from trunkline.pipelines.connect.collect import collect_until
from trunkline.simulator.centre.centre import INSTANCE_ARN, INSTANCE_ID
from trunkline.simulator.connect_api.answers import Quotas
from trunkline.simulator.connect_api.http import served
from trunkline.simulator.connect_api.instance import ConnectApi

FAST = dict.fromkeys(
    ("SearchContacts", "DescribeContact", "ListQueues", "ListUsers", "ListUserHierarchyGroups"), 1000.0
)


@pytest.fixture
def api() -> Iterator[ConnectApi]:
    """The simulated day, with quotas so high that nothing waits."""

    def now_s() -> float:
        return clock.now().timestamp()

    made = ConnectApi(
        [simulated(24)], now_s, quotas=Quotas(now_s, dict.fromkeys(FAST, (1000.0, 1000.0))), check=MODEL("connect")
    )
    with served(made) as made.url:
        yield made


@pytest.fixture
def ask(api: ConnectApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A command in a home whose variables name the instance; its exit code, data and notes."""
    monkeypatch.setenv("TRUNKLINE_HOME", str(tmp_path))
    monkeypatch.setenv("TRUNKLINE_CONNECT_INSTANCES", INSTANCE_ARN)
    monkeypatch.setenv("TRUNKLINE_CONNECT_ENDPOINT", api.url)
    monkeypatch.setenv("TRUNKLINE_CONNECT_QUOTA", ",".join(f"{name}={rate}" for name, rate in FAST.items()))

    def asked(*words: str) -> tuple[int, str, str]:
        code = run(words)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    return asked


RANGE = ("--since", "2026-03-03", "--until", "2026-03-04T12:00")


def test_a_plan_then_the_run_then_nothing_more(ask, api: ConnectApi) -> None:
    """The dry run calls once and writes nothing; the run does what it estimated; afterwards nothing is missing."""
    code, out, err = ask("collect", *RANGE, "--dry-run", "--output", "json")
    (planned,) = json.loads(out)
    assert code == 0
    assert (planned["contacts"], planned["held"], planned["describe_calls"]) == (24, 0, 24)
    assert planned["search_calls"] == 2
    assert "Nothing was written" in err
    assert api.count() == {"SearchContacts": 1}
    code, out, err = ask("collect", *RANGE)
    assert (code, out) == (0, f"{INSTANCE_ID}: 24 records read = 24 inserted\n")
    assert "Described: 24 not held." in err
    assert api.count()["DescribeContact"] == 24
    assert api.count()["SearchContacts"] - 1 <= planned["search_calls"]
    code, out, _ = ask("collect", *RANGE, "--dry-run", "--output", "json")
    assert json.loads(out)[0]["held"] >= 15
    code, _, err = ask("metric", "query", "contacts_handled")
    assert "based on 0 exported records and 24 rows from the API" in err
    code, out, _ = ask("sql", "SELECT record_fidelity, count(*) AS n FROM f_calls GROUP BY 1", "--output", "json")
    assert json.loads(out) == [{"record_fidelity": "api", "n": 24}]


def test_durations_are_spelled() -> None:
    """The docstring's examples are as it says, and no plural is wrong."""
    assert doctest.testmod(collect).failed == 0
    spelled = [collect.spell_duration(seconds) for seconds in range(0, 20_000, 30)]
    assert not [text for text in spelled if re.search(r"\b(1 \w+s|(?!1 )\d+ (hour|minute))\b", text)]
    assert collect.spell_duration(60) == "about 1 minute"


def test_the_scheduled_run_starts_with_the_last_window(ask) -> None:
    """`run contact_record` in a new home: the window before now, which is empty; then nothing is due."""
    code, out, _ = ask("run", "contact_record", "--output", "json")
    assert code == 0
    assert json.loads(out)[0]["through"] <= clock.now().isoformat()
    assert ask("run", "contact_record")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("collect", "--since", "soon"), "--since 'soon' is not a valid date or time"),
        (("collect", "--since", "2026-03-03", "--until", "2026-03-02"), "--until must be later"),
        (("collect", "--since", "2019-03-03", "--until", "2019-03-04"), "goes back two years"),
        (("collect", *RANGE, "--instance", "my-centre"), "not the ARN of a Connect instance"),
        (("run", "call"), "call has no source to run from: name one in the setting run_sources"),
        (("run", "contact_record", "--instance", f"{INSTANCE_ARN}/queue/1"), "not the ARN of a Connect instance"),
    ],
)
def test_mistakes_are_explained(ask, words: tuple[str, ...], said: str) -> None:
    """Exit 2, and what would be valid."""
    code, _, err = ask(*words)
    assert code == 2
    assert said in err


def test_a_quota_of_nothing_is_refused(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt operation would leave its quota as it is, unseen."""
    monkeypatch.setenv("TRUNKLINE_CONNECT_QUOTA", "SearchContact=2")
    code, _, err = ask("run", "contact_record")
    assert code == 2
    assert "connect_quota names SearchContact; valid are SearchContacts, " in err


def test_without_an_instance_it_says_how_to_get_one(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting, the option, and the emulator."""
    monkeypatch.delenv("TRUNKLINE_CONNECT_INSTANCES")
    code, _, err = ask("collect", *RANGE)
    assert code == 2
    assert "TRUNKLINE_CONNECT_INSTANCES" in err
    assert "--serve-connect" in err


def test_a_failing_instance_does_not_stop_the_others(ask) -> None:
    """An instance that does not exist: its error and exit 1; the other one is collected."""
    other = INSTANCE_ARN.replace(INSTANCE_ID, "00000000-0000-4000-8000-000000000000")
    code, out, err = ask("collect", *RANGE, "--instance", other, "--instance", INSTANCE_ARN)
    assert code == 1
    assert "24 inserted" in out
    assert f"{other} does not exist" in err


class Context:
    """Lambda's."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def test_the_lambda_function_answers_per_instance(ask) -> None:
    """Settings from the environment; `through`, counts and calls in the answer, as JSON has them."""
    answer = handler({"source": "aws.scheduler"}, Context())
    assert json.loads(json.dumps(answer))["instances"][0]["instance"] == INSTANCE_ARN
    assert answer["is_done"] is True


def test_a_lambda_without_time_leaves_everything_to_the_next_run(tmp_path: Path) -> None:
    """Too little is left for one call: nothing is called, the watermark stays, and the next run takes it all."""
    virtual = VirtualClock(DAY.timestamp() + 19.7 * 3600)
    api = emulator(simulated(24), virtual)
    settings = settings_of(tmp_path, connect_instances=INSTANCE_ARN, connect_share=1.0)
    assert collect_until(settings, 46.0, service(api, virtual))["is_done"] is False
    assert api.calls == []
    answer = collect_until(settings, 900.0, service(api, virtual))
    (one,) = answer["instances"]
    assert one["is_done"] is True
    assert one["through"] == at(DAY.timestamp() + 19 * 3600).isoformat()
    assert one["counts"]["inserted"] == one["listed"] > 0

"""Collecting a simulated day of 50,000 contacts through the emulated API: calls, and what the client adds to the quota.

Waiting for the quota takes no time: the clock jumps. Work (the client, flattening, putting, merging, and the emulator,
which is not the client's) passes on it as it really does. Bounds: calls of SearchContacts within 5 % of the pages that
hold the contacts, DescribeContact only for those that need it, and 2 % added to the time that half the quota, the default share, forces.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from measure import Line, scratch, show

from trunkline.limits import CONNECT_QUOTAS, SEARCH_PAGE_MAX
from trunkline.pipelines.connect.collect import Collector, CollectResult, ConnectService
from trunkline.pipelines.home import open_home
from trunkline.pipelines.jobs.load import load
from trunkline.settings.installation import Settings
from trunkline.simulator.centre.centre import INSTANCE_ARN
from trunkline.simulator.connect_api.answers import ApiError
from trunkline.simulator.connect_api.contacts import SimulatedInstance, simulate_instance
from trunkline.simulator.connect_api.instance import ConnectApi
from trunkline.simulator.run import simulate
from trunkline.simulator.spec import Spec
from trunkline.sources.connect_api import client as connect_client
from trunkline.sources.connect_api.quota import CallClock

DAY = date(2026, 3, 3)
SHARE = 0.5  # the setting's default
LATER = datetime(2026, 3, 20, tzinfo=UTC).timestamp()
SINCE, UNTIL = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)


class JumpingClock:
    """Real time, but for sleeping, which is over at once."""

    def __init__(self, now_s: float) -> None:
        self._ahead_s = now_s - time.monotonic()

    def now_s(self) -> float:
        return self._ahead_s + time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._ahead_s += seconds


def run(is_quick: bool) -> None:
    count = 3_000 if is_quick else 50_000
    spec = Spec(contacts=count, date=DAY)
    instance = simulate_instance(spec, INSTANCE_ARN)
    with scratch() as folder:
        _measure("no stream: every contact is missing", instance, folder / "empty")
        simulate(spec, folder / "files")
        paths = sorted((folder / "files").rglob("connect-contact-records*"))
        _measure(
            "one file in ten was lost", instance, folder / "home", [str(one) for one in paths if hash_of(one) % 10]
        )


def hash_of(path: Path) -> int:
    return sum(path.name.encode())


def _measure(what: str, instance: SimulatedInstance, home: Path, files: list[str] | None = None) -> None:
    clock = JumpingClock(LATER)
    api = ConnectApi([instance], clock.now_s)
    given = ConnectService(CallClock(clock.now_s, clock.sleep), lambda one: invoke)

    def invoke(operation: str, parameters: object) -> dict[str, object]:
        try:
            return api.call(operation, dict(parameters))  # type: ignore[call-overload]
        except ApiError as error:
            raise connect_client.CallError(error.code, error.status, error.message) from error

    settings = Settings.load(home, {"TRUNKLINE_THREADS": "1"})
    with open_home(settings) as opened:
        obj = opened.objects["contact_record"]
        if files:
            load(opened, obj, files)
        collector = Collector(opened, obj, given)
        begun_s, started = clock.now_s(), time.monotonic()
        done = collector.collect(connect_client.parse_instance(INSTANCE_ARN, {}), SINCE, UNTIL)
        real_s = time.monotonic() - started
        whole_s = clock.now_s() - begun_s
    _show(what, len(instance.contacts), done, whole_s, real_s)


def _show(what: str, contacts: int, done: CollectResult, whole_s: float, real_s: float) -> None:
    assert done.is_done
    assert done.tally.listed == contacts
    pages = -(-contacts // SEARCH_PAGE_MAX)
    searches, described = done.calls["SearchContacts"], done.calls.get("DescribeContact", 0)
    forced_s = max(
        done.calls[name] / (CONNECT_QUOTAS[name][0] * SHARE) for name in CONNECT_QUOTAS if name in done.calls
    )
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in done.tally.described.items())
    show(
        f"collecting a day of {contacts:,} contacts: {what}",
        [
            Line("calls of SearchContacts", searches, "calls", searches / pages, f"1.05x of {pages:,} pages at most"),
            Line(
                "calls of DescribeContact",
                described,
                "calls",
                described / max(1, sum(done.tally.described.values())),
                reasons,
            ),
            Line("time that half the quota forces", forced_s, "s", 1.0, ""),
            Line("time that it took", whole_s, "s", whole_s / forced_s, "1.02x at most"),
            Line("work in it", real_s, "s", real_s / forced_s, "the emulator's included"),
        ],
    )


if __name__ == "__main__":
    run("--quick" in sys.argv)

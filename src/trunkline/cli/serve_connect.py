"""`trunkline simulate --serve-connect`: a Connect API on this machine, for people without an instance."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trunkline.cli import output
from trunkline.cli.output import Format
from trunkline.errors import TerminalError, UsageError

if TYPE_CHECKING:
    from trunkline.simulator.spec import Spec


def serve(spec: Spec, port: int, quotas: Sequence[str], output_format: Format) -> None:
    """Serve the API of the simulated centre on a loopback port until Ctrl-C."""
    from trunkline import clock
    from trunkline.aws.service_model import checker
    from trunkline.simulator.centre.centre import INSTANCE_ARN, stamp
    from trunkline.simulator.connect_api.contacts import instance_of
    from trunkline.simulator.connect_api.http import served
    from trunkline.simulator.connect_api.instance import ConnectApi
    from trunkline.simulator.connect_api.quota import Quotas

    def now_s() -> float:
        return clock.now().timestamp()

    changed = _changed(quotas)
    instance = instance_of(spec, INSTANCE_ARN)
    api = ConnectApi([instance], now_s, quotas=Quotas(now_s, changed), check=checker("connect"))
    try:
        with served(api, port) as url:
            fields = {
                "endpoint": url, "instance": INSTANCE_ARN, "contacts": len(instance.contacts),
                "since": stamp(spec.start_s), "until": stamp(spec.end_s),
            }  # fmt: skip
            output.record(fields, output_format)
            output.flush()
            output.note("Serving the Connect API; stop with Ctrl-C.")
            threading.Event().wait()
    except KeyboardInterrupt:
        output.note("")
        for operation, count in sorted(api.count().items()):
            output.note(f"{operation}: {count:,} calls answered")
    except OSError as error:
        raise TerminalError(
            f"port {port} of this machine cannot be had: {error.strerror}; name another with --port"
        ) from error


def _changed(given: Sequence[str]) -> dict[str, tuple[float, float]]:
    """`SearchContacts=5` as calls a second, with a burst of as many."""
    from trunkline.simulator.connect_api.instance import OPERATIONS

    changed: dict[str, tuple[float, float]] = {}
    for one in given:
        name, _, rate = one.partition("=")
        try:
            value = float(rate)
        except ValueError:
            value = 0.0
        if name not in OPERATIONS or not 0 < value <= 100_000:
            raise UsageError(
                f"--quota is {one!r}; valid is OPERATION=CALLS_A_SECOND, such as SearchContacts=5, with one of "
                f"{', '.join(OPERATIONS)}"
            )
        changed[name] = (value, max(1.0, value))
    return changed

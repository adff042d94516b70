"""The explicit list of stores: which scheme of a URL is opened by what. A store is one module and one line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from trunkline.errors import UsageError
from trunkline.live.stores.influx import InfluxStore
from trunkline.live.stores.memory import MemoryStore
from trunkline.live.stores.model import SeriesStore
from trunkline.live.stores.prometheus import PrometheusStore
from trunkline.live.stores.timestream import TimestreamStore, address_of

STORES: Final[dict[str, Callable[[str, str | None], SeriesStore]]] = {
    "memory": lambda url, token: MemoryStore(),
    "prometheus": lambda url, token: PrometheusStore(),
    "influx+http": InfluxStore,
    "influx+https": InfluxStore,
    "timestream": lambda url, token: TimestreamStore(address_of(url)),
}
EXAMPLES: Final = (
    "memory:",
    "prometheus:",
    "influx+http://host:8086/database",
    "influx+http://host:8086/bucket?org=name",
    "timestream://database/table?region=eu-west-1",
)


def open_store(url: str, token: str | None = None) -> SeriesStore:
    """The store of a URL; nothing is connected yet. Raises UsageError for a URL that is not valid."""
    scheme = urlsplit(url).scheme
    if scheme not in STORES:
        raise UsageError(f"{scheme!r} is no kind of live store; valid is a URL such as {' or '.join(EXAMPLES)}")
    return STORES[scheme](url, token)

"""The explicit list of targets: which scheme of the setting `warehouse` is opened by what."""

from __future__ import annotations

import importlib
import shlex
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from trunkline.engines.catalogue import find
from trunkline.engines.model import Engine
from trunkline.errors import UsageError
from trunkline.limits import LOAD_BATCHES_MAX
from trunkline.urls import WAREHOUSE_URLS
from trunkline.warehouse.model import Opening, Readable, Warehouse


@dataclass(frozen=True, slots=True)
class Target:
    """One kind of warehouse.

    `module` of this package opens it: `open_warehouse(opening)` to change it, `open_reader(opening)` to ask it; it is
    imported when it is used. `packages` are what it needs beside the runtime, an extra in pyproject.toml.
    `is_embedded`: one file, owned by one process, which installs itself; another one is a server. `merge_batches_max`
    are the batches merged in one transaction: each merge plans a dozen statements over every column of the table.
    """

    engine_name: str
    module: str
    packages: tuple[str, ...] = ()
    is_embedded: bool = False
    merge_batches_max: int = 16

    @property
    def engine(self) -> Engine:
        """The SQL that it speaks."""
        return find(self.engine_name)

    def open_warehouse(self, opening: Opening) -> AbstractContextManager[Warehouse]:
        """The warehouse, to change it."""
        opener: Callable[[Opening], AbstractContextManager[Warehouse]] = self._function("open_warehouse")
        return opener(opening)

    def open_reader(self, opening: Opening) -> AbstractContextManager[Readable]:
        """The warehouse, to ask it. Raises TerminalError when there is none yet."""
        opener: Callable[[Opening], AbstractContextManager[Readable]] = self._function("open_reader")
        return opener(opening)

    def _function(self, name: str) -> Callable[[Opening], AbstractContextManager[Warehouse]]:
        try:
            module = importlib.import_module(f"trunkline.warehouse.{self.module}")
        except ModuleNotFoundError as error:
            if not self.packages or (error.name or "").startswith("trunkline"):
                raise
            raise UsageError(
                f"a {self.engine_name} warehouse needs {error.name}, which is not installed: "
                f"{sys.executable} -m pip install {' '.join(map(shlex.quote, self.packages))}"
            ) from None
        function: Callable[[Opening], AbstractContextManager[Warehouse]] = getattr(module, name)
        return function


# Each merge writes the table's last row group anew, and plans an INSERT of every column: of contact records 48 batches
# take 31 us of CPU a row, 16 take 40; 32 need 300 MB, 48 some 340.
EMBEDDED_BATCHES_MAX: Final = 32

TARGETS: Final[dict[str, Target]] = {
    "duckdb": Target("duckdb", "duckdb.warehouse", is_embedded=True, merge_batches_max=EMBEDDED_BATCHES_MAX),
    "postgresql": Target("postgres", "postgres.warehouse", packages=("adbc-driver-postgresql", "psycopg[binary]")),
    "redshift+data": Target("redshift", "redshift.warehouse", merge_batches_max=LOAD_BATCHES_MAX),
    "redshift": Target("redshift", "redshift.wire", packages=("psycopg[binary]",), merge_batches_max=LOAD_BATCHES_MAX),
}


def target_of(url: str) -> Target:
    """The target of a warehouse's URL, by its scheme. Raises UsageError naming the valid ones."""
    scheme = urlsplit(url).scheme
    if scheme not in TARGETS:
        examples = " or ".join(WAREHOUSE_URLS[scheme] for scheme in TARGETS)
        raise UsageError(f"{scheme!r} is no kind of warehouse; valid is a URL such as {examples}")
    return TARGETS[scheme]

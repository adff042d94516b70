"""The hook of a user's object: called with the rows of a batch, and its answer checked before it takes their place.

What it returns is the same rows: as many, in the same order, with the same columns and types. The columns that say
which row it is, which copy of it and when it counts are as they were. Anything else, and an exception in the hook, is a
TerminalError: the batch stays planned, nothing of it is stored, and the next run repeats it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping

import duckdb

from trunkline.engines.duckdb import DUCKDB
from trunkline.errors import TerminalError
from trunkline.objects.hook import import_hook
from trunkline.objects.model import Json, Object
from trunkline.sql.flatten.statement import ROW
from trunkline.sql.relation import Relation, relation
from trunkline.table import Table

_RESULT = "hook_result"
_NULLS = '"NULL"'
"""DuckDB's name of Arrow's null type, which a column without values may have."""


class HookedRows:
    """Calls an object's hook over the rows of a flattener's connection."""

    def __init__(self, obj: Object, con: duckdb.DuckDBPyConnection) -> None:
        """Imports the hook. Raises TerminalError where that fails."""
        self._obj, self._con = obj, con
        self._name = obj.hook.name if obj.hook else ""
        self._columns = [column.name for column in obj.hooked_columns]
        try:
            self._function = import_hook(obj.hook) if obj.hook else None
        except ValueError as error:
            raise self._error(str(error)) from error
        self._file = getattr(sys.modules.get(getattr(self._function, "__module__", "")), "__file__", None)

    def apply(self, flat: Relation) -> Relation:
        """The rows with what the hook makes of them, in the order of the batch, each with the hash of what it is now.

        Raises TerminalError where the hook fails or returns anything but the same rows.
        """
        if self._function is None:
            return flat
        ordered = f"(SELECT * FROM {flat.sql} ORDER BY {ROW})"
        listed = ", ".join(map(_q, self._columns))
        given = Table(self._con.sql(f"SELECT {listed} FROM {ordered}"))
        result = self._call(given)
        self._check_shape(given, result)
        hooked = relation("hooked", flat.columns)
        self._con.register(_RESULT, result)
        try:
            self._check_types(flat)
            self._check_fixed(ordered)
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE {hooked.sql} AS {self._select(ordered)}")
        except duckdb.Error as error:
            raise self._error(f"it returned values that cannot be stored ({type(error).__name__})") from None
        finally:
            self._con.unregister(_RESULT)
        return hooked

    def _call(self, given: Table) -> Table:
        assert self._function is not None
        try:
            result = self._function(given)
        except Exception as error:  # noqa: BLE001 - a hook may raise anything; its message may quote a record
            frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this call
            own = [frame for frame in frames if frame.filename == self._file]
            frame = (own or frames)[-1]
            raise self._error(
                f"it raised {type(error).__name__} at {frame.filename}, line {frame.lineno} (its text is not shown, it "
                "may quote a record)"
            ) from None
        if not hasattr(result, "__arrow_c_stream__"):
            raise self._error(
                f"it returned {type(result).__name__}; return the table, or another object of Arrow's stream protocol, "
                "such as a table of pyarrow or a data frame of polars"
            )
        try:
            return Table(result)
        except Exception as error:  # noqa: BLE001 - of the library that the result is from
            raise self._error(f"what it returned cannot be read as Arrow data ({type(error).__name__})") from None

    def _check_shape(self, given: Table, result: Table) -> None:
        if len(result) != len(given):
            raise self._error(f"it returned {len(result)} rows for {len(given)}; return each row, in the same order")
        if result.columns == self._columns:
            return
        missing = [name for name in self._columns if name not in result.columns]
        extra = [name for name in result.columns if name not in self._columns]
        differs = [f"without {', '.join(missing)}"] * bool(missing) + [f"with {', '.join(extra)} too"] * bool(extra)
        raise self._error(
            f"it returned the columns {' and '.join(differs) or 'in another order or twice'}; return "
            f"{', '.join(self._columns)}"
        )

    def _check_types(self, flat: Relation) -> None:
        expected, returned = self._types(flat.sql), self._types(_RESULT)
        wrong = [
            f"{name} as {returned[name]}, not {wanted}"
            for name in self._columns
            if returned[name] not in (wanted := expected[name], _NULLS)
        ]
        if wrong:
            raise self._error(f"it returned {'; '.join(wrong)}; return the types of the columns that it gets")
        for name in (column.name for column in self._obj.hooked_columns if isinstance(column.type, Json)):
            query = f"SELECT count(*) FROM {_RESULT} WHERE NOT json_valid(CAST({_q(name)} AS VARCHAR))"
            ((count,),) = self._con.execute(query).fetchall()
            if count:
                raise self._error(f"it returned texts that are not JSON as {name} in {count} rows; return JSON texts")

    def _types(self, source: str) -> Mapping[str, str]:
        return {name: type_ for name, type_, *_ in self._con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    def _check_fixed(self, ordered: str) -> None:
        obj = self._obj
        roles = [*obj.key, obj.version, obj.event_time, obj.partition, obj.deleted]
        fixed = [name for name in dict.fromkeys(roles) if name in self._columns]
        counts = ", ".join(f"count(*) FILTER (f.{_q(name)} IS DISTINCT FROM h.{_q(name)})" for name in fixed)
        query = f"SELECT {counts or '0'} FROM {ordered} AS f POSITIONAL JOIN {_RESULT} AS h"
        changed = self._con.execute(query).fetchall()[0]
        wrong = [f"{name} in {count} rows" for name, count in zip(fixed, changed, strict=False) if count]
        if wrong:
            raise self._error(
                f"it changed {', '.join(wrong)}; key, version, event_time, partition and deleted must stay as they "
                "are, and rows in their order"
            )

    def _select(self, ordered: str) -> str:
        """The rows with the hook's values. The hash is over these, and over what the hook is not given."""
        values = [
            f"CAST(h.{_q(column.name)} AS {DUCKDB.type_of(column)}) AS {_q(column.name)}"
            for column in self._obj.hooked_columns
        ]
        texts = ", ".join(
            f"CAST(h.{_q(column.name)} AS VARCHAR)"
            if isinstance(column.type, str | Json)
            else f"CAST(to_json(h.{_q(column.name)}) AS VARCHAR)"
            for column in self._obj.hooked_columns
        )
        identity = f"md5(f.record_hash || CAST(to_json(CAST([{texts}] AS VARCHAR[])) AS VARCHAR)) AS record_hash"
        return (
            f"SELECT f.* REPLACE ({', '.join([identity, *values])}) FROM {ordered} AS f POSITIONAL JOIN {_RESULT} AS h"
        )

    def _error(self, problem: str) -> TerminalError:
        return TerminalError(
            f"the hook {self._name} of object {self._obj.name}: {problem}. Nothing of the batch was stored; correct "
            "the hook and run the same command again"
        )


def _q(name: str) -> str:
    return DUCKDB.quote(name)

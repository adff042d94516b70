"""What COPY could not load, read back row by row from SYS_LOAD_ERROR_DETAIL (database developer guide)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from trunkline.aws.redshift_data import SqlError
from trunkline.aws.redshift_once import StatementApi
from trunkline.errors import TerminalError
from trunkline.warehouse.redshift.bound import Bound

_SHOWN_MAX: Final = 20
_QUESTION: Final = f"""\
SELECT TRIM(file_name), line_number, TRIM(column_name), TRIM(column_type), TRIM(column_length), error_code,
  TRIM(error_message)
FROM sys_load_error_detail
WHERE POSITION($1 IN file_name) > 0
ORDER BY start_time, line_number
LIMIT {_SHOWN_MAX}"""


@dataclass(frozen=True, slots=True)
class LoadErrorRow:
    """One row that COPY refused. `line` counts from 1 in the staged file; the message names no value."""

    file: str
    line: int
    column: str
    column_type: str
    column_length: str
    code: int
    message: str

    def sentence(self) -> str:
        """The row for people."""
        length = f"({self.column_length})" if self.column_length else ""
        place = f"line {self.line:,} of {self.file.rpartition('/')[2]}"
        return f"{place}: column {self.column} {self.column_type}{length}: {self.message} (code {self.code})"


class LoadError(TerminalError):
    """COPY refused rows; nothing was loaded. `rows` are the first that it names."""

    def __init__(self, error: SqlError, rows: list[LoadErrorRow]) -> None:
        lines = "".join(f"\n  {row.sentence()}" for row in rows)
        super().__init__(
            f"Redshift could not copy the staged files, and nothing was loaded ({error.text.splitlines()[0]}).{lines}\n"
            "The lake holds these rows. Report this: whatever Redshift refuses should have been found before."
        )
        self.rows = rows


def load_errors(api: StatementApi, key: str, timeout_s: float) -> list[LoadErrorRow]:
    """What COPY refused of the files under a work's key, the first rows; empty where it refused none."""
    bound = Bound()
    sql = bound.statement(_QUESTION, [f"/{key}/"])
    seen = api.run(sql, uuid.uuid4().hex, bound.parameters, "trunkline-load-errors", timeout_s)
    return [
        LoadErrorRow(str(file), int(line), str(column), str(type_), str(length or ""), int(code), str(message))
        for file, line, column, type_, length, code, message in api.rows(seen.id)
    ]

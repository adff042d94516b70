"""Nearest-rank percentiles: of n values the ceil(p * n)-th smallest, exactly, in every engine.

Redshift has PERCENTILE_DISC as a window function only (its aggregate is approximate), so there the rank and number
of values become columns of the subquery, compared in whole numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.sql.portable import Spelling


def percentile_sql(column: str, percent: int, dialect: Spelling) -> str:
    """The aggregate of a column of the subquery; NULLs are left out, NULL when none is left. `percent` is 1 to 99."""
    value = f'"{column}"'
    fraction = f"0.{percent:02d}"
    if dialect.name == "duckdb":
        return f"quantile_disc({value}, {fraction})"
    if dialect.name == "postgres":
        return f"percentile_disc({fraction}) WITHIN GROUP (ORDER BY {value})"
    if dialect.name == "athena":
        rank = f"(COUNT({value}) * {percent} + 99) / 100"
        return f"element_at(array_sort(array_agg({value}) FILTER (WHERE {value} IS NOT NULL)), {rank})"
    return f'MIN(CASE WHEN "rank_of_{column}" * 100 >= "count_of_{column}" * {percent} THEN {value} END)'


def rank_columns(body: str, ranked: Sequence[str], keys: Sequence[str], dialect: Spelling) -> str:
    """The subquery `body` with rank and number per `keys` of the columns that percentiles are over, where needed."""
    if dialect.name != "redshift" or not ranked:
        return body
    partition = "PARTITION BY " + ", ".join(f'"{key}"' for key in keys) if keys else ""
    columns = ["valued.*"]
    for column in dict.fromkeys(ranked):
        order = f'{partition} ORDER BY "{column}" NULLS LAST'.strip()
        columns.append(f'ROW_NUMBER() OVER ({order}) AS "rank_of_{column}"')
        columns.append(f'COUNT("{column}") OVER ({partition}) AS "count_of_{column}"')
    return "    SELECT\n        {}\n    FROM (\n{}\n    ) AS valued".format(",\n        ".join(columns), body)

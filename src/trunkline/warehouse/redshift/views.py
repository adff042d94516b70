"""The views of a Redshift made anew, each with the grants that its readers have.

Redshift replaces a view only by one of the same columns, so a view whose columns may have changed is dropped first, and
its grants go with it. All our views are late-binding: none depends on another, and each is dropped, made and granted in
one transaction. Nobody finds a view missing, and an installation that was stopped leaves none without its readers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from trunkline.aws.redshift_data import SqlError
from trunkline.engines.redshift import REDSHIFT
from trunkline.limits import DATA_API_BATCH_MAX

if TYPE_CHECKING:
    from trunkline.warehouse.redshift.warehouse import RedshiftWarehouse

VIEW: Final = "CREATE OR REPLACE VIEW "
# SVV_RELATION_PRIVILEGES: what can be granted, and how GRANT names who has it.
_PRIVILEGES: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "REFERENCES", "DROP")
_GRANTEES: Final = {"user": "{}", "role": "ROLE {}", "group": "GROUP {}", "public": "PUBLIC"}


def make_views(warehouse: RedshiftWarehouse, statements: Sequence[str], *, is_anew: bool) -> int:
    """Make the views; where columns may be others now, drop those that are there first.

    The number of grants that had to be given again.
    """
    if is_anew:
        return _remake(warehouse, statements)
    try:
        for start in range(0, len(statements), DATA_API_BATCH_MAX):
            warehouse.send(statements[start : start + DATA_API_BATCH_MAX])
    except SqlError:  # a view of this version has other columns, though its tables have the same
        return _remake(warehouse, statements)
    return 0


def _remake(warehouse: RedshiftWarehouse, statements: Sequence[str]) -> int:
    held = _grants(warehouse)
    units = []
    for statement in statements:
        name = statement.removeprefix(VIEW).split(" AS", 1)[0].strip()
        units.append([f"DROP VIEW IF EXISTS {name}", statement, *held[name]])
    for batch in _packed(units):
        warehouse.send(batch)
    return sum(len(unit) - 2 for unit in units)


def _grants(warehouse: RedshiftWarehouse) -> dict[str, list[str]]:
    """GRANT statements by quoted name of view or table, as far as this user may see them."""
    found: dict[str, list[str]] = defaultdict(list)
    for schema, relation, privilege, grantee, kind, is_admin in warehouse.query(
        "SELECT namespace_name, relation_name, privilege_type, identity_name, identity_type, admin_option "
        "FROM svv_relation_privileges WHERE namespace_name NOT IN ('information_schema', 'pg_catalog') "
        "ORDER BY namespace_name, relation_name, identity_type, identity_name, privilege_type"
    ):
        if privilege in _PRIVILEGES and kind in _GRANTEES:
            name = f"{REDSHIFT.quote(schema)}.{REDSHIFT.quote(relation)}"
            to = _GRANTEES[kind].format(REDSHIFT.quote(grantee))
            option = " WITH GRANT OPTION" if is_admin and kind == "user" else ""
            found[name].append(f"GRANT {privilege} ON {name} TO {to}{option}")
    return found


def _packed(units: Sequence[list[str]]) -> Iterator[list[str]]:
    """Batches that keep units whole; one that is longer than a batch goes on in the next."""
    batch: list[str] = []
    for unit in units:
        if len(batch) + len(unit) > DATA_API_BATCH_MAX and batch:
            yield batch
            batch = []
        batch = [*batch, *unit]
        while len(batch) > DATA_API_BATCH_MAX:
            yield batch[:DATA_API_BATCH_MAX]
            batch = batch[DATA_API_BATCH_MAX:]
    if batch:
        yield batch

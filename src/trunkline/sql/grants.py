"""Roles and grants: one role reads views without personal data, a second one also the personal columns.

No role reads the tables: views read them with their owner's rights, so the views' owner must own the tables too.
"""

from __future__ import annotations

from collections.abc import Iterable

from trunkline.engines.catalogue import ENGINES
from trunkline.engines.model import Engine, RoleRules, quote_qualified
from trunkline.errors import UsageError
from trunkline.objects.catalogue import warehouse_views
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.objects.model import Object
from trunkline.sql.ddl import listed, view_columns
from trunkline.sql.family import FAMILY, LEG
from trunkline.sql.star import D_AGENT, D_QUEUE, DATE, FACT, FACT_PII, TIME, personal_columns
from trunkline.sql.views import view_name, views_on

ANALYST, ANALYST_PII = "trunkline_analyst", "trunkline_analyst_pii"
"""The first reads views without personal data; the second inherits it and reads the personal columns."""


def role_statements(engine: Engine, analyst: str = ANALYST, analyst_pii: str = ANALYST_PII) -> tuple[str, ...]:
    """CREATE ROLE of both; the engine's `roles.note` says how often they may run. Raises UsageError without roles."""
    create = _role_rules(engine).create
    return tuple(create(role) for role in (analyst, analyst_pii))


def grant_statements(
    objects: Iterable[Object], engine: Engine, analyst: str = ANALYST, analyst_pii: str = ANALYST_PII
) -> tuple[str, ...]:
    """The grants; idempotent. Roles and views must exist. Raises UsageError for an engine without roles.

    A view with personal columns is granted to the first role without those columns where the engine grants columns,
    and not at all elsewhere: Redshift does not document column grants on late-binding views.
    """
    rules = _role_rules(engine)
    low, high = rules.prefix + engine.quote(analyst), rules.prefix + engine.quote(analyst_pii)
    known = tuple(objects)
    views: list[str] = []
    schemas: list[str] = []
    pii: list[str] = []
    columns: list[str] = []
    for obj in known:
        schemas.append(obj.database)
        personal = set(personal_columns(obj)) & {column.name for column in view_columns(obj)}
        (pii if personal else views).append(obj.public_view)
        if personal and rules.grants_columns:
            names = ", ".join(engine.quote(c.name) for c in view_columns(obj) if c.name not in personal)
            columns.append(f"GRANT SELECT ({names}) ON {quote_qualified(engine, obj.public_view)} TO {low}")
    for view in views_on(known, warehouse_views()):
        (pii if view.is_personal else views).append(f"{view.database}.{view.name}")
    if CONTACT_RECORD in known:
        schemas.append(CONTACT_RECORD.warehouse_table.split(".")[0])
        views += [view_name(name) for name in (FACT, D_AGENT, D_QUEUE, DATE, TIME, LEG, FAMILY)]
        pii.append(view_name(FACT_PII))
    return (
        f"GRANT {low} TO {high}",
        *(f"GRANT USAGE ON SCHEMA {engine.quote(schema)} TO {low}" for schema in dict.fromkeys(schemas)),
        *(f"GRANT SELECT ON {quote_qualified(engine, view)} TO {low}" for view in views),
        *columns,
        *(f"GRANT SELECT ON {quote_qualified(engine, view)} TO {high}" for view in pii),
    )


def _role_rules(engine: Engine) -> RoleRules:
    if engine.roles is None:
        names = [known.name for known in ENGINES.values() if known.roles]
        raise UsageError(
            f"{engine.name} has no roles that SQL grants to: the permissions of its files decide; use {listed(names)}"
        )
    return engine.roles

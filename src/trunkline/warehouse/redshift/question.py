"""What a person may ask: one query. A parser reads it, since the Data API knows no session that only reads."""

from __future__ import annotations

from trunkline.errors import UsageError

_VALID = "valid is one SELECT, WITH, VALUES, SHOW or DESCRIBE in Redshift's words"


def check_question(sql: str) -> None:
    """Raises UsageError for what is not one query, or would write: INSERT, SELECT INTO, two statements."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        found = [one for one in sqlglot.parse(sql, read="redshift") if one is not None]
    except SqlglotError as error:
        raise UsageError(f"the query cannot be read: {str(error).splitlines()[0]}; {_VALID}") from None
    if len(found) != 1:
        raise UsageError(f"one query is needed and {len(found)} were given; {_VALID}")
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into, exp.Create, exp.Drop, exp.Command, exp.Copy)
    wrong = found[0] if not isinstance(found[0], exp.Query | exp.Show | exp.Describe) else found[0].find(*writes)
    if wrong is not None:
        raise UsageError(f"a query is needed and {wrong.key.upper()} was given; {_VALID}")

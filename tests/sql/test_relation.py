import pytest

from trunkline.engines.postgres import POSTGRES
from trunkline.objects.contact_record import CONTACT_RECORD
from trunkline.sql.relation import LOST_DATE, PARTITION_DATE, flat_rows, relation, tombstone_rows


def test_a_relation_names_and_quotes_itself_and_its_columns() -> None:
    """Names are private, and the same each time, so that a prepared statement stays valid."""
    pairs = relation("pairs", ["contact_id", 'odd"name'])
    assert pairs.sql == pairs.quoted(POSTGRES) == '"trunkline_pairs"'
    assert pairs == relation("pairs", ["contact_id", 'odd"name'])
    assert relation("pairs", [], "2").sql == '"trunkline_pairs_2"'
    assert pairs.column("contact_id", "p") == 'p."contact_id"'
    assert pairs.column('odd"name') == '"odd""name"'


def test_a_column_that_a_relation_lacks_is_an_error() -> None:
    """A statement cannot be built on a column that nobody fills."""
    with pytest.raises(KeyError, match="trunkline_flat has no column record_lost_date"):
        flat_rows(CONTACT_RECORD).column(LOST_DATE)


def test_columns_beside_an_objects_own_are_in_the_reserved_name_space() -> None:
    """No column of an object may begin with record_, so that none of them can be meant by mistake."""
    own = {column.name for column in CONTACT_RECORD.columns}
    flat, tombstones = flat_rows(CONTACT_RECORD, ["record_row"]), tombstone_rows(CONTACT_RECORD)
    assert flat.columns[-2:] == (PARTITION_DATE, "record_row")
    assert all(name.startswith("record_") for name in {*flat.columns, *tombstones.columns} - own)
    assert set(CONTACT_RECORD.key) < set(tombstones.columns)

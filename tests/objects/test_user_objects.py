"""Users' own objects: what a TOML file declares, and errors that name the place of each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trunkline.errors import UsageError
from trunkline.objects.catalogue import OBJECTS, find, load
from trunkline.objects.model import RECORD_COLUMNS, Json, ListOf, MapOf
from trunkline.objects.origins import FilesOrigin
from trunkline.objects.user.declare import read_objects
from trunkline.objects.user.place import line_of

EXAMPLE = Path(__file__).parents[2] / "examples" / "objects.toml"

LEAST = """
[object.survey]
key = ["id"]
event_time = "at"
[object.survey.columns]
id = {}
at = { type = "timestamp" }
"""


def _file(folder: Path, text: str, name: str = "objects.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_gives_a_whole_object() -> None:
    """Every key of the example arrives in the object, and the record columns are added at the end."""
    (obj,) = read_objects(EXAMPLE)
    assert (obj.lake_table, obj.warehouse_table) == ("survey.survey_answer", "connect.f_survey_answers")
    assert (obj.key, obj.version, obj.event_time, obj.partition) == (
        ("survey_id",), "updated_at", "answered_at", "answered_at",
    )  # fmt: skip
    columns = obj.by_name
    assert columns["survey_id"].length_max == 64
    assert not columns["survey_id"].nullable
    assert columns["score"].path == ("answers", "score")
    assert columns["score"].unit == "points"
    assert columns["tags"].type == ListOf("text")
    assert columns["tags"].path == ("tags",)
    assert columns["labels"].type == MapOf("text")
    assert columns["survey"].type == Json()
    assert columns["thinking_ms"].transform == "seconds_to_ms"
    assert [column.name for column in obj.direct_pii] == ["phone_number"]
    assert obj.columns[-len(RECORD_COLUMNS) :] == RECORD_COLUMNS
    assert obj.anchor == "surveyId"
    assert not any(column.is_amazon for column in obj.columns)


def test_a_minimal_object(tmp_path: Path) -> None:
    """Key and event time are enough: the rest has defaults, text is the type and the name is the path."""
    (obj,) = read_objects(_file(tmp_path, LEAST))
    assert (obj.lake_table, obj.warehouse_table) == ("own.survey", "connect.survey")
    assert (obj.version, obj.partition, obj.catalogue_version, obj.anchor) == ("at", "at", 1, "id")
    assert obj.by_name["id"].type == "text"
    assert obj.by_name["id"].path == ("id",)
    assert "id" in obj.grain
    assert obj.delete_rule
    assert obj.source == "declared in objects.toml"


def test_a_path_may_hold_keys_with_dots(tmp_path: Path) -> None:
    """A list is taken key by key; a byte order mark and CRLF do not matter."""
    text = LEAST.replace("id = {}", 'id = { path = ["a.b", "c"] }').replace("\n", "\r\n")
    path = tmp_path / "objects.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    (obj,) = read_objects(path)
    assert obj.by_name["id"].path == ("a.b", "c")
    assert obj.anchor == "a.b"


WRONG = {
    "unknown top": ("wrong = 1" + LEAST, r"unknown key 'wrong'; keys are object"),
    "nothing": ("", r"\[top level\] has no object; declare at least one"),
    "not toml": ("[object", r"is not TOML: .*table declaration"),
    "object is a value": ("[object]\nsurvey = 1", r"\[object\.survey\] object = 1"),
    "object name": (LEAST.replace("survey", "Survey"), r"\[object\.Survey\] name = 'Survey' .*lower-case"),
    "long name": (LEAST.replace("survey", "s" * 41), r"at most 40 characters"),
    "unknown key": (LEAST.replace("event_time", "evnt_time"), r"unknown key 'evnt_time'; keys are grain, database"),
    "no key": (LEAST.replace('key = ["id"]', ""), r"\[object\.survey\] has no key; name the columns"),
    "empty key": (LEAST.replace('["id"]', "[]"), r"key = \[\] .*list of column names"),
    "key twice": (LEAST.replace('["id"]', '["id", "id"]'), r"names a column twice"),
    "key not declared": (LEAST.replace('["id"]', '["idd"]'), r"key = 'idd' .*declared are id, at$"),
    "key of json": (
        LEAST.replace("id = {}", 'id = { type = "json" }'),
        r"key = 'id' .*a column of type text or bigint",
    ),
    "no time": (LEAST.replace('event_time = "at"', ""), r"has no event_time"),
    "time of text": (LEAST.replace('event_time = "at"', 'event_time = "id"'), r"event_time = 'id' .*declared are at"),
    "time is a list": (LEAST.replace('event_time = "at"', 'event_time = ["at"]'), r"event_time = \['at'\]"),
    "partition": (LEAST.replace("event_time", 'partition = "id"\nevent_time'), r"partition = 'id'"),
    "version": (
        LEAST.replace("event_time", 'version = "n"\nevent_time') + 'n = { type = "double" }',
        r"version = 'n' .*a column of type timestamp or date or bigint or integer or text; declared are id, at",
    ),
    "no columns": ('[object.survey]\nkey = "id"', r"has no columns; declare them in \[object\.survey\.columns\]"),
    "column is a text": (LEAST.replace("id = {}", 'id = "text"'), r"\[object\.survey\.columns\.id\] column = 'text'"),
    "column name": (LEAST.replace("id = {}", "id = {}\nDay_1 = {}"), r"columns\.Day_1\] name = 'Day_1'"),
    "record column": (LEAST + "record_hash = {}", r"record_hash' .*are taken"),
    "partition key": (LEAST + "year = {}", r"'year' .*are taken"),
    "column of an engine": (LEAST + "xmin = {}", r"'xmin' .*are taken: .*; use another name and set path"),
    "column twice": (LEAST + "id = {}", r"is not TOML"),
    "column key": (LEAST + "x = { typ = 'text' }", r"columns\.x\] has an unknown key 'typ'; keys are type, path"),
    "type": (LEAST + "x = { type = 'strng' }", r"columns\.x\] type = 'strng' is not valid; valid are text, bigint"),
    "type is a number": (LEAST + "x = { type = 1 }", r"type = 1"),
    "list of lists": (LEAST + "x = { type = 'list<json>' }", r"type = 'list<json>'"),
    "pii": (LEAST + "x = { pii = 'secret' }", r"pii = 'secret' is not valid; valid are none, direct, indirect"),
    "transform": (LEAST + "x = { transform = 'upper' }", r"valid are plain, seconds_to_ms"),
    "transform of text": (LEAST + "x = { transform = 'seconds_to_ms' }", r"needs a column of type bigint"),
    "length": (LEAST + "x = { length_max = 65536 }", r"length_max = 65536 .*from 1 to 65535"),
    "length true": (LEAST + "x = { length_max = true }", r"length_max = True"),
    "length of a date": (LEAST + "x = { type = 'date', length_max = 3 }", r"only a column of type text"),
    "path": (LEAST + "x = { path = 'a..b' }", r"path = 'a\.\.b'"),
    "quotation mark in a path": (LEAST + "x = { path = 'a\"b' }", r"line 8: .*columns\.x\] path = .*no quotation mark"),
    "backslash in a path": (LEAST + r"x = { path = 'a\b' }", r"line 8: .*backslash or control character"),
    "control character in a path": (LEAST + r'x = { path = ["a", "b\u0001"] }', r"line 8: .*control character"),
    "the ledger's schema": (
        LEAST.replace("event_time", 'warehouse_table = "ledger.batch"\nevent_time'),
        r"line 4: \[object\.survey\] warehouse_table = 'ledger\.batch' .*schema ledger belongs to Trunkline",
    ),
    "an engine's schema": (
        LEAST.replace("event_time", 'warehouse_table = "pg_catalog.x"\nevent_time'),
        r"line 4: .*schema pg_catalog belongs .*; choose another",
    ),
    "an engine's database": (
        LEAST.replace("event_time", 'database = "information_schema"\nevent_time'),
        r"line 4: .*database = 'information_schema' .*choose another",
    ),
    "empty path": (LEAST + "x = { path = [] }", r"path = \[\]"),
    "key of floats": (LEAST.replace("id = {}", 'id = { type = "double" }'), r"key = 'id' .*declared are at"),
    "deleted of text": (
        LEAST.replace("event_time", 'deleted = "id"\nevent_time'),
        r"line 4: .* deleted = 'id' .*a column of type boolean; declared are none",
    ),
    "scale of text": (LEAST + "x = { scale = 2 }", r"scale = 2 .*only a column of type decimal"),
    "scale": (LEAST + "x = { type = 'decimal', scale = 38 }", r"scale = 38 .*from 0 to 37"),
    "zone": (LEAST + "x = { type = 'timestamp', zone = 'Berlin' }", r"zone = 'Berlin' .*such as Europe/Berlin"),
    "zone of text": (LEAST + "x = { zone = 'UTC' }", r"zone = 'UTC' .*only a column of type timestamp"),
    "format": (
        LEAST + "x = { type = 'timestamp', format = 'epoch' }",
        r"format = 'epoch' .*valid are epoch_s, epoch_ms",
    ),
    "format without a zone": (
        LEAST + "x = { type = 'timestamp', format = '%d.%m.%Y %H:%M' }",
        r"has no zone; its format has no offset",
    ),
    "words": (LEAST + "x = { type = 'boolean', format = 'Y' }", r"format = 'Y' .*such as Y/N"),
    "comma of text": (LEAST + "x = { decimal_comma = true }", r"decimal_comma = True .*only numbers"),
    "two readings of a path": (
        LEAST + "x = { type = 'timestamp', path = 'at', zone = 'UTC' }",
        r"at and x read at in two ways",
    ),
    "misspelt": (
        LEAST.replace("event_time", 'delted = "x"\nevent_time'),
        r"line 4: .*unknown key 'delted'; .*did you mean 'deleted'\?",
    ),
    "records": (LEAST.replace("event_time", "records = []\nevent_time"), r"records = \[\] .*it must be"),
    "whole and part": (
        LEAST + "x = { type = 'json' }\ny = { path = 'x.y' }",
        r"survey\.columns\] x takes all of x and y a part of it",
    ),
    "meaning": (LEAST + "x = { meaning = ' ' }", r"meaning = ' ' .*not empty"),
    "database": (LEAST.replace("event_time", 'database = "a.b"\nevent_time'), r"database = 'a\.b'"),
    "warehouse": (LEAST.replace("event_time", 'warehouse_table = "t"\nevent_time'), r"must be schema\.table"),
    "same table": (
        LEAST.replace("event_time", 'warehouse_table = "own.survey"\nevent_time'),
        r"warehouse_table = 'own\.survey' .*choose another",
    ),
    "catalogue version": (LEAST.replace("event_time", "catalogue_version = 0\nevent_time"), r"catalogue_version = 0"),
}


LINES = """# Survey answers

[object.survey]
key = ["id"]   # text
event_time = "at"
"database" = "voc"

[object.survey.columns]
id = {}
at = { type = "timestamp" }
[object.survey.columns.'free text']
path = "x"
"""


@pytest.mark.parametrize(
    ("table", "key", "line"),
    [
        ("object.survey", "", 3),
        ("object.survey", "key", 4),
        ("object.survey", "database", 6),
        ("object.survey", "partition", 3),
        ("object.survey.columns.at", "type", 10),
        ("object.survey.columns.free text", "path", 12),
        ("object.other", "key", None),
    ],
)
def test_the_line_of_a_mistake(table: str, key: str, line: int | None) -> None:
    """The key's line, else that of its table, in any of TOML's ways to write it."""
    assert line_of(LINES, table, key) == line


@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named(name: str, tmp_path: Path) -> None:
    """Each mistake is a UsageError with the file, the place, the value and what is valid."""
    text, expected = WRONG[name]
    path = _file(tmp_path, text)
    with pytest.raises(UsageError, match=expected) as caught:
        read_objects(path)
    assert str(caught.value).startswith(str(path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder and bytes that are not UTF-8 are usage errors, not tracebacks."""
    with pytest.raises(UsageError, match=r"absent\.toml: cannot be read"):
        read_objects(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_objects(tmp_path)
    path = tmp_path / "bytes.toml"
    path.write_bytes(b"# \xff")
    with pytest.raises(UsageError, match="is not UTF-8 at byte 2"):
        read_objects(path)


SCALAR = st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(), st.just([]), st.just(["id"]))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(["key", "version", "partition", "database", "warehouse_table", "grain", "type", "path",
                            "pii", "transform", "length_max", "meaning", "unit"]), value=SCALAR)  # fmt: skip
def test_no_value_gives_a_traceback(key: str, value: object, tmp_path: Path) -> None:
    """Any value in any key is accepted or a usage error; the reader raises nothing else."""
    if isinstance(value, str):
        text = "'" + "".join(c for c in value if c.isprintable() and c != "'" and c.isascii()) + "'"
    else:
        text = repr(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    in_object = key in {"key", "version", "partition", "database", "warehouse_table", "grain"}
    body = LEAST.replace('key = ["id"]', "") if key == "key" else LEAST
    body = (
        body.replace("event_time", f"{key} = {text}\nevent_time") if in_object else body + f"x = {{ {key} = {text} }}"
    )
    error = None
    try:
        read_objects(_file(tmp_path, body))
    except UsageError as raised:
        error = raised
    assert "is not TOML" not in str(error), body


def test_load_adds_to_the_built_in_objects() -> None:
    """Built-in objects come first, then the user's, and both are found; without files there are only the built-in ones."""
    objects = load([EXAMPLE])
    assert list(objects) == [*OBJECTS, "survey_answer"]
    assert find("survey_answer", objects).database == "survey"
    assert load() == OBJECTS
    assert "survey_answer" not in OBJECTS
    with pytest.raises(
        UsageError,
        match=f"no object 'nothing'; objects are contact_record, {', '.join(list(OBJECTS)[1:])}, survey_answer$",
    ):
        find("nothing", objects)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LEAST.replace("survey", "contact_record"),
         "contact_record.* is the name of a built-in object.* my_contact_record.* record_unmapped"),
        (LEAST.replace("event_time", 'warehouse_table = "connect.f_calls"\nevent_time'),
         "uses connect.f_calls, which contact_record has"),
        (LEAST.replace("event_time", 'warehouse_table = "connect.f_calls_staging"\nevent_time'),
         "uses connect.f_calls_staging"),
        (LEAST.replace("object.survey", "object.contact_record_versions").replace(
            "event_time", 'database = "connect_datalake"\nevent_time'),
         "uses connect_datalake.contact_record_versions"),
        (LEAST.replace("event_time", 'warehouse_table = "connect.d_agent"\nevent_time'),
         r"line 4: \[object.survey\] uses connect.d_agent, which d_agent has"),
        (LEAST.replace("event_time", 'warehouse_table = "connect.v_contact_leg"\nevent_time'),
         "line 4: .* uses connect.v_contact_leg"),
        (LEAST.replace("object.survey", "object.contact_statistic_record").replace(
            "event_time", 'database = "connect_datalake"\nevent_time'),
         "line 4: .* uses connect_datalake.contact_statistic_record"),
    ],
)  # fmt: skip
def test_two_objects_never_share_a_table(text: str, expected: str, tmp_path: Path) -> None:
    """A name or table that is in use is refused: one object would overwrite the other's rows."""
    with pytest.raises(UsageError, match=expected):
        load([_file(tmp_path, text)])


def test_an_origin_is_a_table_of_the_object(tmp_path: Path) -> None:
    """`source` is a sentence, or the table that says where records are pulled from; a mistake in it has its line."""
    text = LEAST + '[object.survey.source]\ntype = "files"\npaths = ["s3://bucket/survey/"]\n'
    (obj,) = read_objects(_file(tmp_path, text))
    assert obj.origin == FilesOrigin(("s3://bucket/survey/",))
    assert obj.source == "declared in objects.toml"
    with pytest.raises(UsageError, match=r"line 10: \[object\.survey\.source\] has an unknown key 'pths'"):
        read_objects(_file(tmp_path, text.replace("paths", "pths")))

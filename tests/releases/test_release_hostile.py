"""Hostile files and events, more than ten thousand of them: an error and nothing executed, or the exact call intended.

Made from a seed that is printed on failure. Whatever is executed really is, on PostgreSQL through the emulator, and
the database is looked at afterwards.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from redshift_data_emulator import Emulator

from releases import BUCKET, TARGET, Query, clients
from trunkline.aws.redshift_data import DataApi
from trunkline.errors import TrunklineError, printable
from trunkline.pipelines.jobs.release import answer
from trunkline.releases.find import find
from trunkline.releases.parser import decode, parse
from trunkline.releases.plan import NumberLiteral, Release
from trunkline.releases.run import RunOptions, run
from trunkline.releases.state import NoStateStore
from trunkline.settings.release import ReleaseSettings

# All that a statement may ever be: nothing in it can come from outside but a plain name, or letters, digits and a few
# marks in quotes.
NAME = r'(?:[a-z_][a-z0-9_]*|"[A-Za-z0-9_$ ]+(?:-[A-Za-z0-9_$ ]+)*-?")'
STATEMENT = re.compile(
    rf"CALL (?:{NAME}\.)?{NAME}\((?:(?::a[0-9]+|NULL|TRUE|FALSE|'')(?:, (?!\)))?)*\);".replace('"[A', '"-?[A')
)
POISON = [
    "'", '"', "''", '""', ";", "--", "/*", "*/", "\\", "\\'", "$$", "$1", ":a1", ":a2", "::text", "?", "{", "}", "%s", "%(a)s",
    "(", ")", ",", ".", "#", "\n", "\r", "\r\n", "\t", " ", "\x00", "\x0b", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff",
    "\u200b", "\u202e", "\u2066", "\u00a0", "\u2019", "\u201c", "\uff1b", "\uff07", "\u037e", "\u0430", "\u043e", "\uff43all", "\u0131",
    "\u212a", "\u0301", "\U0001f600", "\ud7ff", "'); DROP TABLE done; --", '"; DROP TABLE done; --', "); TRUNCATE done; CALL note('x", "' OR '1'='1",
    "DROP TABLE done;", "; COMMIT; DROP TABLE done", "CALL note('x', '')", "call", "CALL", "select pg_sleep(9)", "E'\\x27'", "U&'\\0027'",
    "{call note('x')}", "connect.load_dims", "echo('x')", "note('hostile', '')", "null", "TRUE", "-1", "1e9", "0x1F", "1_000",
    "NaN", "x" * 200, "\U000e0041", "-- \r connect.load_last()", "/* */ */", "/*/* */", "' || current_user || '",
]  # fmt: skip
LONG = [
    "x" * 100_000,
    "'" * 100_001,
    "-- " + "y" * 100_000,
    "'" + "z" * 100_000 + "'",
    "(" * 100_000,
    "\u0430" * 100_000,
    "a.b" * 33_333,
]
KNOWN = [
    "connect.load_dims",
    "connect.load_last()",
    "CALL connect.load_dims();",
    "echo('a', 'b')",
    "call echo('it''s');",
]


def poison(chance: random.Random) -> str:
    return "".join(chance.choice(POISON) for _ in range(chance.randint(1, 6)))


def spoiled(chance: random.Random, text: str) -> str:
    """A text with hostile parts inserted, removed, doubled or reversed."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.randint(0, 4))
        put = [poison(chance), "", text[at:to] * 2, text[at:to][::-1]][chance.randint(0, 3)]
        text = text[:at] + put + text[to:]
    return text


@pytest.fixture
def watched(redshift: Emulator, query: Query) -> Iterator[Emulator]:
    """After the test the database has only the rows of calls that finished; every statement was harmless."""

    def held() -> list[tuple[Any, ...]]:
        return query(
            "SELECT proname::text, md5(prosrc) FROM pg_proc WHERE prokind = 'p' UNION ALL SELECT relname, '' FROM pg_class WHERE relkind = 'r' ORDER BY 1, 2"
        )

    before = held()
    yield redshift
    assert held() == before
    ended = [one for one in redshift.statements() if one.status == "FINISHED"]
    assert query("SELECT count(*) FROM done") == [(len(ended),)]
    for request in redshift.executed():
        assert STATEMENT.fullmatch(request["Sql"]), request["Sql"]
        used = re.findall(r":a[0-9]+", request["Sql"])
        assert used == [f":a{n}" for n in range(1, len(used) + 1)]
        assert [":" + one["name"] for one in request.get("Parameters", ())] == used


def release_or_none(data: bytes) -> Release | None:
    """The release; where it is not valid, the error is short and has no character that a terminal acts on."""
    said = ""
    try:
        return parse(decode(data, "Rel1.txt"), "Rel1.txt")
    except TrunklineError as error:
        said = str(error)
    assert len(said) < 500
    assert said.isprintable()
    return None


def test_5000_hostile_files(watched, query) -> None:
    """Lines that are spoiled or hostile throughout. What is still a release is run, and runs that many calls
    and no more.
    """
    chance, runs = random.Random(4), 0
    api = DataApi(watched.in_process(), TARGET)
    for case in range(5000):
        lines = [chance.choice(KNOWN) for _ in range(chance.randint(1, 3))]
        lines[chance.randrange(len(lines))] = (
            chance.choice(LONG) if case % 250 == 0 else spoiled(chance, chance.choice([*lines, poison(chance)]))
        )
        data = "\n".join(lines).encode("utf-8", "surrogatepass")
        if case % 10 == 0:
            at = chance.randint(0, len(data))
            data = data[:at] + chance.randbytes(2) + data[at:]
        asked = len(watched.requests)
        release = release_or_none(data)
        assert len(watched.requests) == asked, case
        if release is None or runs > 400:
            continue
        runs += 1
        outcome = run(api, release, NoStateStore(), RunOptions())
        assert outcome.is_finished
        assert len(watched.executed()) - sum(
            1 for name, _ in watched.requests[:asked] if name == "ExecuteStatement"
        ) == len(release.calls)
    assert runs > 100  # spoiling does leave some whole


def test_3000_calls_with_hostile_values_arrive_exactly(watched, query) -> None:
    """Texts full of quotes, comments and look-alikes, in files: the very values, as PostgreSQL received them."""
    chance, wanted = random.Random(5), []
    api = DataApi(watched.in_process(), TARGET)
    allowed = [one for one in POISON if not re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202e\u2066\\]", one)]
    for case in range(3000):
        values = [
            "".join(chance.choice(allowed) for _ in range(chance.randint(0, 5))) for _ in range(chance.randint(1, 5))
        ]
        if case % 500 == 0:
            values[0] = chance.choice(["'", "--", "\u0430", ";"]) * 30_000
        gaps = [chance.choice(["", " ", "\t", "/* ; */", " /* ' */ "]) for _ in range(5)]
        call_word = chance.choice(["", "CALL ", "call\t"])
        shown_values = (gaps[0] + "," + gaps[1]).join("'" + one.replace("'", "''") + "'" for one in values)
        text = f"{gaps[2]}{call_word}echo{gaps[3]}({gaps[4]}{shown_values}{gaps[0]})"
        text += chance.choice(["", ";", " ; -- done", "\r\n", "\n-- '; x"])
        (call,) = parse(text, "Rel1.txt").calls
        assert (call.name, call.arguments) == (("echo",), tuple(values)), case
        assert STATEMENT.fullmatch(call.sql)
        if case % 6 == 0:
            outcome = run(api, Release("f", (call,), text), NoStateStore(), RunOptions())
            assert outcome.calls[0].status == "FINISHED", outcome.calls
            wanted.append((values,))
    assert query("SELECT arguments FROM done ORDER BY id") == wanted


def ask(watched: Emulator, event: object) -> tuple[dict[str, Any], int]:
    """The function's answer, and how many statements it started."""
    before = len(watched.executed())
    variables = ReleaseSettings(cluster="analytics", database="dev", bucket=BUCKET)
    result = answer(event, variables, clients(None, watched.in_process()), None, 900, lambda _: None)
    return result, len(watched.executed()) - before


def test_2000_events_with_hostile_names(watched) -> None:
    """A procedure's name, spoiled: refused, or one call of exactly one name that the database may not know."""
    chance, begun = random.Random(6), 0
    for case in range(2000):
        name = (
            chance.choice(LONG)
            if case % 200 == 0
            else spoiled(chance, chance.choice(["connect.load_dims", '"Load Dims"', "a", "connect"]))
        )
        result, count = ask(
            watched,
            {"stored_procedure_name": name, "parameters": [name[:50].replace("\x00", "")] if case % 3 == 0 else None},
        )
        body = result["body"]
        assert count == body["total_procedures"], case
        assert count <= 1
        assert (result["statusCode"] == 200) == (body["successful_procedures"] == 1)
        if not count:
            assert "error" in body
        begun += count
    assert begun > 20


def test_1200_events_with_hostile_parameters(watched, query) -> None:
    """Every text that a database can hold arrives as it is; everything else is refused and nothing is started."""
    chance, wanted = random.Random(7), []
    odd = [
        "\x00",
        "\ud800",
        float("inf"),
        ["x"],
        {"a": 1},
        b"x",
        10**6000,
        "x" * 70_000,
        object(),
        NumberLiteral("1" * 500),
    ]
    for case in range(1200):
        values: list[Any] = [
            "".join(chance.choice(POISON) for _ in range(chance.randint(1, 5))) for _ in range(chance.randint(1, 4))
        ]
        if case % 4:
            values = [one.replace("\x00", "") or None for one in values]
        else:
            values[0] = "ab" + chance.choice(POISON) + "\ud800" if case % 8 else chance.choice(odd)
        result, count = ask(watched, {"stored_procedure_name": "echo", "parameters": values})
        is_good = all(
            one is None or (isinstance(one, str) and "\x00" not in one and "\ud800" not in one and len(one) < 65_536)
            for one in values
        )
        assert count == is_good, case
        assert result["statusCode"] == (200 if is_good else 500), (case, result)
        if is_good:
            wanted.append((values,))
    assert query("SELECT arguments FROM done ORDER BY id") == wanted
    assert len(wanted) > 200


def test_1000_events_with_hostile_places(watched) -> None:
    """Cluster and database as overrides, hostile keys, hostile shapes: nothing is started anywhere else."""
    chance = random.Random(8)
    for _case in range(1000):
        key = chance.choice(
            ["cluster_identifier", "database", poison(chance), "Parameters", "sql", "stored_procedure_name "]
        )
        value = chance.choice([poison(chance), spoiled(chance, "dev"), [poison(chance)], {poison(chance): 1}, 7, True])
        event: Any = {"stored_procedure_name": "connect.load_dims", key: value}
        if chance.random() < 0.3:
            event = {"id": poison(chance), "detail-type": poison(chance), "source": poison(chance), "detail": event}
        result, count = ask(watched, event)
        if count:
            # A name that is one: the emulator does not know it, or it is ours.
            assert re.fullmatch(r"[A-Za-z0-9_$-]+", str(value))
        else:
            assert result["statusCode"] == 500
    assert {one["ClusterIdentifier"] for one in watched.executed()} <= {"analytics"}


def test_200_objects_with_hostile_names(watched, s3, tmp_path) -> None:
    """A file's name is only a name: found, run, and shown without characters that a terminal acts on."""
    chance = random.Random(9)
    api = DataApi(watched.in_process(), TARGET)
    for case in range(200):
        name = f"Rel{case}" + poison(chance).replace("\x00", "").replace("/", "")[:40] + ".txt"
        if case % 2:
            s3.put_object(Bucket=BUCKET, Key=f"Redshift/{name}", Body=b"connect.load_dims")
            found = find(f"s3://{BUCKET}/Redshift/{name}", "first", s3)
        else:
            (tmp_path / name).write_text("connect.load_dims")
            found = find(str(tmp_path / f"Rel{case}"), "first")
            (tmp_path / name).unlink()
        assert printable(found.uri).isprintable()
        release = parse(decode(found.data, found.uri), found.uri)
        if case % 10 == 0:
            assert run(api, release, NoStateStore(), RunOptions()).calls[0].status == "FINISHED"

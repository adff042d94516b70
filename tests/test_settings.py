from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from trunkline.aws.secrets import pii_key
from trunkline.errors import UsageError
from trunkline.settings.installation import Settings, is_debug
from trunkline.settings.options import Options
from trunkline.settings.release import ReleaseSettings
from trunkline.settings.secrets import Secret, SecretName, secret_values
from trunkline.urls import path_of


def written(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "trunkline.toml").write_text(text)
    return home


def test_a_home_that_is_not_there_gives_the_defaults(tmp_path: Path) -> None:
    """Nothing need be set, nothing is made, and lake and warehouse lie in the home."""
    settings = Settings.load(tmp_path / "no home", {})
    assert (settings.pii, settings.service_level_s, settings.zone) == ("hash", 20, "UTC")
    assert path_of(settings.lake) == tmp_path / "no home" / "lake"
    assert path_of(settings.warehouse) == tmp_path / "no home" / "warehouse.duckdb"
    assert settings.lake.startswith("file:///")
    assert settings.warehouse.startswith("duckdb:///")
    assert settings.threads >= 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a b", "100%", "q?x#y", "é"])
def test_any_folder_name_survives_the_urls(tmp_path: Path, name: str) -> None:
    """A home whose name needs encoding is still found."""
    assert path_of(Settings.load(tmp_path / name, {}).lake) == tmp_path / name / "lake"


def test_home_comes_from_the_argument_then_the_variable_then_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nearest statement wins, and the home is absolute."""
    monkeypatch.chdir(tmp_path)
    variables = {"TRUNKLINE_HOME": "there"}
    assert Settings.load(tmp_path / "here", variables).home == tmp_path / "here"
    assert Settings.load(None, variables).home == tmp_path / "there"
    assert Settings.load(None, {}).home == tmp_path / "trunkline-data"


def test_a_variable_wins_over_the_file(tmp_path: Path) -> None:
    """File, then variables; an empty variable sets nothing."""
    home = written(tmp_path, 'pii = "drop"\nzone = "Europe/Berlin"\nservice_level_s = 30\n')
    settings = Settings.load(home, {"TRUNKLINE_PII": "keep", "TRUNKLINE_ZONE": "", "PATH": "x"})
    assert (settings.pii, settings.zone, settings.service_level_s) == ("keep", "Europe/Berlin", 30)


def test_file_and_variables_say_the_same(tmp_path: Path) -> None:
    """Every key can be set in either place, with the same result."""
    in_file = """
        lake = "s3://bucket/prefix"
        warehouse = "duckdb:///data/w.duckdb"
        pii = "keep"
        pii_exceptions = ["language", "site"]
        service_level_s = 15
        service_level_queue_s = { Sales = 30, "A=B" = 60 }
        service_level_channel_s = { CHAT = 45, EMAIL = 3600 }
        service_level_goal = 90
        opening_hours = "Mon-Fri 09:00-17:30; Sat 10:00-14:00; zone Europe/London"
        opening_hours_queue = { Support = "always", Sales = "Mon-Sat 08:00-20:00" }
        holidays = ["2026-12-25", "2026-12-24 09:00-12:00"]
        zone = "America/New_York"
        dynamodb_tables = { calls-eu = "call" }
        salesforce_instance = "https://acme.my.salesforce.com"
        salesforce_credentials = "ssm:/trunkline/salesforce"
        contact_link = ["attribute:crmCaseId", "task:call_object"]
        dynamodb_deletes = "users"
        scorecard_zone = "Europe/Berlin"
        transcripts = "s3://recordings"
        transcript_keys = ["t/{call_id}.json", "u/{call_id}.json"]
        connect_instances = ["arn:1", "arn:2"]
        connect_roles = { 111122223333 = "arn:aws:iam::111122223333:role/reader" }
        connect_endpoint = "http://127.0.0.1:8585"
        sheets_endpoint = "http://127.0.0.1:8686"
        connect_share = 0.25
        connect_quota = { SearchContacts = 2.0 }
        collect_schedule = "rate(1 hour)"
        collect_zone = "Europe/Berlin"
        collect_again_h = [6, 48]
        collect_describe = "never"
        settle_hours = [6, 48]
        live_store = "influx+http://127.0.0.1:8086/live"
        letter_queue = "https://sqs.eu-west-2.amazonaws.com/111122223333/letters"
        firehose_object = "contact_record"
        objects_folder = "../objects"
        run_sources = { call = "dynamodb://calls" }
        run_schedules = { call = "rate(1 hour)" }
        run_zone = "Europe/Berlin"
        run_topic = "arn:aws:sns:eu-west-2:111122223333:runs"
        idempotency_table = "trunkline-messages"
        up_streams = { "kinesis://ctr?region=eu-west-2" = "contact_record+agent_event" }
        serve_session_hours = 8
        serve_streams = ["kinesis://connect-ctr-stream", "sqs://contact-events"]
        dead_letter_retention_days = 7
        batch_bytes = 1024
        memory_mb = 128
        threads = 3
    """
    variables = {
        "TRUNKLINE_LAKE": "s3://bucket/prefix",
        "TRUNKLINE_WAREHOUSE": "duckdb:///data/w.duckdb",
        "TRUNKLINE_PII": "keep",
        "TRUNKLINE_PII_EXCEPTIONS": "language, site",
        "TRUNKLINE_SERVICE_LEVEL_S": "15",
        "TRUNKLINE_SERVICE_LEVEL_QUEUE_S": "Sales=30, A=B=60",
        "TRUNKLINE_SERVICE_LEVEL_CHANNEL_S": "CHAT=45, EMAIL=3600",
        "TRUNKLINE_SERVICE_LEVEL_GOAL": "90",
        "TRUNKLINE_OPENING_HOURS": "Mon-Fri 09:00-17:30; Sat 10:00-14:00; zone Europe/London",
        "TRUNKLINE_OPENING_HOURS_QUEUE": "Support=always, Sales=Mon-Sat 08:00-20:00",
        "TRUNKLINE_HOLIDAYS": "2026-12-25, 2026-12-24 09:00-12:00",
        "TRUNKLINE_ZONE": "America/New_York",
        "TRUNKLINE_DYNAMODB_TABLES": "calls-eu=call",
        "TRUNKLINE_SALESFORCE_INSTANCE": "https://acme.my.salesforce.com",
        "TRUNKLINE_SALESFORCE_CREDENTIALS": "ssm:/trunkline/salesforce",
        "TRUNKLINE_CONTACT_LINK": "attribute:crmCaseId, task:call_object",
        "TRUNKLINE_DYNAMODB_DELETES": "users",
        "TRUNKLINE_SCORECARD_ZONE": "Europe/Berlin",
        "TRUNKLINE_TRANSCRIPTS": "s3://recordings",
        "TRUNKLINE_TRANSCRIPT_KEYS": "t/{call_id}.json, u/{call_id}.json",
        "TRUNKLINE_CONNECT_INSTANCES": "arn:1, arn:2",
        "TRUNKLINE_CONNECT_ROLES": "111122223333=arn:aws:iam::111122223333:role/reader",
        "TRUNKLINE_CONNECT_ENDPOINT": "http://127.0.0.1:8585",
        "TRUNKLINE_SHEETS_ENDPOINT": "http://127.0.0.1:8686",
        "TRUNKLINE_CONNECT_SHARE": "0.25",
        "TRUNKLINE_CONNECT_QUOTA": "SearchContacts=2",
        "TRUNKLINE_COLLECT_SCHEDULE": "rate(1 hour)",
        "TRUNKLINE_COLLECT_ZONE": "Europe/Berlin",
        "TRUNKLINE_COLLECT_AGAIN_H": "6, 48",
        "TRUNKLINE_COLLECT_DESCRIBE": "never",
        "TRUNKLINE_SETTLE_HOURS": "6, 48",
        "TRUNKLINE_LIVE_STORE": "influx+http://127.0.0.1:8086/live",
        "TRUNKLINE_LETTER_QUEUE": "https://sqs.eu-west-2.amazonaws.com/111122223333/letters",
        "TRUNKLINE_FIREHOSE_OBJECT": "contact_record",
        "TRUNKLINE_OBJECTS_FOLDER": "../objects",
        "TRUNKLINE_RUN_SOURCES": "call=dynamodb://calls",
        "TRUNKLINE_RUN_SCHEDULES": "call=rate(1 hour)",
        "TRUNKLINE_RUN_ZONE": "Europe/Berlin",
        "TRUNKLINE_RUN_TOPIC": "arn:aws:sns:eu-west-2:111122223333:runs",
        "TRUNKLINE_IDEMPOTENCY_TABLE": "trunkline-messages",
        "TRUNKLINE_UP_STREAMS": "kinesis://ctr?region=eu-west-2=contact_record+agent_event",
        "TRUNKLINE_SERVE_SESSION_HOURS": "8",
        "TRUNKLINE_SERVE_STREAMS": "kinesis://connect-ctr-stream, sqs://contact-events",
        "TRUNKLINE_DEAD_LETTER_RETENTION_DAYS": "7",
        "TRUNKLINE_BATCH_BYTES": "1024",
        "TRUNKLINE_MEMORY_MB": "128",
        "TRUNKLINE_THREADS": "3",
    }
    assert {"TRUNKLINE_" + name.upper() for name in Options.__struct_fields__} == set(variables)
    from_variables = Settings.load(tmp_path, variables)
    assert Settings.load(written(tmp_path, in_file), {}) == from_variables
    assert from_variables.service_level_queue_s == {"Sales": 30, "A=B": 60}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'pi = "hash"',
            r"trunkline.toml, line 1: there is no setting 'pi'. Did you mean 'pii'\? Valid: lake, warehouse",
        ),
        ('pii = "hsah"', r"trunkline.toml, line 1: pii is 'hsah'. Did you mean 'hash'\? Valid: hash, drop, keep"),
        ("service_level_s = 0", r"service_level_s is 0; expected `int` >= 1"),
        ('service_level_s = "20"', r"service_level_s is '20'; expected `int`, got `str`"),
        ("service_level_queue_s = { Sales = -1 }", r"service_level_queue_s is \{'Sales': -1\}"),
        (
            'zone = "Europe/Berln"',
            r"zone is 'Europe/Berln', which is not an IANA time zone. Did you mean 'Europe/Berlin'",
        ),
        ('zone = "../etc"', r"not an IANA time zone"),
        (
            'opening_hours = "9-17"',
            r"trunkline.toml, line 1: opening_hours: '9-17' has no valid times; write 09:00-17:30",
        ),
        ('[opening_hours_queue]\nSales = "Mon"', r"opening_hours_queue: queue Sales: 'Mon' has no valid times"),
        ('holidays = ["Christmas"]', r"holidays: 'Christmas' is not a valid holiday; write 2026-12-25"),
        ('lake = "/data/lake"', r"lake is '/data/lake'; valid is a URL such as file:///data/lake or s3://bucket"),
        ('lake = "s3:///x"', r"names no bucket"),
        ('lake = "file://data/lake"', r"three slashes"),
        ('warehouse = "mysql://x"', r"warehouse is 'mysql://x'; valid is a URL such as duckdb:///"),
        ('pii_key = "abcdef"', r"pii_key does not belong in a settings file"),
        ('# mine\n\n[service_level_queue_s]\nSales = "x"', r"trunkline.toml, line 3: service_level_queue_s is"),
        ("pii = ", r"trunkline.toml is not valid TOML"),
    ],
)
def test_a_bad_file_is_named_with_key_value_and_cure(tmp_path: Path, text: str, message: str) -> None:
    """The message alone is enough to correct the file."""
    with pytest.raises(UsageError, match=message) as caught:
        Settings.load(written(tmp_path, text), {})
    assert "abcdef" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"TRUNKLINE_SERVICE_LEVEL": "5"},
            r"There is no setting TRUNKLINE_SERVICE_LEVEL .*Did you mean 'TRUNKLINE_SERVICE_LEVEL_S'",
        ),
        ({"TRUNKLINE_THREADS": "many"}, r"TRUNKLINE_THREADS is 'many'; expected `int`"),
        ({"TRUNKLINE_SERVICE_LEVEL_QUEUE_S": "Sales"}, r"valid is a list such as Sales=30,Support=60"),
        ({"TRUNKLINE_PII_KEY": " "}, r"TRUNKLINE_PII_KEY is empty"),
    ],
)
def test_a_bad_variable_is_named(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    """The message names the variable, not a file that does not hold it."""
    with pytest.raises(UsageError, match=message):
        Settings.load(tmp_path, variables)


def test_text_that_is_not_utf8_is_a_usage_error(tmp_path: Path) -> None:
    """No traceback for a file in another encoding."""
    (tmp_path / "trunkline.toml").write_bytes(b'zone = "\xff"')
    with pytest.raises(UsageError, match="is not valid TOML"):
        Settings.load(tmp_path, {})


def test_the_given_key_is_used_and_never_shown(tmp_path: Path) -> None:
    """TRUNKLINE_PII_KEY wins, makes no file, and no repr shows it."""
    settings = Settings.load(tmp_path, {"TRUNKLINE_PII_KEY": "open sesame"})
    assert pii_key(settings) == b"open sesame"
    assert "sesame" not in repr(settings) + str(settings) + f"{Secret('sesame')}"
    assert not (tmp_path / "pii.key").exists()


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """The first use makes the file, later ones read it; its text in the variable is the same key."""
    settings = Settings.load(tmp_path / "home", {})
    key = pii_key(settings)
    file = tmp_path / "home" / "pii.key"
    assert len(key) == 64
    assert pii_key(settings) == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert pii_key(Settings.load(tmp_path, {"TRUNKLINE_PII_KEY": file.read_text()})) == key
    assert [path.name for path in file.parent.iterdir()] == ["pii.key"]


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    """The file appears complete and once, whichever process is first."""
    program = (
        "import pathlib, sys\nfrom trunkline.aws.secrets import pii_key\n"
        "from trunkline.settings.installation import Settings\n"
        "sys.stdout.write(pii_key(Settings.load(pathlib.Path(sys.argv[1]), {})).hex())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) for _ in range(6)]
    keys = {process.communicate(timeout=60)[0] for process in started}
    assert len(keys) == 1
    assert keys != {b""}


def test_an_emptied_key_file_is_not_replaced(tmp_path: Path) -> None:
    """A new key would silently stop joining with what was hashed before."""
    (tmp_path / "pii.key").write_text("\n")
    with pytest.raises(UsageError, match="restore it from a backup"):
        pii_key(Settings.load(tmp_path, {}))


def test_debug_is_a_variable() -> None:
    """Set and not 0."""
    assert [is_debug({"TRUNKLINE_DEBUG": text}) for text in ("1", "0", "")] == [True, False, False]
    assert not is_debug({})


def test_a_function_takes_buckets_by_name(tmp_path: Path) -> None:
    """The document's variables name buckets; TRUNKLINE_* variables win, and elsewhere buckets' names mean nothing."""
    buckets = {"ANALYTICS_BUCKET": "analytics", "TRANSCRIBE_BUCKET": " recordings "}
    settings = Settings.for_function(tmp_path, buckets)
    assert (settings.lake, settings.transcripts, settings.pii) == ("s3://analytics", "s3://recordings", "drop")
    settings = Settings.for_function(tmp_path, {**buckets, "TRUNKLINE_LAKE": "s3://own/lake", "TRUNKLINE_PII_KEY": "k"})
    assert (settings.lake, settings.transcripts, settings.pii) == ("s3://own/lake", "s3://recordings", "hash")
    assert Settings.load(tmp_path, buckets) == Settings.load(tmp_path, {})


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "ANALYTICS_BUCKET is not set"),
        ({"ANALYTICS_BUCKET": "a", "TRUNKLINE_PII": "hash"}, "TRUNKLINE_PII_KEY is not set"),
        ({"ANALYTICS_BUCKET": "a", "TRUNKLINE_PI": "drop"}, "no setting TRUNKLINE_PI .*Did you mean 'TRUNKLINE_PII'"),
    ],
)
def test_a_function_that_lacks_a_setting_says_which(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    """It has no home to look in, so each must be given."""
    with pytest.raises(UsageError, match=message):
        Settings.for_function(tmp_path, variables)


def test_release_settings_are_variables_of_their_own_names() -> None:
    """An empty one sets nothing; a bad value says what is valid."""
    settings = ReleaseSettings.load({"CLUSTER_ID": "analytics", "DATABASE": " ", "RELEASE_TIMEOUT": "60"})
    assert (settings.cluster, settings.database, settings.call_s, settings.pick) == ("analytics", None, 60, "first")
    with pytest.raises(UsageError, match="RELEASE_PICK is 'newest'. Valid: first, latest"):
        ReleaseSettings.load({"RELEASE_PICK": "newest"})
    with pytest.raises(UsageError, match="RELEASE_TIMEOUT is '0'; expected `int` >= 1"):
        ReleaseSettings.load({"RELEASE_TIMEOUT": "0"})


def test_a_secret_is_given_or_its_place_is_named(tmp_path: Path) -> None:
    """A text that begins as a place does is one; only the secret itself is kept out of messages."""
    arn = "arn:aws:secretsmanager:eu-west-2:111122223333:secret:live-AbCdEf"
    variables = {
        "TRUNKLINE_PII_KEY": "secretsmanager:prod/all#key", "TRUNKLINE_LIVE_TOKEN": f"secretsmanager:{arn}",
        "TRUNKLINE_WAREHOUSE": "ssm:/prod/warehouse",
    }  # fmt: skip
    settings = Settings.load(tmp_path, variables)
    assert settings.pii_key_given == SecretName("secretsmanager", "prod/all", "key")
    assert settings.live_token == SecretName("secretsmanager", arn)
    assert settings.warehouse == "ssm:/prod/warehouse"
    plain = Settings.load(tmp_path, {"TRUNKLINE_PII_KEY": "open sesame"})
    assert isinstance(plain.pii_key_given, Secret)
    assert plain.pii_key_given.reveal() == "open sesame"
    named = {"PAGE_TOKEN": "ssm:/prod/token", "PAGE_KEY": "open sesame"}
    assert secret_values(named) == {"open sesame"}


@pytest.mark.parametrize("text", ["secretsmanager:", "ssm:#key", "SecretsManager:prod/key", "file :/key"])
def test_the_beginning_of_a_place_is_no_secret(tmp_path: Path, text: str) -> None:
    """It would hash personal data with a key that anybody can guess; the message shows no more than its beginning."""
    with pytest.raises(
        UsageError, match="TRUNKLINE_PII_KEY begins with .*: and names no place; valid are env:VARIABLE"
    ):
        Settings.load(tmp_path, {"TRUNKLINE_PII_KEY": text})


def test_a_variable_that_named_a_secret_before_is_refused(tmp_path: Path) -> None:
    """A function that still has it would drop personal data, or hash it with another key."""
    with pytest.raises(UsageError, match="no setting TRUNKLINE_PII_KEY_SECRET .*Did you mean 'TRUNKLINE_PII_KEY'"):
        Settings.for_function(tmp_path, {"ANALYTICS_BUCKET": "a", "TRUNKLINE_PII_KEY_SECRET": "arn:x"})

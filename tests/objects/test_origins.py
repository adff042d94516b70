"""The `[source]` table of an object: each kind of origin, and errors that name the place, the value and what is valid."""

from __future__ import annotations

import tomllib

import pytest

from trunkline.errors import UsageError
from trunkline.objects.origins import (
    ClientAuth,
    CursorPaging,
    FilesOrigin,
    HeaderAuth,
    HttpOrigin,
    LinkPaging,
    OffsetPaging,
    Origin,
    SalesforceOrigin,
    SheetOrigin,
    Since,
    is_safe_address,
)
from trunkline.objects.user.origin_tables import origin_from_table
from trunkline.settings.secrets import SecretName

SHEET_ID = "1AbCdEfGhIjKlMnOpQrStUvWxYz-0123456789_abc"
SALESFORCE = (
    'type = "salesforce"\ninstance = "https://acme.my.salesforce.com"\nsobject = "Task"\ncredentials = "env:SF"\n'
)
SHEET = f'type = "sheet"\nsheet = "{SHEET_ID}"\ntab = "Agents"\ncredentials = "file:/etc/key.json"\n'
HTTP = 'type = "http"\nurl = "https://api.example.com/v1/surveys"\n'


def parsed(text: str) -> Origin:
    return origin_from_table(tomllib.loads(text), lambda key: f"objects.toml: [object.task.source{key and '; ' + key}]")


@pytest.mark.parametrize(("text", "expected"), [
    ('type = "files"\npaths = ["in/*.csv"]', FilesOrigin(("in/*.csv",))),
    (
        'type = "files"\npaths = ["s3://b/tasks/"]\ndiscovery = "sqs"\nqueue = "new-tasks"',
        FilesOrigin(("s3://b/tasks/",), "sqs", "new-tasks"),
    ),
    (SHEET, SheetOrigin(SHEET_ID, "Agents", SecretName("file", "/etc/key.json"))),
    (
        SHEET.replace(SHEET_ID, f"https://docs.google.com/spreadsheets/d/{SHEET_ID}/edit#gid=0")
        + 'header_row = 3\nrows_min = 10\nheaders = ["Agent"]\ndeletes = true\nremoved_percent_max = 5\nzone = "Europe/Berlin"',
        SheetOrigin(SHEET_ID, "Agents", SecretName("file", "/etc/key.json"), 3, 10, ("Agent",), True, 5, "Europe/Berlin"),
    ),
    (SALESFORCE, SalesforceOrigin("https://acme.my.salesforce.com", "Task", SecretName("env", "SF"))),
    (
        SALESFORCE.replace("env:SF", "secretsmanager:prod/sf#task")
        + 'fields = ["Id", "Owner.Name"]\nwhere = "IsClosed = true"\narchived = false\napi = "bulk"\noverlap_s = 60\napi_percent_max = 50',
        SalesforceOrigin(
            "https://acme.my.salesforce.com", "Task", SecretName("secretsmanager", "prod/sf", "task"),
            ("Id", "Owner.Name"), "IsClosed = true", False, "bulk", 60, 50,
        ),
    ),
    (HTTP, HttpOrigin("https://api.example.com/v1/surveys")),
    (
        HTTP + 'records = "data.items"\nparameters = { status = "closed", page = 2 }\ncalls_per_s = 2\n'
        'paging = { type = "cursor", parameter = "after", path = ["meta", "next.cursor"] }\n'
        'auth = { type = "header", header = "X-Api-Key", prefix = "", secret = "ssm:/prod/token" }\n'
        'since = { parameter = "updated_since", format = "epoch_ms", overlap_s = 60 }',
        HttpOrigin(
            "https://api.example.com/v1/surveys", ("data", "items"), (("status", "closed"), ("page", "2")),
            CursorPaging("after", ("meta", "next.cursor")), HeaderAuth(SecretName("ssm", "/prod/token"), "X-Api-Key", ""),
            Since("updated_since", "epoch_ms", 60), 2.0,
        ),
    ),
    (HTTP + 'paging = { type = "link" }', HttpOrigin("https://api.example.com/v1/surveys", paging=LinkPaging())),
    (
        HTTP + 'paging = { type = "offset", parameter = "page", rows = 50, rows_parameter = "size", unit = "pages", first = 1 }\n'
        'auth = { type = "client", token_url = "http://127.0.0.1:8/token", client_id = "me", secret = "env:S", scope = "read" }',
        HttpOrigin(
            "https://api.example.com/v1/surveys", paging=OffsetPaging("page", "pages", 1, "size", 50),
            auth=ClientAuth("http://127.0.0.1:8/token", "me", SecretName("env", "S"), "read"),
        ),
    ),
])  # fmt: skip
def test_a_table_gives_an_origin(text: str, expected: Origin) -> None:
    """Every key of a table arrives, and the others have their defaults."""
    assert parsed(text) == expected


@pytest.mark.parametrize(("text", "message"), [
    ("", "objects.toml: [object.task.source] has no type; it is one of files, sheet, salesforce, http"),
    ('type = "ftp"', "[object.task.source; type] type = 'ftp' is not valid; valid are files, sheet, salesforce, http"),
    ('type = "files"', "has no paths"),
    ('type = "files"\npaths = ["s3://b"]\nglob = 1', "has an unknown key 'glob'; keys are type, paths, discovery, queue"),
    ('type = "files"\npaths = ["s3://b"]\ndiscovery = "sqs"', "has no queue; name the queue that S3 notifies"),
    ('type = "files"\npaths = ["in"]\ndiscovery = "sqs"\nqueue = "q"', "each must begin with s3://"),
    ('type = "files"\npaths = ["s3://b"]\nqueue = "q"', 'a queue is read with discovery = "sqs" alone'),
    (SHEET + "header_row = 0", "header_row = 0 is not valid; it must be a whole number from 1 to 1,000"),
    (SHEET + "rows_min = true", "rows_min = True is not valid; it must be a whole number"),
    (SHEET + 'zone = "Berlin"', "zone = 'Berlin' is not valid; it must be an IANA time zone"),
    (SHEET + 'deletes = "yes"', "deletes = 'yes' is not valid; it must be true or false"),
    (SHEET.replace(SHEET_ID, "my sheet"), "sheet = 'my sheet' is not valid; it must be the address of a Google Sheet"),
    (SALESFORCE.replace("Task", "Task; DELETE"), "it must be an API name, such as Task or litify_pm__Matter__c"),
    (SALESFORCE + 'fields = ["Id, Name"]', "each must be an API name, with dots for parents"),
    (SALESFORCE + 'api = "soap"', "valid are auto, rest, bulk"),
    (HTTP + 'paging = { type = "cursor" }', "has no paging.parameter; name the query parameter of the cursor"),
    (HTTP + 'paging = "cursor"', "paging = 'cursor' is not valid; it must be a table"),
    (HTTP + 'paging = { parameter = "a" }', "has no paging.type; it is one of cursor, link, offset"),
    (HTTP + 'auth = { type = "header" }', "has no auth.secret; name where the token is: env:VARIABLE, file:PATH"),
    (HTTP + 'auth = { type = "header", header = "A: b", secret = "env:A" }', "it must be the name of a header"),
    (HTTP + 'records = "a..b"', "records = 'a..b' is not valid"),
    (HTTP + "parameters = { a = true }", "parameters.a = True is not valid; it must be a text or a number"),
    (HTTP + "calls_per_s = 0", "calls_per_s = 0 is not valid; it must be a number from 0.01 to 1000"),
])  # fmt: skip
def test_a_mistake_is_an_error_that_says_what_is_valid(text: str, message: str) -> None:
    """The place, the key, the value and what is valid."""
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [
    SHEET.replace("file:/etc/key.json", "hunter2-hunter2"),
    SALESFORCE.replace("env:SF", "env:"),
    SALESFORCE.replace("env:SF", "hunter2:hunter2"),
    HTTP + 'auth = { type = "header", secret = "hunter2" }',
    HTTP.replace("https://", "https://me:hunter2@"),
    HTTP.replace("https://api", "http://hunter2"),
    HTTP + 'auth = { type = "client", client_id = "me", token_url = "http://hunter2.example.com/", secret = "env:A" }',
])  # fmt: skip
def test_no_error_shows_what_may_be_a_secret(text: str) -> None:
    """A secret that was written where its place belongs is not repeated in the message."""
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert "hunter2" not in str(caught.value)
    assert "objects.toml" in str(caught.value)


def test_secrets_go_over_tls_or_stay_on_this_machine() -> None:
    """Plain HTTP is for emulators and proxies on the loopback interface."""
    safe = ["https://a.example", "http://127.0.0.1:80/x", "http://[::1]/", "http://localhost:9"]
    unsafe = [
        "http://a.example",
        "http://127.0.0.1.example",
        "ftp://localhost",
        "http://10.0.0.1",
        "http://localhost.example",
    ]
    assert [url for url in [*safe, *unsafe] if is_safe_address(url)] == safe


def test_the_text_of_a_secret_name_is_what_is_written() -> None:
    """It can be shown in a message, since it holds no secret."""
    for text in ("env:A", "secretsmanager:prod/sf#password"):
        assert str(parsed(SALESFORCE.replace("env:SF", text)).credentials) == text  # type: ignore[union-attr]

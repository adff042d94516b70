"""The same from S3, by its own protocol: pages, versions, ranges, damage and what to do about errors."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from trunkline.aws import s3 as s3_client
from trunkline.errors import SourceChangedError, TerminalError, TransientError, UsageError
from trunkline.positions import Progress
from trunkline.sources.files.reader import list_files, read_batches, reread

RECORDS = [json.dumps({"ContactId": str(n)}) for n in range(60)]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An S3 with the bucket `lake`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="lake")
        yield client


def put(s3: Any, key: str, body: bytes | str) -> None:
    s3.put_object(Bucket="lake", Key=key, Body=body)


def test_objects_are_listed_page_by_page(s3: Any) -> None:
    """Every page is read; folder markers and names that begin with . or _ are left out; a folder does not match its neighbours."""
    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 7})
    for n in range(30):
        put(s3, f"calls/2026/{n:02}.json", RECORDS[n])
    for key in ("calls/", "calls/old_$folder$", "calls-old/x"):
        put(s3, key, b"")
    for key in ("calls/_tmp/x", "calls/.hidden", "_own/1", "one.json", "one.json.bak"):
        put(s3, key, "{}")
    for url in ("s3://lake/calls", "s3://lake/calls/", "s3://lake/calls/2026/*.json", "s3://lake/calls/2026/"):
        found = list_files([url], s3)
        assert [one.uri for one in found] == [f"s3://lake/calls/2026/{n:02}.json" for n in range(30)]
    assert [one.uri for one in list_files(["s3://lake/one.json", "s3://lake/one.json"])] == ["s3://lake/one.json"]
    assert [one.uri for one in list_files(["s3://lake/_own"])] == ["s3://lake/_own/1"]
    assert "s3://lake/_own/1" not in [one.uri for one in list_files(["s3://lake"])]
    assert found[0].arrived_at.tzinfo is None
    assert found[0].version == s3.head_object(Bucket="lake", Key="calls/2026/00.json")["ETag"].strip('"')


def test_batches_of_objects_resume_and_repeat(s3: Any) -> None:
    """Plain, gzip and cut objects in small batches: each record once, each batch again from its plan."""
    put(s3, "a/1", "".join(RECORDS[:20]))
    put(s3, "a/2", gzip.compress("\n".join(RECORDS[20:40]).encode()))
    put(s3, "a/3", gzip.compress("".join(RECORDS[40:]).encode())[:-12])
    put(s3, "a/4", b"")
    files = list_files(["s3://lake/a"])
    batches = list(read_batches(files, {}, "contact_record", 300))
    assert len(batches) > 8
    got = [text for one in batches for text in one.texts]
    assert got == RECORDS[: len(got)]
    assert len(got) > 40
    assert [span.reason for one in batches for span in one.broken] == ["corrupt_compression"]
    for index, one in enumerate(batches):
        assert reread(one.plan) == one
        done = {(r.uri, r.version): Progress(r.end, r.is_last) for b in batches[: index + 1] for r in b.plan.ranges}
        rest = list(read_batches(files, done, "contact_record", 300))
        assert [text for b in rest for text in b.texts] == [text for b in batches[index + 1 :] for text in b.texts]


@pytest.mark.parametrize("is_versioned", [True, False])
def test_an_overwritten_object_is_a_new_version(s3: Any, is_versioned: bool) -> None:
    """In a versioned bucket the old plan can still be repeated; elsewhere it is void."""
    if is_versioned:
        s3.put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
    put(s3, "a/1", RECORDS[0])
    (old,) = read_batches(list_files(["s3://lake/a/1"]), {}, "contact_record")
    put(s3, "a/1", RECORDS[1])
    done = {(r.uri, r.version): Progress(r.end, r.is_last) for r in old.plan.ranges}
    (new,) = read_batches(list_files(["s3://lake/a/1"]), done, "contact_record")
    assert list(new.texts) == [RECORDS[1]]
    if is_versioned:
        assert reread(old.plan) == old
        s3.delete_object(Bucket="lake", Key="a/1")
        assert reread(new.plan) == new
    else:
        with pytest.raises(SourceChangedError, match="list anew"):
            reread(old.plan)
        s3.delete_object(Bucket="lake", Key="a/1")
        with pytest.raises(SourceChangedError):
            reread(new.plan)


def test_errors_say_what_to_do(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong prefix, wrong bucket, no credentials."""
    with pytest.raises(UsageError, match="there is no object under"):
        list_files(["s3://lake/none"])
    with pytest.raises(UsageError, match="names no bucket"):
        list_files(["s3://"])
    with pytest.raises(TerminalError, match="bucket no-such-bucket .* does not exist"):
        list_files(["s3://no-such-bucket/x"])
    with pytest.raises(TerminalError, match="is not a valid S3 address"):
        list_files(["s3://a b/x"])
    assert list_files(["s3://lake"]) == []


def test_without_credentials_the_message_says_what_to_set() -> None:
    """A retry does not help. In a process of its own, since moto sets credentials."""
    program = "from trunkline.sources.files.listing import list_files; list_files(['s3://lake/x'])"
    nowhere = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_CONFIG_FILE": os.devnull,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | nowhere
    environment["PYTHONPATH"] = str(Path(__file__).parents[2] / "src")
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert "TerminalError" in done.stderr
    assert "aws configure" in done.stderr


def test_a_broken_connection_resumes_where_it_broke(s3: Any) -> None:
    """A broken read resumes at its byte; a read that keeps breaking is a transient error."""
    put(s3, "a/1", "".join(RECORDS))
    (file,) = list_files(["s3://lake/a/1"])
    breaks = [3]

    class Flaky:
        def __init__(self, body: Any) -> None:
            self.body = body

        def read(self, size: int) -> bytes:
            if breaks[0]:
                breaks[0] -= 1
                raise ConnectionError("reset")
            breaks[0] = 2
            return bytes(self.body.read(min(size, 100)))

        def close(self) -> None:
            self.body.close()

    class Client:
        def get_object(self, **asked: str) -> dict[str, Any]:
            return {"Body": Flaky(s3.get_object(**asked)["Body"])}

    (one,) = read_batches([file], {}, "contact_record", client=Client())
    assert list(one.texts) == RECORDS
    breaks[0] = 10_000
    with pytest.raises(TransientError, match="broke off"):
        s3_client.S3Raw(Client(), file.uri, file.version).read(10)

"""A release from end to end: find the file, parse it, run it, return the result object."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Final

from trunkline import clock
from trunkline.aws.redshift_data import DataApi, RedshiftTarget
from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import LAMBDA_MARGIN_S
from trunkline.releases.find import Pick, ReleaseFile, find
from trunkline.releases.interface import body_of, failed_body, is_proxy, request_of, response
from trunkline.releases.parser import decode, parse
from trunkline.releases.plan import Release
from trunkline.releases.run import Outcome, RunOptions, run
from trunkline.releases.state import CallState, DiskStateStore, NoStateStore, S3StateStore, locked
from trunkline.settings.release import ReleaseSettings

Note = Callable[[str], None]
FUNCTION_BUCKET: Final = "daab-lab-jfr-datalake"
"""Where the function `RedshiftS3SP2` looks when RELEASE_BUCKET is not set."""


@dataclass(frozen=True, slots=True)
class Clients:
    """How to reach AWS: an S3 client, and a maker of Data API clients by target."""

    s3: Any
    data_api: Callable[[RedshiftTarget], DataApi]


def plan(place: str, pick: Pick = "first", s3: Any = None, note: Note | None = None) -> tuple[ReleaseFile, Release]:
    """The release at a place, read and parsed whole; nothing is run. Raises UsageError and ReleaseError."""
    file = find(place, pick, s3)
    for warning in file.warnings:
        (note or _discard)(warning)
    return file, parse(decode(file.data, file.uri), file.uri)


def run_planned(
    api: DataApi,
    file: ReleaseFile,
    release: Release,
    options: RunOptions,
    s3: Any = None,
    on_end: Callable[[CallState], None] | None = None,
) -> Outcome:
    """Run a planned file; the state is stored beside it. Raises TransientError when another process runs it."""
    is_s3 = file.uri.startswith("s3://")
    with nullcontext() if is_s3 else locked(file.uri):
        return run(api, release, S3StateStore(s3, file.uri) if is_s3 else DiskStateStore(file.uri), options, on_end)


def place_from(variables: ReleaseSettings, default_bucket: str | None = None) -> str:
    """The place of releases that the environment names. Raises UsageError where it names no bucket."""
    bucket = variables.bucket or default_bucket
    if bucket is None:
        raise UsageError(
            "no release is named: give a file, a folder or s3://bucket/prefix as PLACE, or set RELEASE_BUCKET."
        )
    return f"s3://{bucket}/{variables.prefix}"


def target_from(variables: ReleaseSettings, cluster: str | None = None, database: str | None = None) -> RedshiftTarget:
    """The target of statements: the environment's, or what overrides it. Raises UsageError where one is missing."""
    workgroup = None if cluster else variables.workgroup
    cluster = cluster or (None if workgroup else variables.cluster)
    database = database or variables.database
    if not (cluster or workgroup):
        raise UsageError(
            "no cluster is named: set CLUSTER_ID (or WORKGROUP), such as daab-redshift-cluster-jr-bedrock."
        )
    if not database:
        raise UsageError("no database is named: set DATABASE, such as dev.")
    return RedshiftTarget(database, cluster, workgroup, variables.db_user, variables.secret_arn, variables.region)


def answer(
    event: object,
    variables: ReleaseSettings,
    clients: Clients,
    request_id: str | None,
    left_s: float | None,
    note: Note,
) -> dict[str, Any]:
    """The result object for one event, whatever goes wrong.

    `request_id` is used where the event has no id; `left_s` is the time that the function has left, None without limit.
    """
    until_s = None if left_s is None else clock.monotonic_s() + left_s - LAMBDA_MARGIN_S
    content = None
    try:
        request = request_of(event)
        target = target_from(variables, request.cluster, request.database)
        options = RunOptions(
            variables.on_failure, variables.call_s, until_s=until_s, request_id=request.request_id or request_id
        )
        api = clients.data_api(target)
        if request.release is not None:
            outcome = run(api, request.release, NoStateStore(), options)
        else:
            file = find(place_from(variables, FUNCTION_BUCKET), variables.pick, clients.s3)
            note(f"the release is {file.uri}")
            for warning in file.warnings:
                note(warning)
            content = decode(file.data, file.uri)
            outcome = run_planned(api, file, parse(content, file.uri), options, clients.s3)
        for warning in outcome.warnings:
            note(warning)
        body = body_of(outcome)
    except TrunklineError as error:
        body = failed_body(str(error), content)
    return response(body, is_proxy(event))


def _discard(_: str) -> None:
    """Discards a warning."""

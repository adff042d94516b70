"""A procedure release from end to end: find the file, parse it, run it, answer in the mission's words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from trunkline import clock
from trunkline.aws.redshift_data import DataApi, Target
from trunkline.errors import TrunklineError, UsageError
from trunkline.limits import LAMBDA_MARGIN_S
from trunkline.releases.event import is_proxy, request_of
from trunkline.releases.find import Found, Pick, find
from trunkline.releases.parser import decode, parse
from trunkline.releases.plan import Release
from trunkline.releases.result import body_of, failed_body, response
from trunkline.releases.run import Options, Outcome, run
from trunkline.releases.state import CallState, DiskStore, NoStore, S3Store, locked
from trunkline.settings import ReleaseSettings

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Clients:
    """How to reach AWS: an S3 client, and a maker of Data API clients by target."""

    s3: Any
    data_api: Callable[[Target], DataApi]


def plan(place: str, pick: Pick = "first", s3: Any = None, note: Note | None = None) -> tuple[Found, Release]:
    """The release at a place, read and parsed whole; nothing is run. Raises UsageError and ReleaseError."""
    found = find(place, pick, s3)
    for warning in found.warnings:
        (note or _unheard)(warning)
    return found, parse(decode(found.data, found.uri), found.uri)


def run_planned(
    api: DataApi,
    found: Found,
    release: Release,
    options: Options,
    s3: Any = None,
    told: Callable[[CallState], None] | None = None,
) -> Outcome:
    """Run a planned file; where the run is stands beside the file. Raises TransientError when another runs it."""
    is_s3 = found.uri.startswith("s3://")
    with nullcontext() if is_s3 else locked(found.uri):
        return run(api, release, S3Store(s3, found.uri) if is_s3 else DiskStore(found.uri), options, told)


def target_from(variables: ReleaseSettings, cluster: str | None = None, database: str | None = None) -> Target:
    """Where statements go: the environment's target, or what overrides it. Raises UsageError where one is missing."""
    workgroup = None if cluster else variables.workgroup
    cluster = cluster or (None if workgroup else variables.cluster)
    database = database or variables.database
    if not (cluster or workgroup):
        raise UsageError(
            "no cluster is named: set CLUSTER_ID (or WORKGROUP), such as daab-redshift-cluster-jr-bedrock."
        )
    if not database:
        raise UsageError("no database is named: set DATABASE, such as dev.")
    return Target(database, cluster, workgroup, variables.db_user, variables.secret_arn, variables.region)


def answer(
    event: object, variables: ReleaseSettings, clients: Clients, request_id: str | None, left_s: float, note: Note
) -> dict[str, Any]:
    """The mission's result object for one event, whatever goes wrong.

    `request_id` stands in where the event has no id of its own; `left_s` is the time that the function has left.
    """
    until_s = clock.monotonic_s() + left_s - LAMBDA_MARGIN_S
    content = None
    try:
        asked = request_of(event)
        target = target_from(variables, asked.cluster, asked.database)
        options = Options(
            variables.on_failure, variables.call_s, until_s=until_s, request_id=asked.request_id or request_id
        )
        api = clients.data_api(target)
        if asked.release is not None:
            outcome = run(api, asked.release, NoStore(), options)
        else:
            found = find(f"s3://{variables.bucket}/{variables.prefix}", variables.pick, clients.s3)
            note(f"the release is {found.uri}")
            for warning in found.warnings:
                note(warning)
            content = decode(found.data, found.uri)
            outcome = run_planned(api, found, parse(content, found.uri), options, clients.s3)
        for warning in outcome.warnings:
            note(warning)
        body = body_of(outcome)
    except TrunklineError as error:
        body = failed_body(str(error), content)
    return response(body, is_proxy(event))


def _unheard(_: str) -> None:
    """Where nobody listens to warnings."""

"""The Lambda functions that state machines and their schedules call, as they are deployed, with what each may call.

A stage of a run opens lake, ledger and warehouse. What one stage alone does, such as reading the source or starting an
execution, is granted to it alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.deploy.functions import (
    CANCEL,
    FUNCTIONS,
    LIST_STATEMENTS,
    STAGING,
    WAREHOUSE,
    Grant,
    LambdaFunction,
)

_LISTS: Final = "without it S3 answers 403 for an object that does not exist"
_OPENS_LAKE: Final = (
    Grant("pii_key", ("secretsmanager:GetSecretValue",)),
    Grant("lake", ("s3:GetObject", "s3:PutObject"), ("_ledger/",)),
    Grant("lake", ("s3:ListBucket",), ("_ledger/",), _LISTS),
)
_OPENS: Final = (*_OPENS_LAKE, *WAREHOUSE, CANCEL)
_MERGES: Final = (
    Grant("rows", ("s3:GetObject",)),
    Grant("lake", ("s3:DeleteObject",), ("_ledger/plan/",)),
    LIST_STATEMENTS,
)
_PUTS_FILES: Final = (
    Grant("sources", ("s3:GetObject", "s3:ListBucket")),
    Grant("rows", ("s3:PutObject",)),
    Grant("lake", ("s3:PutObject",), ("_dead_letter_bytes/",)),
)
_READS: Final = (
    *_PUTS_FILES,
    Grant(
        "instances",
        (
            "connect:SearchContacts",
            "connect:DescribeContact",
            "connect:ListQueues",
            "connect:ListRoutingProfiles",
            "connect:ListUserHierarchyGroups",
            "connect:ListUsers",
            "connect:DescribeQueue",
            "connect:DescribeRoutingProfile",
            "connect:DescribeUser",
            "connect:DescribeUserHierarchyGroup",
        ),
    ),
)
_MESSAGE: Final = Grant("topic", ("sns:Publish",))


def _stage(name: str, purpose: str, *grants: Grant, memory_mb: int = 1024, timeout_s: int = 900) -> LambdaFunction:
    return LambdaFunction(
        name=f"trunkline_{name}",
        module=f"stages.{name}",
        package="full",
        purpose=purpose,
        events=(),
        grants=grants,
        timeout_s=timeout_s,
        memory_mb=memory_mb,
    )


MACHINE_STAGES: Final[Mapping[str, str]] = {
    "Begin": "stages.begin",
    "Extract": "stages.extract",
    "Stage": "stages.stage",
    "Load": "stages.load",
    "Verify": "stages.verify",
    "Notify": "stages.notify",
    "RecordFailure": "stages.record_failure",
}
"""The functions of an object's machine, by the name that its definition gives them."""
STAGES: Final[Mapping[str, LambdaFunction]] = {
    function.module: function
    for function in (
        _stage("begin", "takes an object's lock and begins a run", *_OPENS),
        # What the Connect API gives is merged as it is read, since its windows move on as they are merged.
        _stage(
            "extract",
            "reads what is new at an object's source into the lake",
            *_OPENS,
            *_READS,
            *_MERGES,
            Grant(STAGING.kind, STAGING.actions, (), "more than a hundred contacts of a window are copied from files"),
        ),
        _stage("stage", "counts what waits in the lake", *_OPENS),
        _stage("load", "loads and merges what waits in the lake", *_OPENS, *_MERGES, STAGING),
        _stage("verify", "compares the table's rows with the ledger", *_OPENS),
        _stage("notify", "ends a run", *_OPENS, _MESSAGE),
        _stage("record_failure", "ends a run as failed", *_OPENS, _MESSAGE),
        _stage("backfill_files", "puts files of a backfill into the lake", *_OPENS_LAKE, *_PUTS_FILES),
        _stage("summarize", "names the objects that failed", memory_mb=256, timeout_s=60),
        _stage(
            "start_run",
            "starts an execution for each window of a schedule",
            Grant("machines", ("states:StartExecution",)),
            memory_mb=512,
            timeout_s=60,
        ),
    )
}
"""Every function of the state machines by its module in `trunkline.handlers`."""
ALL_FUNCTIONS: Final[Mapping[str, LambdaFunction]] = {**FUNCTIONS, **STAGES}
"""Every function there is by its module in `trunkline.handlers`."""

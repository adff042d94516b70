"""Settings of procedure releases, which come from the environment alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from trunkline.settings.fields import about, converted, from_variables


class ReleaseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the function `RedshiftS3SP2` and `trunkline release` take from the environment."""

    region: Annotated[str | None, about("Region of Redshift and of the bucket.", variable="AWS_DEFAULT_REGION")] = None
    cluster: Annotated[str | None, about("The cluster.", variable="CLUSTER_ID")] = None
    database: Annotated[str | None, about("The database.", variable="DATABASE")] = None
    db_user: Annotated[str | None, about("The database's user.", variable="DB_USER")] = None
    workgroup: Annotated[str | None, about("A serverless workgroup, instead of a cluster.", variable="WORKGROUP")] = (
        None
    )
    secret_arn: Annotated[
        str | None, about("A secret of Secrets Manager, instead of a user.", variable="SECRET_ARN")
    ] = None
    bucket: Annotated[
        str | None, about("The bucket of releases. The Lambda function has a default.", variable="RELEASE_BUCKET")
    ] = None
    prefix: Annotated[str, about("What their keys begin with.", variable="RELEASE_PREFIX")] = "Redshift/Rel"
    pick: Annotated[
        Literal["first", "latest"], about("Which file runs where several match.", variable="RELEASE_PICK")
    ] = "first"
    on_failure: Annotated[
        Literal["continue", "stop"], about("What follows a failed procedure.", variable="RELEASE_ON_FAILURE")
    ] = "continue"
    call_s: Annotated[
        Annotated[int, msgspec.Meta(ge=1, le=86_400)],
        about("Seconds after which a procedure is cancelled.", variable="RELEASE_TIMEOUT"),
    ] = 300

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> ReleaseSettings:
        """An empty variable sets nothing. Raises UsageError naming the variable, its value and what is valid."""
        given = converted(cls, from_variables(cls, os.environ if environ is None else environ))
        return cls(**{name: value for name, (value, _) in given.items()})

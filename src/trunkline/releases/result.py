"""The mission's result object, field by field: what callers of `RedshiftS3SP2` read."""

from __future__ import annotations

from typing import Any

import msgspec

from trunkline.releases.run import Outcome
from trunkline.releases.state import NOT_RUN


def body_of(outcome: Outcome) -> dict[str, Any]:
    """The body: all results, also of calls that were not run; `error` only where the run did not come to its end."""
    results = [
        {
            "procedure_number": call.number,
            "procedure_name": call.display_name,
            "query_id": state.query_id,
            "status": state.status,
            "sql_executed": None if state.status == NOT_RUN else call.sql,
            "error": state.error,
            "duration_ms": state.duration_ms,
        }
        for call, state in zip(outcome.release.calls, outcome.calls, strict=True)
    ]
    return _body(results, outcome.release.content, outcome.error)


def failed_body(error: str, content: str | None = None) -> dict[str, Any]:
    """The body where nothing could be planned: no file, a file that is no release, an event that asks for nonsense."""
    return _body([], content, error)


def response(body: dict[str, Any], is_proxy: bool = False) -> dict[str, Any]:
    """The whole result: 200 when every procedure succeeded, else 500. Under API Gateway the body is JSON text."""
    is_done = "error" not in body and body["successful_procedures"] == body["total_procedures"]
    result: dict[str, Any] = {"statusCode": 200 if is_done else 500, "body": body}
    if is_proxy:
        result["body"] = msgspec.json.encode(body).decode()
        result["headers"] = {"Content-Type": "application/json"}
        result["isBase64Encoded"] = False
    return result


def _body(results: list[dict[str, Any]], content: str | None, error: str | None) -> dict[str, Any]:
    succeeded = sum(one["status"] == "FINISHED" for one in results)
    body: dict[str, Any] = {
        "message": f"Executed {succeeded} stored procedures successfully",
        "total_procedures": len(results),
        "successful_procedures": succeeded,
        "execution_results": results,
        "s3_content": content,
    }
    return body if error is None else {**body, "error": error}

"""What programs read: `/api/v1/...` as JSON with its OpenAPI description, `/metrics` for Prometheus, and `/healthz`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import PlainTextResponse

from trunkline.errors import UsageError
from trunkline.live.agents import AgentTotals
from trunkline.live.points import board_points
from trunkline.live.stores.prometheus import CONTENT_TYPE, PrometheusStore
from trunkline.serve.report.markup import Html, el
from trunkline.serve.wallboard.alerts import BoardAlert
from trunkline.serve.wallboard.board import Board
from trunkline.serve.wallboard.drill import BehindContact, behind, contact_details, whats
from trunkline.serve.wallboard.snapshot import BoardAgent, BoardContact, BoardDay, BoardQueue
from trunkline.version import __version__

API_LISTED_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class BoardHealth:
    """Whether the board is of now. `age_s` is the time since the newest event, None before the first.

    `status` is ok, or stale while an alarm says that events no longer come.
    """

    status: str
    version: str
    at: datetime
    age_s: float | None
    boards: int
    events: int
    refused: int
    lag_s: dict[str, float]


@dataclass(frozen=True, slots=True)
class BehindAnswer:
    """The contacts behind a number; `count` before the list is cut, `counted` of them by the number."""

    title: str
    count: int
    counted: int
    contacts: list[BehindContact]


@dataclass(frozen=True, slots=True)
class AlertsAnswer:
    """The alerts that last, and the latest that have ended."""

    open: list[BoardAlert]
    closed: list[BoardAlert]


def board_health(board: Board) -> BoardHealth:
    """The state of the board itself."""
    newest, now = max(board.state.newest.values(), default=None), board.clock.now()
    is_stale = any(alert.key.startswith("stream/") for alert in board.alerts.open)
    return BoardHealth(
        status="stale" if is_stale else "ok",
        version=__version__,
        at=now,
        age_s=None if newest is None else max(0.0, (now - newest).total_seconds()),
        boards=len(board.readers),
        events=board.counts["events"],
        refused=board.counts["refused"],
        lag_s=dict(board.lag_s),
    )


def api_routes(board: Board) -> APIRouter:
    """The JSON routes. All are read-only; times are UTC, durations seconds, rates percent, null is not known."""
    router = APIRouter(prefix="/api/v1", tags=["board"])

    @router.get("/queues", summary="Each queue now and today")
    def queues() -> tuple[BoardQueue, ...]:
        return board.snapshot().queues

    @router.get("/agents", summary="Each agent who is signed in")
    def agents() -> tuple[BoardAgent, ...]:
        return board.snapshot().agents

    @router.get("/agents/totals", summary="How many agents there are of each kind")
    def agent_totals() -> AgentTotals:
        return board.snapshot().totals

    @router.get("/waiting", summary="The contacts that have waited longest")
    def waiting() -> tuple[BoardContact, ...]:
        return board.snapshot().waiting

    @router.get("/today", summary="The day of all queues")
    def day() -> BoardDay:
        return board.snapshot().day

    @router.get("/alerts", summary="The alerts that last, and the latest that have ended")
    def alerts() -> AlertsAnswer:
        return AlertsAnswer(board.alerts.open, board.alerts.closed)

    @router.get("/health", summary="Whether the board is of now")
    def health() -> BoardHealth:
        return board_health(board)

    @router.get("/contacts", summary="The contacts behind a number")
    def contacts(
        what: Annotated[str, Query(description=f"The number: {', '.join(whats())}")],
        queue: Annotated[str | None, Query(description="The queue's id; without it, all queues")] = None,
        channel: Annotated[str | None, Query(description="The channel; without it, all channels")] = None,
        limit: Annotated[int, Query(ge=1, le=API_LISTED_MAX, description="Contacts at most")] = 100,
    ) -> BehindAnswer:
        try:
            now = board.clock.now()
            number = board.read_with(lambda state: behind(state, now, what, queue, channel, limit))
        except UsageError as error:
            raise HTTPException(422, str(error)) from None
        return BehindAnswer(number.title, number.count, number.counted, number.contacts)

    @router.get("/contacts/{contact_id}", summary="What is known of one contact")
    def contact(contact_id: str) -> BehindContact:
        details: BehindContact | None = board.read_with(
            lambda state: contact_details(state, contact_id, board.clock.now())
        )
        if details is None:
            raise HTTPException(404, "the board does not hold this contact: it holds those of today and yesterday")
        return details

    return router


def operation_routes(board: Board) -> APIRouter:
    """`/healthz` and `/metrics`."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", summary="200 while the server answers", response_class=PlainTextResponse)
    def healthz() -> str:
        return "ok\n"

    @router.get("/metrics", summary="Prometheus' text format")
    def metrics() -> PlainTextResponse:
        now, store = board.clock.now(), PrometheusStore()
        store.write(board.read_with(lambda state: board_points(state, now)), now)
        own = "".join(f"{line}\n" for line in _metric_lines(board))
        return PlainTextResponse(store.scrape(now) + own, media_type=CONTENT_TYPE)

    return router


def _metric_lines(board: Board) -> Iterable[str]:
    """The board's own numbers. Labels are ids of queues and names of streams and levels, never a contact."""
    health, levels = board_health(board), [alert.level.word for alert in board.alerts.open]
    own = (
        ("trunkline_board_events_total", "counter", "Events folded since the start.", health.events),
        ("trunkline_board_refused_total", "counter", "Events that could not be used.", health.refused),
        ("trunkline_board_points_total", "counter", "Points that the live store has.", board.counts["points"]),
        (
            "trunkline_board_points_lost_total",
            "counter",
            "Points that the live store did not take.",
            board.counts["points_lost"],
        ),
        ("trunkline_board_readers", "gauge", "Open boards.", health.boards),
        ("trunkline_board_frame_seconds", "gauge", "Time to make the last frame.", board.last_frame_s),
        ("trunkline_board_event_age_seconds", "gauge", "Time since the newest event.", health.age_s),
        (
            "trunkline_board_open_age_seconds",
            "gauge",
            "Time since the newest event, from the opening on; 0 while every queue is closed.",
            board.quiet_s(),
        ),
        ("trunkline_board_contacts", "gauge", "Contacts in the live state.", len(board.state.contacts)),
    )
    for name, kind, text, value in own:
        if value is not None:
            yield from (f"# HELP {name} {text}", f"# TYPE {name} {kind}", f"{name} {value:g}")
    yield from ("# HELP trunkline_board_alerts Alerts that last, by level.", "# TYPE trunkline_board_alerts gauge")
    yield from (f'trunkline_board_alerts{{level="{level}"}} {levels.count(level)}' for level in ("watch", "alarm"))
    if health.lag_s:
        yield from (
            "# HELP trunkline_board_lag_seconds How far a stream is behind.",
            "# TYPE trunkline_board_lag_seconds gauge",
        )
        yield from (f'trunkline_board_lag_seconds{{stream="{_label(s)}"}} {lag:g}' for s, lag in health.lag_s.items())


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def api_page(description: dict[str, Any]) -> list[Html]:
    """The OpenAPI description as markup: each operation with its parameters and the fields of its answer."""
    content = [
        el("p", None, "Read-only JSON. Times are UTC, durations seconds, rates percent; null means not known. "),
        el("p", None, "For programs: ", el("a", {"href": "openapi.json"}, "openapi.json"), "."),
    ]
    schemas = description.get("components", {}).get("schemas", {})
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            content.append(el("h2", None, el("code", None, f"{method.upper()} {path}")))
            content.append(el("p", None, operation.get("summary", "")))
            content += [_parameter(parameter) for parameter in operation.get("parameters", [])]
            answer = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
            names = _fields(answer, schemas)
            content += [el("p", {"class": "soft"}, "Fields: ", ", ".join(names))] if names else []
    return content


def _parameter(parameter: dict[str, Any]) -> Html:
    needed = ", required" if parameter.get("required") else ""
    text = f" {parameter.get('description', '')} ({parameter['in']}{needed})"
    return el("p", None, el("code", None, parameter["name"]), text)


def _fields(schema: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    return [*schemas[reference.rpartition("/")[2]].get("properties", {})] if reference else []

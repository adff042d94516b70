"""The server: pages, frames, API and operations of one board in one process."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Annotated, Any, Final

import httpx
import uvicorn
from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from nicegui import ui

from trunkline.errors import TerminalError, TransientError, UsageError
from trunkline.schedules.times import parse_date
from trunkline.serve.report.markup import el
from trunkline.serve.wallboard import pages
from trunkline.serve.wallboard.access import COOKIE, Access, AccessMiddleware, cookie_of
from trunkline.serve.wallboard.alerts import BoardAlert, webhook_body
from trunkline.serve.wallboard.api import api_page, api_routes, operation_routes
from trunkline.serve.wallboard.board import Board
from trunkline.serve.wallboard.drill import behind, contact_details
from trunkline.serve.wallboard.editor import History, register_pages
from trunkline.version import __version__

_PLAIN: Final = {"content-security-policy": pages.POLICY, "cache-control": "no-store"}
_STREAM: Final = {"cache-control": "no-store", "x-accel-buffering": "no"}
_WRONG_TOKEN_S: Final = 0.5
_WEBHOOK_TRIES: Final = 3
_WEBHOOKS_WAITING_MAX: Final = 100
_log: Final = logging.getLogger("trunkline.wallboard")


def create_app(board: Board, access: Access, history: History | None = None) -> FastAPI:
    """The application of one board. A process can have one, since NiceGUI's pages belong to the process."""
    app = FastAPI(title="Trunkline wallboard", version=__version__, docs_url=None, redoc_url=None)
    app.mount("/static", StaticFiles(directory=pages.STATIC))
    app.include_router(api_routes(board))
    app.include_router(operation_routes(board))
    _add_pages(app, board)
    _add_session(app, board, access)
    _add_history(app, board, history)
    register_pages(board, history, access)
    ui.run_with(app, title="Trunkline", dark=None, show_welcome_message=False)
    app.add_middleware(AccessMiddleware, access=access)
    return app


def _add_pages(app: FastAPI, board: Board) -> None:
    zone = board.state.rules.zone

    @app.get("/", include_in_schema=False)
    def index(tv: bool = False) -> HTMLResponse:
        return HTMLResponse(pages.board_page(board.options, zone, tv), headers=_PLAIN)

    @app.get("/contacts", include_in_schema=False)
    def contacts(request: Request, what: str, queue: str | None = None, channel: str | None = None) -> HTMLResponse:
        now = board.clock.now()
        try:
            number = board.read_with(lambda state: behind(state, now, what, queue, channel, pages.LISTED_MAX))
        except UsageError as error:
            return HTMLResponse(pages.message_page("No such number", str(error)), 404, headers=_PLAIN)
        url = f"contacts?{request.url.query}"
        return HTMLResponse(pages.contacts_page(number, zone, now, url), headers=_PLAIN)

    @app.get("/contact", include_in_schema=False)
    def contact(id: str) -> HTMLResponse:  # noqa: A002 - the name in the URL
        now = board.clock.now()
        details = board.read_with(lambda state: contact_details(state, id, now))
        return HTMLResponse(pages.contact_page(details, id, zone), 200 if details else 404, headers=_PLAIN)

    @app.get("/api", include_in_schema=False)
    def describe() -> HTMLResponse:
        return HTMLResponse(pages.plain_page("API", api_page(app.openapi()), "API"), headers=_PLAIN)


def _add_session(app: FastAPI, board: Board, access: Access) -> None:
    wrong = asyncio.Semaphore(1)

    @app.get("/events", include_in_schema=False)
    def events(request: Request) -> StreamingResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        stream = board.frames(lambda: access.admits(headers))
        return StreamingResponse(stream, media_type="text/event-stream", headers=_STREAM)

    @app.get("/session", include_in_schema=False)
    def session(request: Request) -> JSONResponse:
        ends = access.session_ends(cookie_of(dict(request.headers)))
        return JSONResponse({"ends": ends}, headers={"cache-control": "no-store"})

    @app.get("/login", include_in_schema=False, response_model=None)
    def login_form() -> HTMLResponse | RedirectResponse:
        if access.token is None:
            return RedirectResponse("./", 303)
        return HTMLResponse(pages.login_page(), headers=_PLAIN)

    @app.post("/login", include_in_schema=False, response_model=None)
    async def log_in(request: Request, token: Annotated[str, Form()] = "") -> HTMLResponse | RedirectResponse:
        known = access.token_of(token)
        if known is None:
            async with wrong:  # two tries a second, however many ask
                await asyncio.sleep(_WRONG_TOKEN_S)
            return HTMLResponse(pages.login_page(is_wrong=True), 401, headers=_PLAIN)
        answer = RedirectResponse("./", 303)
        answer.set_cookie(
            COOKIE,
            access.new_session(known),
            max_age=round(access.session_hours * 3600),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @app.get("/logout", include_in_schema=False)
    def log_out() -> RedirectResponse:
        answer = RedirectResponse("login", 303)
        answer.delete_cookie(COOKIE)
        return answer


def _add_history(app: FastAPI, board: Board, history: History | None) -> None:
    @app.get("/history/report", include_in_schema=False, response_model=None)
    def report(day: str) -> HTMLResponse | PlainTextResponse:
        if history is None:
            return PlainTextResponse("There is no loaded data here.\n", 404)
        try:
            chosen = parse_date(day, "day")
            return HTMLResponse(history.page(chosen), headers={"cache-control": "no-store"})
        except UsageError as error:
            return PlainTextResponse(f"{error}\n", 404)
        except (TransientError, TerminalError) as error:
            text = f"The report cannot be made now: {error}"
            return HTMLResponse(str(el("p", {"role": "alert"}, text)), 503)


class Webhook:
    """Sends alerts as JSON, in order, a few times each; the oldest are dropped where nobody answers."""

    def __init__(self, board: Board, name: str) -> None:
        self._board = board
        self._name = name
        self._waiting: asyncio.Queue[BoardAlert] = asyncio.Queue(_WEBHOOKS_WAITING_MAX)
        self.failed = 0

    def put(self, news: list[BoardAlert]) -> None:
        """Have alerts sent, where a webhook is set."""
        for alert in news if self._board.options.webhook else ():
            if self._waiting.full():
                self._waiting.get_nowait()
                self.failed += 1
            self._waiting.put_nowait(alert)

    async def run(self) -> None:
        """Send until cancelled."""
        async with httpx.AsyncClient(timeout=5) as client:
            while True:
                alert = await self._waiting.get()
                if not await self._sent(client, webhook_body(alert, self._name)):
                    self.failed += 1
                    _log.warning(
                        "the webhook refused an alert or does not answer; it was tried %d times", _WEBHOOK_TRIES
                    )

    async def _sent(self, client: httpx.AsyncClient, body: dict[str, Any]) -> bool:
        for pause_s in range(_WEBHOOK_TRIES):
            await asyncio.sleep(pause_s)
            try:
                answer = await client.post(self._board.options.webhook, json=body)
            except httpx.HTTPError:
                continue
            if answer.is_success:
                return True
        return False


class BoardServer(uvicorn.Server):
    """uvicorn, which on a signal also ends the streams of open boards, and so does not wait for them."""

    def __init__(self, config: uvicorn.Config, board: Board) -> None:
        super().__init__(config)
        self._board = board

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop."""
        self._board.close()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for connections; port 0 takes a free one. Raises TerminalError for a port in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen()
    except OSError as error:
        opened.close()
        raise TerminalError(
            f"port {port} of {host} cannot be opened: {error.strerror}; choose another with --port"
        ) from error
    return opened


def url_of(opened: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = opened.getsockname()[:2]
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104 - compared alone
    return f"http://{shown}:{port}/"


async def serve_board(board: Board, access: Access, history: History | None, opened: socket.socket, *jobs: Any) -> None:
    """Serve until a signal. `jobs` are coroutines that feed the board; if one fails, the server ends with its error."""
    webhook = Webhook(board, url_of(opened))
    board.on_alerts = webhook.put
    app = create_app(board, access, history)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, access_log=False, lifespan="on")
    server = BoardServer(config, board)
    tasks = [asyncio.create_task(job) for job in (board.run(), webhook.run(), *jobs)]

    def stop_on_failure(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            board.close()
            server.should_exit = True

    for task in tasks:
        task.add_done_callback(stop_on_failure)
    try:
        await server.serve(sockets=[opened])
    finally:
        failed = [task for task in tasks if task.done() and not task.cancelled() and task.exception() is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in failed:
        await task

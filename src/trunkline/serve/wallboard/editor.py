"""The pages that people work in, by NiceGUI: the settings of the board, and the report of any day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import msgspec
from fastapi import Request
from nicegui import ui

from trunkline.errors import UsageError
from trunkline.opening_hours import EXAMPLE
from trunkline.schedules.times import parse_date
from trunkline.serve.report.wording import spelled
from trunkline.serve.wallboard.access import Access
from trunkline.serve.wallboard.board import Board
from trunkline.serve.wallboard.options import (
    DEFERRED_TARGET_S,
    SECTIONS,
    BoardOptions,
    Thresholds,
    hours_of,
    names_of,
    numbers_of,
)
from trunkline.serve.wallboard.pages import navigation, page_version

_FIELDS: Final = (
    ("waiting_watch", "Waiting, watch from"),
    ("waiting_alarm", "Waiting, alarm from"),
    ("wait_s_watch", "Longest wait, watch from (s)"),
    ("wait_s_alarm", "Longest wait, alarm from (s)"),
    ("service_level_watch", "Service level, watch below (%)"),
    ("service_level_alarm", "Service level, alarm below (%)"),
    ("contacts_min", "Service level judged from (contacts)"),
)
_OF_ALL: Final = (
    "Leave a field empty to switch it off. A wait is not judged before the target of the service level has passed: it "
    "is watched from the target on, and an alarm from twice the target on, where these are later than the times here. "
    f"Where the target is over {spelled(DEFERRED_TARGET_S)}, as for e-mail and tasks, only the contacts past it count "
    "as waiting."
)
_OF_QUEUE: Final = "These are used exactly as they are, for every channel of the queue."
_READ_ONLY: Final = (
    "You may look at these settings. To change them, log in with the token for editing, which is the value of "
    "TRUNKLINE_SERVE_EDIT_TOKEN where the wallboard was started."
)


@dataclass(frozen=True, slots=True)
class History:
    """The report of loaded days. `page` gives a local day's as HTML, `newest` the last day with contacts.

    `page` raises TransientError while a load has the home locked.
    """

    page: Callable[[date], str]
    newest: Callable[[], date | None]


def _frame(title: str) -> None:
    """The head of a page, with the links to the others."""
    ui.page_title(title)
    ui.add_head_html(f'<link rel="stylesheet" href="static/pages.css?v={page_version()}">')
    ui.colors(primary="#0067a6")
    with ui.element("header").classes("bar"):
        ui.html(f"<h1>{title}</h1>", sanitize=False)
        ui.html(str(navigation(title)), sanitize=False)


class ThresholdFields:
    """Number fields for one set of thresholds; an empty field is never."""

    def __init__(self, thresholds: Thresholds, label: str, note: str, is_read_only: bool) -> None:
        self._fields: dict[str, ui.number] = {}
        with ui.element("fieldset").classes("w-full flex flex-wrap gap-3 border rounded p-3"):
            with ui.element("legend").classes("font-bold px-1"):
                ui.label(label)
            ui.label(note).classes("w-full")
            for name, title in _FIELDS:
                field = ui.number(title, value=getattr(thresholds, name), min=0).props("outlined dense")
                field.props("readonly" if is_read_only else "clearable")
                self._fields[name] = field.classes("w-64").mark(name)

    def value(self) -> Thresholds:
        """The thresholds in the fields. Raises UsageError for a value out of range."""
        values: dict[str, Any] = {name: field.value for name, field in self._fields.items()}
        if values["contacts_min"] is None:
            values["contacts_min"] = 0
        thresholds: Thresholds = _converted(values, Thresholds)
        return thresholds


def _converted(values: dict[str, Any], kind: type[Any]) -> Any:
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"a setting is not valid: {error}") from None


class SettingsForm:
    """The form of `BoardOptions`. Saving checks all of it, writes the file and shows it on every open board.

    `may_edit` is asked when the page is made, where the form is to be looked at alone, and again when it is saved.
    """

    def __init__(self, board: Board, may_edit: Callable[[], bool]) -> None:
        self._board, self._may_edit = board, may_edit
        self._is_read_only = not may_edit()
        self._queues: dict[str, ThresholdFields] = {}
        if self._is_read_only:
            with ui.element("p").props("role=note"):
                ui.label(_READ_ONLY).classes("font-bold")
                ui.link("Log in for editing", "login")
        self._thresholds_part()
        self._hours_part()
        self._layout_part()
        self._alerts_part()
        self._error = ui.label().props("role=alert")
        if not self._is_read_only:
            ui.button("Save", on_click=self.save).mark("save").classes("self-start")

    def _thresholds_part(self) -> None:
        options, board = self._board.options, self._board
        _heading("Thresholds and targets")
        self._all = ThresholdFields(options.thresholds, "All queues", _OF_ALL, self._is_read_only)
        self._rows = ui.column().classes("w-full")
        for queue, thresholds in options.queue_thresholds.items():
            self._add(queue, thresholds)
        if not self._is_read_only:
            with ui.row().classes("items-center"):
                names = sorted({*board.state.queue_names.values()})
                chosen = ui.select(names, label="Queue", with_input=True, new_value_mode="add-unique").classes("w-64")
                ui.button("Add thresholds for this queue", on_click=lambda: self._add_chosen(chosen.value))
        self._targets = self._text("Service level targets, seconds (Sales=30, Chat=60)", _pairs(options.targets_s))

    def _hours_part(self) -> None:
        options, rules = self._board.options, self._board.home_rules
        _heading("Opening hours")
        ui.label("While a queue is closed it raises no alarm. A field that is empty here leaves it to trunkline.toml.")
        self._hours = self._text(f"All queues ({EXAMPLE})", options.opening_hours)
        self._hours.props(f'hint="In trunkline.toml: {rules.hours or "always open"}"')
        lines = "\n".join(f"{queue} = {hours}" for queue, hours in options.queue_hours.items())
        self._queue_hours = ui.textarea("Single queues, one a line (Sales = Mon-Sat 08:00-20:00)", value=lines)
        self._queue_hours.props("outlined dense autogrow" + " readonly" * self._is_read_only).classes("w-full")
        known = "; ".join(f"{queue} = {hours}" for queue, hours in rules.hours_by_queue.items())
        if known:
            ui.label(f"In trunkline.toml: {known}")
        holidays = ", ".join(options.holidays)
        self._holidays = self._text("Holidays (2026-12-25, 2026-12-24 09:00-12:00)", holidays)

    def _layout_part(self) -> None:
        options = self._board.options
        _heading("Layout")
        self._sections = self._text(f"Sections in order ({', '.join(SECTIONS)})", ", ".join(options.sections))
        self._order = self._text("Queues that come first (names)", ", ".join(options.queue_order))
        self._hidden = self._text("Queues without a tile (names)", ", ".join(options.hidden_queues))

    def _alerts_part(self) -> None:
        options = self._board.options
        _heading("Alerts")
        self._quiet = ui.number("Alarm when nothing arrives for (minutes)", value=options.quiet_minutes, min=1)
        self._lag = ui.number("Alarm when a stream lags by (s)", value=options.lag_s_max, min=0)
        for field in (self._quiet, self._lag):
            field.props("outlined dense" + " readonly" * self._is_read_only).classes("w-80")
        self._webhook = self._text("Webhook for alerts (URL)", options.webhook)

    def _text(self, label: str, value: str) -> ui.input:
        return ui.input(label, value=value).props("outlined dense" + " readonly" * self._is_read_only).classes("w-full")

    def _add_chosen(self, queue: str | None) -> None:
        name = (queue or "").strip()
        if name and name not in self._queues:
            self._add(name, self._board.options.thresholds)

    def _add(self, queue: str, thresholds: Thresholds) -> None:
        with self._rows, ui.row().classes("w-full items-center") as row:
            self._queues[queue] = ThresholdFields(thresholds, queue, _OF_QUEUE, self._is_read_only)

            def remove() -> None:
                del self._queues[queue]
                row.delete()

            if not self._is_read_only:
                ui.button(f"Remove {queue}", on_click=remove).props("flat dense")

    def save(self) -> None:
        """Check and save; a mistake is shown and nothing is saved, nor after the session has ended."""
        if not self._may_edit():
            self._error.set_text("Not saved: your session has ended. Log in again with the token for editing.")
            return
        try:
            self._board.change_options(self._options())
        except UsageError as error:
            self._error.set_text(f"Not saved: {error}")
            return
        self._error.set_text("")
        ui.notify("Saved; every open board shows it.", type="positive")

    def _options(self) -> BoardOptions:
        values = {
            "thresholds": self._all.value(),
            "queue_thresholds": {queue: fields.value() for queue, fields in self._queues.items()},
            "targets_s": numbers_of(self._targets.value or ""),
            "opening_hours": (self._hours.value or "").strip(),
            "queue_hours": hours_of(self._queue_hours.value or ""),
            "holidays": names_of(self._holidays.value or ""),
            "sections": names_of(self._sections.value or ""),
            "queue_order": names_of(self._order.value or ""),
            "hidden_queues": names_of(self._hidden.value or ""),
            "quiet_minutes": round(self._quiet.value or 0),
            "lag_s_max": self._lag.value or 0,
            "webhook": (self._webhook.value or "").strip(),
        }
        options: BoardOptions = _converted(msgspec.to_builtins(values), BoardOptions)
        return options


def _heading(text: str) -> None:
    ui.html(f"<h2>{text}</h2>", sanitize=False)


def _pairs(values: dict[str, int]) -> str:
    return ", ".join(f"{name}={value}" for name, value in values.items())


def register_pages(board: Board, history: History | None, access: Access) -> None:
    """`/settings` and `/history`."""

    @ui.page("/settings", title="Settings of the wallboard")
    def settings(request: Request) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        _frame("Settings")
        with ui.element("section").classes("w-full max-w-5xl mx-auto flex flex-col gap-3 p-2"):
            SettingsForm(board, lambda: access.may_edit(headers))

    @ui.page("/history", title="History")
    def past(day: str = "") -> None:
        _frame("History")
        with ui.element("section").classes("w-full flex flex-col gap-2 px-4"):
            if history is None:
                ui.label("There is no loaded data here: the board shows the stream alone.")
            else:
                _day_picker(history, day)


def _day_picker(history: History, day: str) -> None:
    """A day with its neighbours, and its report below."""
    try:
        shown = parse_date(day, "day") if day else history.newest()
    except UsageError as error:
        ui.label(str(error)).props("role=alert")
        return
    if shown is None:
        ui.label("No contact has been loaded yet.")
        return
    with ui.row().classes("items-center"):
        ui.link("Day before", f"history?day={shown - timedelta(days=1)}")
        chosen = ui.input("Day", value=str(shown)).props("type=date outlined dense")
        ui.button("Show", on_click=lambda: ui.navigate.to(f"history?day={chosen.value}"))
        ui.link("Day after", f"history?day={shown + timedelta(days=1)}")
    frame = ui.element("iframe").props(f'src="history/report?day={shown}" title="Report of {shown}"')
    frame.classes("w-full border-0").style("height: calc(100vh - 130px)")

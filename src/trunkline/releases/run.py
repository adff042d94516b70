"""Run a release: its calls in order, each effectively once, whatever fails in between.

The state is saved before a call is sent to Redshift, after Redshift has accepted it, and when it has ended. Each call
has a client token made of the run and its number, so that sending it again finds the same statement. A killed run is
resumed: calls that have ended do not run again, and calls that were sent are found by token or by name.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, Literal

import msgspec

from trunkline import clock
from trunkline.aws.errors import RefusedError
from trunkline.aws.redshift_data import ENDED, DataApi, Statement, client_token, start
from trunkline.errors import TerminalError, TransientError, TrunklineError, UsageError
from trunkline.limits import DATA_API_RECORD_S, RELEASE_CALL_S
from trunkline.releases.plan import ProcedureCall, Release
from trunkline.releases.state import REQUESTED, CallState, RunState, StateStore

OnFailure = Literal["continue", "stop"]
_NAME: Final = "trunkline-release-"
_PAUSE_S_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    `on_failure`: continue with the next call, or stop. A call is cancelled after `call_s`. `until_s` is the deadline of
    the run itself on the monotonic clock: no call starts after it, and a running call is left for the next run to find.
    `request_id` identifies a repeated request. `restart` starts over where an unfinished run would be resumed.
    """

    on_failure: OnFailure = "continue"
    call_s: float = RELEASE_CALL_S
    until_s: float | None = None
    request_id: str | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run. `calls` has a state for each planned call; `error` says why the run is not finished."""

    release: Release
    calls: tuple[CallState, ...]
    is_finished: bool
    error: str | None = None
    warnings: tuple[str, ...] = ()


def run(
    api: DataApi,
    release: Release,
    store: StateStore,
    options: RunOptions,
    on_end: Callable[[CallState], None] | None = None,
) -> Outcome:
    """Run or resume a release. `on_end` is called with each call that ends.

    Raises UsageError for a wrong option, and nothing else of ours: the outcome holds the results so far and the error.
    """
    if options.on_failure not in ("continue", "stop"):
        raise UsageError(f"on_failure is {options.on_failure!r}; valid are continue and stop.")
    try:
        state, warnings = _begin(api, release, store, options)
    except TrunklineError as error:
        nothing = tuple(CallState(number=call.number) for call in release.calls)
        return Outcome(release, nothing, is_finished=False, error=str(error))
    progress = _Run(api, release, store, options, state, on_end or (lambda _: None))
    try:
        progress.perform()
    except TrunklineError as error:
        return Outcome(release, progress.state.calls, is_finished=False, error=str(error), warnings=warnings)
    return Outcome(release, progress.state.calls, progress.state.is_finished, warnings=warnings)


def token_of(state: RunState, number: int) -> str:
    """The client token of one call of one run."""
    return client_token(state.run_id, state.digest, state.target, number)


def name_of(state: RunState, number: int) -> str:
    """The statement's name, which finds it after its token has expired."""
    return _NAME + token_of(state, number)[:40]


def _begin(api: DataApi, release: Release, store: StateStore, options: RunOptions) -> tuple[RunState, tuple[str, ...]]:
    """The state to continue from: that of an unfinished run, that of the same request, or a new one; and warnings."""
    previous, warnings = store.load(), []
    if previous and not options.restart and (previous.digest, previous.target) == (release.digest, api.target.url):
        if not previous.is_finished:
            ended = sum(call.status in ENDED for call in previous.calls)
            return previous, (
                f"resuming the run of {previous.started_at}: {ended} of {len(previous.calls)} calls have ended.",
            )
        if options.request_id is not None and options.request_id == previous.request_id:
            return previous, ("this request was answered before: its results are shown, and nothing is run.",)
    if previous and not previous.is_finished:
        _settle(api, previous)
        warnings.append(
            f"the run of {previous.started_at} was not finished and is abandoned; this run starts at the first call."
        )
    new = options.request_id is None or options.restart
    state = RunState(
        run_id=uuid.uuid4().hex if new else hashlib.sha256(str(options.request_id).encode()).hexdigest(),
        digest=release.digest,
        target=api.target.url,
        request_id=options.request_id,
        started_at=clock.now().isoformat(timespec="seconds"),
        calls=tuple(CallState(number=call.number) for call in release.calls),
    )
    store.save(state)
    return state, tuple(warnings)


def _settle(api: DataApi, previous: RunState) -> None:
    """Cancel what an abandoned run has left running, so that nothing of it runs beside the new run."""
    for call in previous.calls:
        if call.status in ENDED:
            continue
        running = call.query_id or (api.find(name_of(previous, call.number)) if call.status == REQUESTED else None)
        if running is None:
            continue
        try:
            if not api.describe(running).is_ended and not api.cancel(running).is_ended:
                raise TransientError(
                    f"statement {running} of the run of {previous.started_at} does not end though it was cancelled: "
                    "wait for it, then run again."
                )
        except RefusedError:
            continue  # the API no longer knows it, so it ended long ago


class _Run:
    """A run in progress; `state` is what is saved."""

    def __init__(
        self,
        api: DataApi,
        release: Release,
        store: StateStore,
        options: RunOptions,
        state: RunState,
        on_end: Callable[[CallState], None],
    ) -> None:
        self.api, self.release, self.store, self.options, self.state = api, release, store, options, state
        self._on_end = on_end

    def perform(self) -> None:
        """All calls that have not ended, in order. Raises TransientError where the run cannot continue now."""
        if self.state.is_finished:
            return
        for call in self.release.calls:
            if self._at(call).status not in ENDED:
                if self._left_s() <= 0:
                    raise TransientError(
                        f"the run's time ended before call {call.number}. Run again to continue there."
                    )
                self._save(self._run(call))
                self._on_end(self._at(call))
            if self._at(call).status != "FINISHED" and self.options.on_failure == "stop":
                break
        self.state = msgspec.structs.replace(self.state, is_finished=True)
        self.store.save(self.state)

    def _at(self, call: ProcedureCall) -> CallState:
        return self.state.calls[call.number - 1]

    def _save(self, call_state: CallState) -> CallState:
        calls = tuple(call_state if old.number == call_state.number else old for old in self.state.calls)
        self.state = msgspec.structs.replace(self.state, calls=calls)
        self.store.save(self.state)
        return call_state

    def _left_s(self) -> float:
        until = self.options.until_s
        return float("inf") if until is None else until - clock.monotonic_s()

    def _run(self, call: ProcedureCall) -> CallState:
        """One call to its end, started now or found running."""
        call_state, started_s = self._at(call), clock.monotonic_s()
        is_resumed = call_state.query_id is not None
        if not is_resumed:
            call_state = self._send(call, call_state, started_s)
            if call_state.status in ENDED:
                return call_state
        until_s = started_s + self.options.call_s - (self._age_s(call_state) if is_resumed else 0)
        try:
            statement = self.api.wait(str(call_state.query_id), min(until_s, started_s + self._left_s()))
            is_overdue = not statement.is_ended and clock.monotonic_s() >= until_s
            if is_overdue:
                statement = self.api.cancel(statement.id)
        except RefusedError as error:
            if self._is_forgotten(call_state):
                return _unknown(call_state)
            raise TerminalError(f"call {call.number} ({call_state.query_id}) cannot be followed: {error}") from error
        reason = f"took longer than {self.options.call_s:g} s and was cancelled" if is_overdue else None
        if statement.is_ended:
            return _ended(call_state, statement, reason)
        self._save(msgspec.structs.replace(call_state, status=statement.status))
        where = f"call {call.number} ({statement.id})"
        if reason:
            raise TransientError(f"{where} {reason}, but is still {statement.status}. Run again.")
        raise TransientError(
            f"the run's time ended while {where} was {statement.status}. It is still running. "
            "Run again to wait for it and to continue."
        )

    def _send(self, call: ProcedureCall, call_state: CallState, started_s: float) -> CallState:
        """Start the call, or find it where it was started before."""
        token, name = token_of(self.state, call.number), name_of(self.state, call.number)
        was_sent = call_state.status == REQUESTED
        found = self.api.find(name) if was_sent else None
        if found is None:
            if was_sent and self._is_forgotten(call_state):
                return _unknown(call_state)
            call_state = self._save(
                msgspec.structs.replace(call_state, status=REQUESTED, asked_at=clock.now().isoformat())
            )
            try:
                found = self._execute(call, token, name, started_s)
            except RefusedError as error:
                if was_sent:  # it may be running, so a person has to look
                    raise
                return msgspec.structs.replace(call_state, status="FAILED", error=str(error))
        return self._save(msgspec.structs.replace(call_state, status="SUBMITTED", query_id=found))

    def _execute(self, call: ProcedureCall, token: str, name: str, started_s: float) -> str:
        until_s = started_s + min(self.options.call_s, self._left_s())
        begin = partial(self.api.execute, call.sql, token, call.parameters, name)
        return start(begin, self.api.sleep, _pauses(until_s))

    def _age_s(self, call_state: CallState) -> float:
        """Seconds since the request."""
        if call_state.asked_at is None:
            return 0.0
        requested_at = datetime.fromisoformat(call_state.asked_at).astimezone(UTC)
        return max((clock.now() - requested_at) / timedelta(seconds=1), 0.0)

    def _is_forgotten(self, call_state: CallState) -> bool:
        return self._age_s(call_state) > DATA_API_RECORD_S


def _pauses(until_s: float) -> Iterator[float]:
    """Pauses that double, while the monotonic clock stays before `until_s`."""
    pause = 1.0
    while clock.monotonic_s() + pause < until_s:
        yield pause
        pause = min(pause * 2, _PAUSE_S_MAX)


def _ended(call_state: CallState, statement: Statement, reason: str | None) -> CallState:
    """The state of a call whose statement has ended; `reason` says why it was cancelled."""
    error = reason or statement.error or f"the statement is {statement.status}"
    return msgspec.structs.replace(
        call_state,
        status=statement.status,
        error=None if statement.status == "FINISHED" else error,
        duration_ms=statement.duration_ms,
    )


def _unknown(call_state: CallState) -> CallState:
    """Running it again might run it twice, so it counts as failed and a person decides."""
    error = (
        f"requested at {call_state.asked_at}, and Redshift no longer knows it after 24 hours: whether it ran is "
        "unknown, so it is not run again. Check its effect."
    )
    return msgspec.structs.replace(call_state, status="FAILED", error=error)

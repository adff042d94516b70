"""Run a release: its calls one by one, each once, whatever breaks in between.

Before Redshift is asked for a call, that is written down; so is its answer, and so is its end. Each call has a token
of its own, made of the run and its number, so that asking again finds the same statement. A run that was killed is
resumed: what has ended is not run again, what was asked for is found by token or by name and waited for.
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
from trunkline.releases.state import ASKED, NOT_RUN, CallState, RunState, StateStore

OnFailure = Literal["continue", "stop"]
_NAME: Final = "trunkline-release-"
_PAUSE_S_MAX: Final = 10.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    `on_failure`: continue with the next call (the mission's graceful degradation) or stop. `call_s` is the most that
    one call may take, after which it is cancelled. `until_s` is when the run itself has to answer, on the monotonic
    clock: no call is begun after it, and one that runs is left for the next run to find. `request_id` tells a repeated
    request from a new one. `restart` begins anew where an unfinished run would be resumed.
    """

    on_failure: OnFailure = "continue"
    call_s: float = RELEASE_CALL_S
    until_s: float | None = None
    request_id: str | None = None
    restart: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a release. `calls` has a state for each planned call; `error` is why the run is not finished."""

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
    told: Callable[[CallState], None] | None = None,
) -> Outcome:
    """Run or resume a release. `told` hears of each call that ends.

    Raises nothing for what goes wrong on the way: the outcome holds the results until then and the reason.
    """
    if options.on_failure not in ("continue", "stop"):
        raise UsageError(f"on_failure is {options.on_failure!r}; valid are continue and stop.")
    try:
        state, warnings = _begin(api, release, store, options)
    except TrunklineError as error:
        nothing = tuple(CallState(number=call.number) for call in release.calls)
        return Outcome(release, nothing, is_finished=False, error=str(error))
    progress = _Run(api, release, store, options, state, told or (lambda _: None))
    try:
        progress.perform()
    except TrunklineError as error:
        return Outcome(release, progress.state.calls, is_finished=False, error=str(error), warnings=warnings)
    return Outcome(release, progress.state.calls, progress.state.is_finished, warnings=warnings)


def token_of(state: RunState, number: int) -> str:
    """The client token of one call of one run."""
    return client_token(state.run_id, state.digest, state.target, number)


def name_of(state: RunState, number: int) -> str:
    """The statement's name, by which it is found when its token has expired."""
    return _NAME + token_of(state, number)[:40]


def _begin(api: DataApi, release: Release, store: StateStore, options: RunOptions) -> tuple[RunState, tuple[str, ...]]:
    """The state to go on from: that of an unfinished run, that of this very request, or a new one."""
    held, warnings = store.load(), []
    if held and not options.restart and (held.digest, held.target) == (release.digest, api.target.url):
        if not held.is_finished:
            ended = sum(call.status in ENDED for call in held.calls)
            return held, (f"resuming the run of {held.started_at}: {ended} of {len(held.calls)} calls have ended.",)
        if options.request_id is not None and options.request_id == held.request_id:
            return held, ("this request has been answered before: its results are shown, nothing is run.",)
    if held and not held.is_finished:
        _settle(api, held)
        warnings.append(
            f"the run of {held.started_at} was not finished and is given up; this one begins at the first call."
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


def _settle(api: DataApi, held: RunState) -> None:
    """End what a given-up run has left running, so that nothing of it runs beside the new one."""
    for call in held.calls:
        if call.status in ENDED:
            continue
        running = call.query_id or (api.find(name_of(held, call.number)) if call.status == ASKED else None)
        if running is None:
            continue
        try:
            if not api.describe(running).is_ended and not api.cancel(running).is_ended:
                raise TransientError(
                    f"statement {running} of the run of {held.started_at} does not end though it was cancelled: "
                    "wait for it, then run again."
                )
        except RefusedError:
            continue  # the API has forgotten it, so it ended long ago


class _Run:
    """A run in progress; `state` is what is written down."""

    def __init__(
        self,
        api: DataApi,
        release: Release,
        store: StateStore,
        options: RunOptions,
        state: RunState,
        told: Callable[[CallState], None],
    ) -> None:
        self.api, self.release, self.store, self.options, self.state = api, release, store, options, state
        self._told = told

    def perform(self) -> None:
        """All calls that have not ended, in order. Raises where the run cannot go on now."""
        if self.state.is_finished:
            return
        for call in self.release.calls:
            if self._at(call).status not in ENDED:
                if self._left_s() <= 0:
                    raise TransientError(f"the run's time ended before call {call.number}. Run again to go on there.")
                self._keep(self._run(call))
                self._told(self._at(call))
            if self._at(call).status != "FINISHED" and self.options.on_failure == "stop":
                break
        self.state = msgspec.structs.replace(self.state, is_finished=True)
        self.store.save(self.state)

    def _at(self, call: ProcedureCall) -> CallState:
        return self.state.calls[call.number - 1]

    def _keep(self, one: CallState) -> CallState:
        calls = tuple(one if old.number == one.number else old for old in self.state.calls)
        self.state = msgspec.structs.replace(self.state, calls=calls)
        self.store.save(self.state)
        return one

    def _left_s(self) -> float:
        until = self.options.until_s
        return float("inf") if until is None else until - clock.monotonic_s()

    def _run(self, call: ProcedureCall) -> CallState:
        """One call to its end, begun or found."""
        one, begun_s = self._at(call), clock.monotonic_s()
        is_found = one.query_id is not None
        if not is_found:
            one = self._ask(call, one, begun_s)
            if one.status in ENDED:
                return one
        try:
            until_s = begun_s + self.options.call_s - (self._age_s(one) if is_found else 0)
            seen = self.api.wait(str(one.query_id), min(until_s, begun_s + self._left_s()))
            if not seen.is_ended and clock.monotonic_s() < until_s:
                self._keep(msgspec.structs.replace(one, status=seen.status))
                raise TransientError(
                    f"the run's time ended while call {call.number} ({one.query_id}) was {seen.status}; it goes on. "
                    "Run again to wait for it and to go on."
                )
            return self._end(call, one, seen)
        except RefusedError as error:
            if self._is_forgotten(one):
                return _unknown(one)
            raise TerminalError(f"call {call.number} ({one.query_id}) cannot be followed: {error}") from error

    def _ask(self, call: ProcedureCall, one: CallState, begun_s: float) -> CallState:
        """Have Redshift start the call, or find it where it was asked for before."""
        token, name = token_of(self.state, call.number), name_of(self.state, call.number)
        was_asked = one.status == ASKED
        found = self.api.find(name) if was_asked else None
        if found is None:
            if was_asked and self._is_forgotten(one):
                return _unknown(one)
            one = self._keep(msgspec.structs.replace(one, status=ASKED, asked_at=clock.now().isoformat()))
            try:
                found = self._execute(call, token, name, begun_s)
            except RefusedError as error:
                if was_asked:  # it may be running: somebody has to look
                    raise
                return msgspec.structs.replace(one, status="FAILED", error=str(error))
        return self._keep(msgspec.structs.replace(one, status="SUBMITTED", query_id=found))

    def _execute(self, call: ProcedureCall, token: str, name: str, begun_s: float) -> str:
        until_s = begun_s + min(self.options.call_s, self._left_s())
        begin = partial(self.api.execute, call.sql, token, call.parameters, name)
        return start(begin, self.api.sleep, _pauses(until_s))

    def _end(self, call: ProcedureCall, one: CallState, seen: Statement) -> CallState:
        """How the call ended; one that took too long is cancelled."""
        error = seen.error
        if not seen.is_ended:
            seen = self.api.cancel(seen.id)
            error = f"took longer than {self.options.call_s:g} s and was cancelled"
            if not seen.is_ended:
                self._keep(msgspec.structs.replace(one, status=seen.status))
                raise TransientError(f"call {call.number} ({seen.id}) {error}, but is still {seen.status}. Run again.")
        if seen.status == "FINISHED":
            error = None
        return msgspec.structs.replace(
            one, status=seen.status, error=error or _reason(seen), duration_ms=seen.duration_ms
        )

    def _age_s(self, one: CallState) -> float:
        """Seconds since Redshift was asked."""
        if one.asked_at is None:
            return 0.0
        asked = datetime.fromisoformat(one.asked_at).astimezone(UTC)
        return max((clock.now() - asked) / timedelta(seconds=1), 0.0)

    def _is_forgotten(self, one: CallState) -> bool:
        return self._age_s(one) > DATA_API_RECORD_S


def _pauses(until_s: float) -> Iterator[float]:
    """Pauses that double, while the monotonic clock stays before `until_s`."""
    pause = 1.0
    while clock.monotonic_s() + pause < until_s:
        yield pause
        pause = min(pause * 2, _PAUSE_S_MAX)


def _reason(seen: Statement) -> str | None:
    return None if seen.status == "FINISHED" else f"the statement is {seen.status}"


def _unknown(one: CallState) -> CallState:
    """Running it again might be twice, so it counts as failed and a person decides."""
    error = (
        f"asked for at {one.asked_at}, and Redshift forgets after 24 hours: it cannot be told whether it ran, "
        "so it is not run again. Look at its effect."
    )
    return msgspec.structs.replace(one, status="FAILED", error=error)


__all__ = ["NOT_RUN", "OnFailure", "Outcome", "RunOptions", "run", "token_of"]

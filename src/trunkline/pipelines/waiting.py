"""Waiting for a lock that another process holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from trunkline import clock
from trunkline.errors import LockedError
from trunkline.limits import LOCK_WAIT_S, READER_WAIT_S_MAX

T = TypeVar("T")
_PAUSE_S = 0.2


def waiting_to_write(
    opening: Callable[[], AbstractContextManager[T]], wait_s: float, notify: Callable[[str], None]
) -> AbstractContextManager[T]:
    """Like `waiting`, for what changes a home: a query does not make it fail, unless it is not to wait so long."""
    return waiting(opening, wait_s, notify, READER_WAIT_S_MAX if wait_s >= LOCK_WAIT_S else wait_s)


@contextmanager
def waiting(
    opening: Callable[[], AbstractContextManager[T]],
    wait_s: float,
    notify: Callable[[str], None],
    for_reader_s: float | None = None,
) -> Iterator[T]:
    """Opens something; while another process has it locked, tries again for `wait_s` seconds.

    `for_reader_s` is how long where that process only reads. `notify` is called once with a sentence that names the
    process. Raises LockedError when the time is over.
    """
    began_s = clock.monotonic_s()
    is_notified = False
    with ExitStack() as stack:
        while True:
            try:
                opened = stack.enter_context(opening())
                break
            except LockedError as error:
                limit_s = for_reader_s if error.is_read and for_reader_s is not None else wait_s
                if not is_notified and limit_s > 0:
                    notify(f"{error.what} is in use by {error.holder}; waiting up to {limit_s:g} s.")
                    is_notified = True
                left_s = began_s + limit_s - clock.monotonic_s()
                if left_s <= 0:
                    raise
                time.sleep(min(_PAUSE_S, left_s))
        yield opened

"""Waiting for a lock that another process holds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TypeVar

from trunkline import clock
from trunkline.errors import LockedError

T = TypeVar("T")
_PAUSE_S = 0.2


@contextmanager
def waiting(
    opening: Callable[[], AbstractContextManager[T]], wait_s: float, notify: Callable[[str], None]
) -> Iterator[T]:
    """Opens something; while another process has it locked, tries again for `wait_s` seconds.

    `notify` is called once with a sentence that names the process. Raises LockedError when the time is over.
    """
    until_s = clock.monotonic_s() + wait_s
    is_notified = False
    with ExitStack() as stack:
        while True:
            try:
                opened = stack.enter_context(opening())
                break
            except LockedError as error:
                left_s = until_s - clock.monotonic_s()
                if left_s <= 0:
                    raise
                if not is_notified:
                    notify(f"{error.what} is in use by {error.holder}; waiting up to {wait_s:g} s.")
                    is_notified = True
                time.sleep(min(_PAUSE_S, left_s))
        yield opened

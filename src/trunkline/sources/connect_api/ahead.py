"""Pages of a search, listed ahead while their contacts are described: each operation has its own quota to use.

No thread: whoever waits for something else calls `list_ready` now and then, which lists a page when the quota has a
call to give. The pages, their order and the errors between them are the search's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from trunkline.limits import CONNECT_PAGES_AHEAD
from trunkline.sources.connect_api.quota import Bucket, OutOfTimeError
from trunkline.sources.connect_api.search import Listed

# About as long as the calls that are on their way take at their quota: a search that waited for them would come late.
_SOON_S: Final = 0.4


class Ahead:
    """Iterates over `found`, of which up to `most` pages are listed before they are asked for. For one thread."""

    def __init__(self, found: Iterator[list[Listed]], bucket: Bucket, most: int = CONNECT_PAGES_AHEAD) -> None:
        """`bucket` is that of the operation behind `found`."""
        self._found, self._bucket, self._most = found, bucket, most
        self._pages: deque[list[Listed]] = deque()
        self._end: Exception | None = None

    def __iter__(self) -> Iterator[list[Listed]]:
        """The pages in order, and then the error that ended the search, if one did.

        Raises OutOfTimeError when the deadline is past, however many pages are left: the next run recalls them.
        """
        while True:
            self.list_ready()
            if not self._pages and self._end is None:
                self._list()
            if self._pages:
                deadline_s = self._bucket.pace.deadline_s
                if deadline_s is not None and self._bucket.pace.now_s() >= deadline_s:
                    raise OutOfTimeError
                yield self._pages.popleft()
            elif isinstance(self._end, StopIteration):
                return
            elif self._end is not None:
                raise self._end

    def list_ready(self) -> None:
        """List a page, if that needs hardly any waiting and there is room for it."""
        if self._end is None and len(self._pages) < self._most and self._bucket.is_ready(_SOON_S):
            self._list()

    def _list(self) -> None:
        try:
            self._pages.append(next(self._found))
        except Exception as error:  # noqa: BLE001 - raised in its turn, behind the pages that came before it
            self._end = error

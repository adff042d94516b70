"""InfluxDB and what speaks its line protocol: the write paths of versions 1 and 2.

`influx+http://user:password@host:8086/database` writes by version 1, `influx+http://host:8086/bucket?org=name` by
version 2 with a token. Sources: InfluxData, "Write data with the InfluxDB API" (v1 and v2), "Line protocol".
"""

from __future__ import annotations

import base64
import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from trunkline.errors import TerminalError, TransientError, UsageError, printable
from trunkline.limits import CONNECT_S, INFLUX_LINES_MAX
from trunkline.live.points import Point
from trunkline.live.stores.model import PointsWritten, RefusedPoint, sift
from trunkline.urls import public_url

_PASSING: Final = (408, 429)
_TOO_LARGE: Final = 413


@dataclass(frozen=True, slots=True)
class WritePath:
    """Where lines are posted to: host and port, path with parameters, and headers, which may hold a secret."""

    is_secure: bool
    netloc: str
    path: str
    headers: dict[str, str]


def write_path(url: str, token: str | None) -> WritePath:
    """The write path of a store's URL. Raises UsageError for one that names no host, or no database or bucket."""
    parts = urlsplit(url)
    name, options = unquote(parts.path.strip("/")), {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if not parts.hostname or not name or "/" in name:
        raise UsageError(
            f"the live store is {public_url(url)!r}; valid is influx+http://host:8086/database, or with a token "
            "influx+http://host:8086/bucket?org=name"
        )
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if "org" in options:
        parameters, path = {"org": options["org"], "bucket": name}, "/api/v2/write"
    else:
        parameters, path = {"db": name} | ({"rp": options["rp"]} if "rp" in options else {}), "/write"
    if token is not None:
        headers["Authorization"] = f"Token {token}"
    elif parts.username is not None:
        account = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(account.encode()).decode()
    netloc = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    query = urlencode({**parameters, "precision": "ns"}, quote_via=quote)
    return WritePath(parts.scheme.endswith("https"), netloc, f"{path}?{query}", headers)


class InfluxStore:
    """A server that is written to. Of two points of one series and time the one that is written last stays.

    Some servers do not keep the last (VictoriaMetrics keeps the largest), so a point is not for correcting another.
    """

    name = "influx"

    def __init__(self, url: str, token: str | None = None) -> None:
        self._to = write_path(url, token)
        self._shown = public_url(url)
        kind = http.client.HTTPSConnection if self._to.is_secure else http.client.HTTPConnection
        self._connection = kind(self._to.netloc, timeout=CONNECT_S)

    def write(self, points: Sequence[Point], now: datetime) -> PointsWritten:
        """Post the points, 5,000 lines at a time. What a server refuses is found by halves, and set aside alone."""
        good, refused = sift(points, now)
        written = PointsWritten(refused=refused)
        for first in range(0, len(good), INFLUX_LINES_MAX):
            written = written.plus(self._post(good[first : first + INFLUX_LINES_MAX]))
        return written

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _post(self, points: Sequence[Point]) -> PointsWritten:
        status, reason = self._request("\n".join(map(line_of, points)).encode())
        if status in (200, 204):
            return PointsWritten(accepted=len(points))
        if status in (400, 422, _TOO_LARGE):
            # A server does not say which lines it has stored; all are written again, since twice is once.
            if len(points) == 1:
                return PointsWritten(refused=(RefusedPoint(points[0], f"the server refuses it ({status}): {reason}"),))
            middle = len(points) // 2
            return self._post(points[:middle]).plus(self._post(points[middle:]))
        if status in _PASSING or status >= 500:
            raise TransientError(f"{self._shown} answers {status} ({reason}): try again later.")
        if status in (401, 403):
            raise TerminalError(f"{self._shown} refuses the login ({status}): check the token, or user and password.")
        raise TerminalError(
            f"{self._shown} answers {status} ({reason}): check that the database or bucket exists, and whether the "
            "server has this write path: InfluxDB 1 has no /api/v2/write."
        )

    def _request(self, body: bytes) -> tuple[int, str]:
        """Status and what the server says. A connection that the server has closed meanwhile is opened once more."""
        for is_last in (False, True):
            try:
                self._connection.request("POST", self._to.path, body, self._to.headers)
                response = self._connection.getresponse()
                text = response.read().decode(errors="replace")
                return response.status, printable(" ".join(text.split()) or response.reason, 200)
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                if is_last or not isinstance(error, http.client.RemoteDisconnected | BrokenPipeError):
                    raise TransientError(
                        f"{self._shown} did not answer ({error}): check that the server runs and the URL is right."
                    ) from error
        raise AssertionError


def line_of(point: Point) -> str:
    """A point in line protocol. All values are floats, so that the type of a field never changes."""
    tags = "".join(f",{name}={_escaped(text)}" for name, text in point.tags)
    fields = ",".join(f"{name}={number!r}" for name, number in point.fields.items())
    return f"{point.series}{tags} {fields} {point.time_ns}"


def _escaped(text: str) -> str:
    return text.replace(",", "\\,").replace("=", "\\=").replace(" ", "\\ ")

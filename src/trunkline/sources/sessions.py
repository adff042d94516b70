"""How sources ask web APIs: bounded retries that honour `Retry-After`, timeouts, and an endpoint on this machine.

The same for the clients of Google and Salesforce, which use requests, and for JSON APIs, which are asked by urllib3.
"""

from __future__ import annotations

import importlib
from typing import Any
from urllib.parse import urlsplit

from urllib3 import Retry

from trunkline import limits
from trunkline.errors import UsageError
from trunkline.objects.origins import is_loopback

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed: throttling, and failures of a server or of one before it."""


def retries() -> Retry:
    """The retries of one request, a POST too: those that sources make give a token or begin a job."""
    return Retry(
        limits.API_TRIES - 1,
        redirect=False,
        status_forcelist=_PASSING,
        allowed_methods=None,
        backoff_factor=limits.API_BACKOFF_S,
        backoff_max=limits.API_BACKOFF_S_MAX,
        raise_on_status=False,
        retry_after_max=limits.API_WAIT_S_MAX,
    )


def is_passing(status: int) -> bool:
    """Whether a request with this answer may succeed later."""
    return status in _PASSING


def prepare_session(session: Any, prefix: str, endpoint: str = "") -> None:
    """Give a session of requests these retries and timeouts, and send what begins with `prefix` to an endpoint.

    An endpoint that is empty, or not on this machine, is left to the client.
    """
    parts = urlsplit(endpoint)
    session.mount("https://", _adapter())
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        session.mount(prefix, _adapter(endpoint.rstrip("/")))


def _adapter(base: str = "") -> Any:
    from requests.adapters import HTTPAdapter

    class PatientAdapter(HTTPAdapter):
        """Waits and repeats as all sources do. With a base, requests for an https host go to this machine."""

        def send(  # the names and defaults are those of requests
            self,
            request: Any,
            stream: Any = False,
            timeout: Any = None,
            verify: Any = True,
            cert: Any = None,
            proxies: Any = None,
        ) -> Any:
            if base:
                parts = urlsplit(request.url)
                request.url = f"{base}{parts.path}" + (f"?{parts.query}" if parts.query else "")
            timeout = timeout or (limits.CONNECT_S, limits.API_READ_S)
            return super().send(request, stream, timeout, verify, cert, proxies)

    return PatientAdapter(max_retries=retries())


def optional_library(module: str, extra: str) -> Any:
    """A library that only one source needs. Raises UsageError that says how it is installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"this source needs the library {module.partition('.')[0]}, which is not installed: "
            f"pip install 'trunkline[{extra}]'; for the zip of a Lambda function: make packages "
            "REQUIREMENTS=requirements/lambda-sources.txt"
        ) from error

"""Errors as the Connect API answers them."""

from __future__ import annotations

from typing import Final

STATUS: Final = {
    "InvalidRequestException": 400,
    "InvalidParameterException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "UnknownOperationException": 404,
    "ThrottlingException": 429,
    "InternalServiceException": 500,
}


class ApiError(Exception):
    """An error with the service's own code; `status` is its HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, STATUS[code]

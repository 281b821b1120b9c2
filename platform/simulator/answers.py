"""Answers in JSON, and refusals."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response


class Refusal(Exception):
    """The call is refused with this HTTP status and text."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers


def answer(data: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(data), status, headers, "application/json")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a request's body, or a 400."""
    try:
        data = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Refusal(400, f"the body is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise Refusal(400, "the body is not a JSON object")
    return data

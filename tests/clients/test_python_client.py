"""The Python client's own: what is sent again, where a key is sent, and whether a message is ours."""

from __future__ import annotations

import email.message
import io
import sys
import urllib.error
import urllib.request
from typing import Any

import pytest
from embedded.addresses import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "clients" / "python"))

from linekeeper_client import ApiError, Linekeeper, WrongSignature, verified

from automation.outbound import new_secret, sign


class Host:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
        self.answers, self.asked, self.waits = list(answers), list[urllib.request.Request](), list[float]()
        monkeypatch.setattr(urllib.request, "urlopen", self.open)
        self.client = Linekeeper("https://here.example/", "0" * 32, "secret", sleep=self.waits.append)

    def open(self, request: urllib.request.Request, timeout: float) -> Any:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, bytes):
            return io.BytesIO(answer)
        raise answer


def failed(status: int, body: bytes = b"", **headers: str) -> urllib.error.HTTPError:
    given = email.message.Message()
    for name, value in headers.items():
        given[name.replace("_", "-")] = value
    return urllib.error.HTTPError("https://here.example", status, "", given, io.BytesIO(body))


def test_a_write_is_sent_again_with_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, failed(503, Retry_After="5"), urllib.error.URLError("down"), b'{"ack": "success"}')
    assert host.client.deactivate("89") == {"ack": "success"}
    assert len({one.get_header("Idempotency-key") for one in host.asked}) == 1
    assert host.waits == [5.0, 2.0]


def test_what_is_refused_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, failed(422, b'{"code": "invalid", "request_id": "r1"}'))
    with pytest.raises(ApiError) as refused:
        host.client.sim_card("89")
    assert (refused.value.code, refused.value.request_id, host.waits) == ("invalid", "r1", [])
    host = Host(monkeypatch, failed(429, Retry_After="40000"))
    with pytest.raises(ApiError):
        host.client.sim_card("89")
    host = Host(monkeypatch, *[failed(500)] * 4)
    with pytest.raises(ApiError):
        host.client.sim_card("89")
    assert host.waits == [1.0, 2.0, 4.0]


def test_a_link_that_leads_elsewhere_is_not_told_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, b'{"data": [], "links": {"next": "https://evil.example/api"}}')
    with pytest.raises(ApiError):
        list(host.client.all_jobs())
    assert len(host.asked) == 1


def test_a_message_is_ours_by_either_secret_and_fresh() -> None:
    secret, other, body = new_secret(), new_secret(), '{"type": "test"}'
    both = " ".join(sign(one, message_id="m", timestamp=1000, body=body) for one in (other, secret))
    headers = {"Webhook-Id": "m", "Webhook-Timestamp": "1000", "Webhook-Signature": both}
    assert str(verified(secret, headers, body.encode(), now=1000)["type"]) == "test"
    for wrong in ((new_secret(), body, 1000), (secret, body + " ", 1000), (secret, body, 1301)):
        with pytest.raises(WrongSignature):
            verified(wrong[0], headers, wrong[1].encode(), now=wrong[2])

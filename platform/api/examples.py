"""A call as a program would make it: in curl and in Python, ready to run."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import Any

KEY = "LINEKEEPER_KEY"  # the environment's variable that holds a bearer key


@dataclass(frozen=True, slots=True)
class Example:
    """A request in full; a body of None is none. `is_file`: its answer is a file and no JSON."""

    verb: str
    url: str
    body: Any = None
    is_file: bool = False

    @property
    def curl(self) -> str:
        words = ["curl --silent --show-error --fail-with-body"]
        if self.verb != "GET":
            words.append(f"--request {self.verb}")
        words.append(f'--header "Authorization: Bearer ${KEY}"')
        if self.body is not None:
            words.append("--header 'Content-Type: application/json'")
            words.append(f"--data {shlex.quote(json.dumps(self.body))}")
        return " \\\n  ".join([*words, shlex.quote(self.url)])

    @property
    def python(self) -> str:
        lines = ["import json, os, urllib.request", "", "request = urllib.request.Request(", f"    {self.url!r},"]
        if self.body is not None:
            lines.append(f"    data=json.dumps({self.body!r}).encode(),")
        headers = [f'"Authorization": "Bearer " + os.environ["{KEY}"]']
        if self.body is not None:
            headers.append('"Content-Type": "application/json"')
        lines.append(f"    headers={{{', '.join(headers)}}},")
        if self.verb != "GET":
            lines.append(f"    method={self.verb!r},")
        answer = "answer.read().decode()" if self.is_file else "json.load(answer)"
        lines += [")", "with urllib.request.urlopen(request, timeout=30) as answer:", f"    print({answer})"]
        return "\n".join(lines)


def signed_curl(base: str, account_uuid: str) -> str:
    """One signed request."""
    return f"""stamp=$(date +%s)
hash=$(printf %s "${{stamp}}{account_uuid}" | openssl dgst -sha1 -hmac "$SHARED_KEY" -binary | base64)
curl --silent --show-error --fail-with-body \\
  --header "timestamp: $stamp" --header "hash: $hash" --header "uuid: $USER_UUID" \\
  '{base}iot_sim_cards?per_page=2'"""


def signed_python(base: str, account_uuid: str) -> str:
    """The same."""
    return f"""import base64, hmac, json, os, time, urllib.request

stamp = str(int(time.time()))
digest = hmac.digest(os.environ["SHARED_KEY"].encode(), (stamp + "{account_uuid}").encode(), "sha1")
request = urllib.request.Request(
    "{base}iot_sim_cards?per_page=2",
    headers={{
        "timestamp": stamp,
        "hash": base64.b64encode(digest).decode(),
        "uuid": os.environ["USER_UUID"],
    }},
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(json.load(answer))"""

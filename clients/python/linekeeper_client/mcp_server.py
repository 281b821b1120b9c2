"""A server for assistants (MCP) on an account's own key: it may what the key may.

Reading is done at once. What costs money or stops lines is previewed, with its lines and its cost, and is done only by
the preview's id.

Started as `linekeeper-mcp` over stdio, with LINEKEEPER_URL, LINEKEEPER_ACCOUNT and LINEKEEPER_KEY.
"""

from __future__ import annotations

import json
import os
from typing import Any, Literal, cast

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from linekeeper_client.client import Linekeeper
from linekeeper_client.types import NewJob

READS = ToolAnnotations(read_only_hint=True)
CHANGES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)
SHOWN = 50  # lines that a preview names; it says how many more there are
INSTRUCTIONS = (
    "Lines are SIM cards, named by ICCID. To change any, call preview_change, show the person the lines and the cost,"
    " and call confirm_change with its job_uuid only after they agreed."
)
Change = Literal["activate", "deactivate", "deactivate-next-day", "sms"]


def server_of(client: Linekeeper) -> MCPServer[Any]:
    """The tools, on this client."""
    server: MCPServer[Any] = MCPServer("linekeeper", instructions=INSTRUCTIONS)

    @server.tool(annotations=READS)
    def list_lines(status_id: int | None = None, cursor: str | None = None) -> str:
        """Lists up to 100 lines: status, usage, notes. 1 active, 2 deactivated, 3 suspended, 4 activating."""
        return _text(client.iot_sim_cards(status_id=status_id, cursor=cursor, per_page=100))

    @server.tool(annotations=READS)
    def show_line(iccid: str) -> str:
        """Shows a line in full: why it is as it is, its usage, device and plan."""
        return _text(client.sim_card(iccid))

    @server.tool(annotations=READS)
    def line_usage(iccid: str) -> str:
        """Shows what a line used and cost, by billing cycle."""
        return _text(client.usage_summary(iccid, per_page=100))

    @server.tool(annotations=READS)
    def balance() -> str:
        """Shows the available balance and the minimum balance, in USD. Needs a key with money:read."""
        return _text(client.current_balance())

    @server.tool(annotations=READS)
    def recent_events(cursor: str | None = None, topic: str | None = None) -> str:
        """Events, the earliest first, and the cursor to read on with; none: from 90 days ago. Needs webhooks:manage."""
        return _text(client.events(cursor=cursor, topic=cast(Any, topic)))

    @server.tool(annotations=READS)
    def show_job(job_uuid: str) -> str:
        """Shows how far a change is."""
        return _text(client.job(job_uuid))

    @server.tool(annotations=ToolAnnotations(read_only_hint=False, destructive_hint=False))
    def preview_change(action: Change, iccids: list[str], text: str | None = None) -> str:
        """Says what a change would do, to which lines, and what it costs. Nothing is changed. `text` is of an SMS."""
        asked: dict[str, Any] = {"action": action, "iccids": iccids, "dry_run": True} | ({"text": text} if text else {})
        job = client.start_job(cast(NewJob, asked))
        lines = client.job_lines(job["uuid"], per_page=SHOWN)
        named = [line["iccid"] for line in lines["data"]]
        return _text(
            {
                "job_uuid": job["uuid"],
                "action": action,
                "total": job["total"],
                "preview": job["preview"],
                "lines": named,
                "more_lines": max(0, job["total"] - len(named)),
                "unknown_iccids": job["unknown_iccids"],
                "next": "Show this to the person. confirm_change with job_uuid does it, for exactly these lines.",
            }
        )

    @server.tool(annotations=CHANGES)
    def confirm_change(job_uuid: str) -> str:
        """Does what was previewed, for exactly its lines. Only after the person has seen the preview and agreed."""
        return _text(client.start_previewed_job(job_uuid, idempotency_key=f"mcp-{job_uuid}"))

    return server


def _text(found: Any) -> str:
    return json.dumps(found, default=str, ensure_ascii=False)


def main() -> None:
    """Serves over stdio. Raises KeyError where an environment variable is missing."""
    url, account, key = (os.environ[f"LINEKEEPER_{name}"] for name in ("URL", "ACCOUNT", "KEY"))
    server_of(Linekeeper(url, account, key)).run("stdio")


if __name__ == "__main__":
    main()

"""The command that takes a report in, as intake's edge makes it: who is named becomes tokens."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from services.intake.persons import Blind, tokens
from shared.kernel import Message


def receive(report: Mapping[str, Any], blind: Blind) -> Message:
    """Return the command for a report that is in form.

    Its id follows from the report key alone, so that the same report again is known.
    """
    received_at = datetime.fromisoformat(report["received_at"]).astimezone(UTC)
    content = {name: value for name, value in report.items() if name != "report_key"}
    content["received_at"] = received_at.isoformat()
    key = report["report_key"]
    data = {
        "report": content,
        "report_key": key,
        "content_hash": blind("content", orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()),
        "tokens": tokens(report, blind),
    }
    return Message(id=blind("report_key", key), type="receive_report", time=received_at, data=data)

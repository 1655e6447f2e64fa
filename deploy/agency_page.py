"""What a person reads about agencies: secrets that are shown once, a table of all, one with its agreement in words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from deploy.agencies import Document

_COLOURS = {"active": "green", "suspended": "dark_orange", "removed": "dim"}
_FORMS = {"empty": "that it happened", "id": "its id"}


def secrets(name: str, shown: Mapping[str, Any]) -> str:
    """Return the page that goes to an agency: what it gets in with, and how it reads."""
    url, amqp = shown["http"]["url"], shown.get("amqp")
    lines = [
        f"{name}: these secrets are shown this once. Hand them over by a way that is safe.",
        "",
        f"  HTTP token      {shown['http']['token']}",
    ]
    if amqp:
        lines += [f"  broker          {amqp['uri']}", f"  stream          {amqp['stream']}"]
    if shown.get("webhook_secret"):
        lines.append(f"  webhook secret  {shown['webhook_secret']}")
    lines += ["", "Three ways to read, with the same numbers in all of them:", *_ways(url, amqp, shown)]
    lines += [
        "",
        "Identity is fetched where `dataref` says, with the same token, as long as that is allowed.",
        "How a program does it: docs/how-to/subscribe-as-a-partner.md",
    ]
    return "\n".join(lines)


def _ways(url: str, amqp: Mapping[str, Any] | None, shown: Mapping[str, Any]) -> Iterator[str]:
    yield "  1. by HTTP, page by page, or as they come (Server-Sent Events):"
    yield f"       curl -H \"Authorization: Bearer $TOKEN\" '{url}/events?after=0'"
    yield f"       curl -N -H \"Authorization: Bearer $TOKEN\" '{url}/stream?after=0'"
    if amqp:
        yield f"  2. by AMQP, from the stream {amqp['stream']}: any client, consumer argument x-stream-offset=first"
    else:
        yield "  2. by AMQP: not agreed"
    yield (
        "  3. by a webhook, signed by the rules of Standard Webhooks"
        if shown.get("webhook_secret")
        else ("  3. by a webhook: none was given")
    )


def table(agencies: Iterable[Document]) -> Table:
    """Return all agencies, and how far each has come by each way."""
    rows = Table(box=None, pad_edge=False)
    for title in ("agency", "kind", "districts", "status"):
        rows.add_column(title)
    for title in ("last", "stream", "webhook"):
        rows.add_column(title, justify="right")
    rows.add_column("last receipt")
    for one in agencies:
        rows.add_row(*_row(one))
    return rows


def _row(one: Document) -> Sequence[str]:
    colour = _COLOURS[one["status"]]
    return (
        one["name"] + (" (sandbox)" if one["sandbox"] else ""),
        one["kind"],
        ", ".join(one["districts"]),
        f"[{colour}]{one['status']}[/{colour}]",
        str(one["last"]),
        _number(one["stream"]),
        _webhook(one["webhook"]),
        _receipt(one["last_receipt"]),
    )


def _number(way: Mapping[str, Any] | None) -> str:
    return str(way["number"]) if way else "-"


def _webhook(way: Mapping[str, Any] | None) -> str:
    if not way:
        return "-"
    if way["state"] != "on":
        return f"{way['number']} [red]given up[/red]"
    tried = f" [dark_orange]again at {escape(way['next_try_at'])}[/dark_orange]" if way.get("next_try_at") else ""
    return f"{way['number']}{tried}"


def _receipt(receipt: Mapping[str, Any] | None) -> str:
    return f"{receipt['receipt']} {receipt['number']}, {receipt['at']}" if receipt else "-"


def agreement(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield an agreement in words, one line for each grant."""
    valid = content["valid"]
    yield f"{content['title']['en']}: version {content['version']}, from {valid['from']} to {valid['until']}"
    for grant in content["grants"]:
        yield f"  {grant['event']} for {grant['purpose']} ({_listed(grant['basis'])}): {_told(grant)}"
        if grant.get("identity"):
            yield f"    of people: {_listed(grant['identity'])}"
    yield "  nothing else"


def _told(grant: Mapping[str, Any]) -> str:
    whose = ", whoever it is addressed to" if grant.get("of") == "all" else ""
    where = "".join(
        f", only where {name} is {_listed(values, 'or')}" for name, values in grant.get("where", {}).items()
    )
    return (_FORMS.get(grant["form"]) or _listed(grant["fields"])) + where + whose


def _listed(values: str | Sequence[str], word: str = "") -> str:
    if isinstance(values, str):
        return values
    return (f" {word} " if word else ", ").join(values)


def deliveries(rows: Iterable[Document]) -> Table:
    """Return the record of deliveries."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("number", justify="right")
    for title in ("type", "happened at", "case", "of people", "receipts", "remarks", "SHA-256 of the data"):
        shown.add_column(title, overflow="fold")
    for one in rows:
        receipts = ", ".join(f"{receipt} {at}" for receipt, at in one["receipts"].items())
        shown.add_row(
            str(one["number"]),
            one["type"],
            one["happened_at"],
            one["case_id"] or "-",
            ", ".join(one["identity"]) or "-",
            receipts or "-",
            "; ".join(_remarks(one)) or "-",
            one["sha256"],
        )
    return shown


def _remarks(one: Document) -> Iterator[str]:
    if one.get("replay_of"):
        yield f"replay of {one['replay_of']}"
    if one.get("sealed"):
        yield f"sealed: {one['sealed']}"
    if one.get("closed"):
        yield f"closed: {one['closed']}"

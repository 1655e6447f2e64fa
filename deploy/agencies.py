"""The agencies that subscribe, as feed's endpoints for operators have them."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import orjson
import requests

from deploy.agreement_file import AgreementFile
from deploy.client import ServiceClient
from deploy.home import Home
from deploy.problem import Problem
from shared.runtime.auth import Role

#: JSON types by their names.
Document = dict[str, Any]

#: Seconds for which feed may be away (restarted, or without its database).
_PATIENCE_SECONDS = 20
_PAGE = 500


class Agencies:
    """Asks feed, and says what a person has to do where it refuses."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def add(self, form: Mapping[str, Any], agreement: AgreementFile) -> Document:
        """Let an agency subscribe; return its secrets, which nobody can read again.

        Raises:
            Problem: the name is taken, or something is wrong with the agreement: names file, line and field.
        """
        answer = self._ask("POST", "/agencies", {**form, "agreement": agreement.content})
        if answer.status_code == HTTPStatus.CONFLICT:
            remedy = f"choose another name; `niangjia agencies rotate-keys {form['name']}` makes new keys for that one"
            raise Problem(_detail(answer), remedy)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            raise _wrong(answer, agreement)
        return _content(answer, str(form["name"]))

    def all(self) -> list[Document]:
        """Return every agency."""
        found: list[Document] = _content(self._ask("GET", "/agencies"))["agencies"]
        return found

    def one(self, name: str) -> Document:
        """Return an agency with its agreement."""
        return _content(self._ask("GET", _path(name)), name)

    def suspend(self, name: str, *, suspended: bool) -> Document:
        """Let an agency receive and read nothing, or again."""
        return self._post(name, "suspension", {"suspended": suspended})

    def rotate_keys(self, name: str, *, now: bool) -> Document:
        """Return new secrets; with `now` the old ones end at once, else after a while."""
        # Not asked twice: each answer ends the keys before the last.
        return self._post(name, "keys", {"now": now}, patience=0)

    def remove(self, name: str) -> Document:
        """End a subscription for good."""
        return _content(self._ask("DELETE", _path(name)), name)

    def replay(self, name: str, span: Mapping[str, Any]) -> Document:
        """Deliver again what was delivered in a span of numbers or times."""
        return self._post(name, "replays", span, patience=0)

    def call_again(self, name: str) -> Document:
        """Call a webhook again that was given up."""
        return self._post(name, "webhook", {"enabled": True})

    def deliveries(self, name: str, case_id: str | None = None) -> Iterator[Document]:
        """Yield the record of what an agency got, or of what it got about one case, in the order of the numbers."""
        query: dict[str, str | int] = {"limit": _PAGE, **({"case_id": case_id} if case_id else {})}
        after: int | None = 0
        while after is not None:
            page = _content(self._ask("GET", f"{_path(name)}/deliveries", query={**query, "after": after}), name)
            yield from page["deliveries"]
            after = page.get("next")

    def _post(self, name: str, what: str, content: Mapping[str, Any], patience: float = _PATIENCE_SECONDS) -> Document:
        return _content(self._ask("POST", f"{_path(name)}/{what}", content, patience=patience), name)

    def _ask(
        self,
        method: str,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        patience: float = _PATIENCE_SECONDS,
    ) -> requests.Response:
        body = b"" if content is None else orjson.dumps(content)
        with ServiceClient(self._home, "feed", role=Role.ADMIN, patience=patience) as client:
            return client.ask(method, path, query=query, body=body)


def agency_user(namespace: str, name: str) -> str:
    """Return the name of an agency's user at the broker."""
    return "-".join(filter(None, (namespace, "agency", name)))


def _path(name: str) -> str:
    return f"/agencies/{quote(name, safe='')}"


def _content(answer: requests.Response, name: str = "") -> Document:
    """Return what was answered.

    Raises:
        Problem: it was refused.
    """
    if answer.ok:
        content: Document = answer.json()
        return content
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise Problem(f"there is no agency {name}", "see `niangjia agencies show`")
    if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
        raise Problem(_detail(answer), "nothing was changed")
    raise Problem(f"feed refuses with {answer.status_code} ({_detail(answer)})", "see `niangjia doctor`")


def _wrong(answer: requests.Response, agreement: AgreementFile) -> Problem:
    """Return what is wrong, with the lines of the file as far as it stands there."""
    faults = answer.json().get("errors") or [{"field": "", "reason": _detail(answer)}]
    said = [_fault(str(fault["field"]), str(fault["reason"]), agreement) for fault in faults]
    if len(said) == 1:
        return Problem(said[0], "correct it; nothing was added")
    return Problem(
        f"{len(said)} things are wrong", "correct them; nothing was added:" + "".join(f"\n  {s}" for s in said)
    )


def _fault(field: str, reason: str, agreement: AgreementFile) -> str:
    if field.partition(".")[0] != "agreement":
        return ": ".join(filter(None, (field, reason)))
    path = field.partition(".")[2]
    return ": ".join(filter(None, (f"{agreement.name} {agreement.place(path)}", path, reason)))


def _detail(answer: requests.Response) -> str:
    try:
        content = answer.json()
    except ValueError:
        return answer.reason
    return str(content.get("detail") or answer.reason) if isinstance(content, dict) else answer.reason

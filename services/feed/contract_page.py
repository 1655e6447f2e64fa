"""The contract of an agency as it stands now: for programs as AsyncAPI, for people as a page."""

from typing import Final

import orjson
from msgspec import Struct

from services.feed.agency import Agency
from services.feed.asyncapi import asyncapi
from services.feed.block import html
from services.feed.contract import Contract
from services.feed.page import page
from services.feed.wording import preferred, wording

JSON: Final = "application/json"
HTML: Final = "text/html"
#: What stands where the pages of the reference have links.
_LINKS: Final = {"asyncapi": "`Accept: application/json`", "schema": "`components.schemas`"}


class ContractPage(Struct, frozen=True, kw_only=True):
    """What is sent."""

    body: bytes
    content_type: str
    #: Empty for programs.
    language: str = ""


def contract_page(agency: Agency, url: str, accept: str = "", accept_language: str = "") -> ContractPage:
    """Return what an agency gets, in the form and the language that its client likes best.

    Args:
        url: where agencies reach feed, without a slash at the end.
        accept, accept_language: headers as they came.
    """
    contract = Contract(agency=agency, url=url)
    if not _wants_html(accept):
        return ContractPage(body=orjson.dumps(asyncapi(contract)), content_type=JSON)
    language = preferred(accept_language)
    text = html(page(contract, wording(language), _LINKS), language)
    return ContractPage(body=text.encode(), content_type=f"{HTML}; charset=utf-8", language=language)


def _wants_html(accept: str) -> bool:
    """Tell whether HTML is named, and JSON not before it; nobody else wants a page."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    return HTML in kinds and (JSON not in kinds or kinds.index(HTML) < kinds.index(JSON))

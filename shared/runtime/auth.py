"""Who may come in: bearer tokens, and what a role and a district open."""

import re
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Any

import jwt

from shared.events.vocabulary import DISTRICT_PATTERN

ALGORITHM = "HS256"
#: Tokens remembered as checked.
CACHED = 512
MAX_TOKEN = 4_096

_DISTRICT = re.compile(DISTRICT_PATTERN)


class Role(StrEnum):
    """What a person (or a service) is in the house."""

    OPERATOR = "operator"
    CASEWORKER = "caseworker"
    SUPERVISOR = "supervisor"
    #: Keeps the register of volunteers.
    COORDINATOR = "coordinator"
    #: Keeps the system running: health, metrics, dead letters; sees no person.
    ADMIN = "admin"
    #: Reads public facts.
    AUDITOR = "auditor"
    #: Another service of the house.
    SERVICE = "service"
    #: A partner outside the house: reads what is delivered to it, and nothing else.
    AGENCY = "agency"


#: The roles of the house itself. What is open to all of them is still shut to partners.
HOUSE = frozenset(Role) - {Role.AGENCY}


class Unauthorised(Exception):
    """No token, or one that does not count; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who asks, as the token says."""

    name: str
    role: Role
    #: Digits of GB/T 2260; only what lies in this district is open. Empty: every district.
    district: str = ""
    #: Of an agency only: the id of its key, without which the token counts for nothing.
    key: str = ""
    #: When the token ends, in seconds of the epoch.
    until: float = field(default=inf, compare=False)

    def covers(self, district: str) -> bool:
        """Tell whether a place lies in the bearer's district."""
        return district.startswith(self.district)


def issue(key: bytes, bearer: Bearer, seconds: int) -> str:
    """Return a token that is good for `seconds` from now."""
    now = int(time.time())
    claims = {"sub": bearer.name, "role": bearer.role.value, "iat": now, "exp": now + seconds}
    if bearer.district:
        claims["district"] = bearer.district
    if bearer.role is Role.AGENCY:
        claims["key"] = bearer.key
    return jwt.encode(claims, key, algorithm=ALGORITHM)


class Gate:
    """Checks tokens; a token once found good is remembered until it expires."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._good: OrderedDict[str, tuple[float, Bearer]] = OrderedDict()

    def bearer(self, authorization: str | None) -> Bearer:
        """Return who sends this `Authorization` header.

        Raises:
            Unauthorised: there is no token, or it is malformed, forged or expired.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
            raise Unauthorised("send a token as 'Authorization: Bearer …'; `niangjia token` makes one")
        known = self._good.get(token)
        if known is None or known[0] <= time.time():
            known = self._check(token)
            self._good[token] = known
            if len(self._good) > CACHED:
                self._good.popitem(last=False)
        return known[1]

    def _check(self, token: str) -> tuple[float, Bearer]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key, algorithms=[ALGORITHM], options={"require": ["exp", "sub", "role"]}
            )
            role, until = Role(claims["role"]), float(claims["exp"])
            bearer = Bearer(
                name=claims["sub"], role=role, district=_district(claims), key=_key(claims, role), until=until
            )
        except jwt.ExpiredSignatureError:
            raise Unauthorised("the token has expired; ask for a new one") from None
        except (jwt.InvalidTokenError, ValueError):
            raise Unauthorised("the token is not one of this house") from None
        return until, bearer


def _district(claims: dict[str, Any]) -> str:
    """Return the district of a token.

    Raises:
        ValueError: no place can have it.
    """
    district = claims.get("district", "")
    if district == "" or (isinstance(district, str) and _DISTRICT.fullmatch(district)):
        return str(district)
    raise ValueError("district")


def _key(claims: dict[str, Any], role: Role) -> str:
    """Return the id of an agency's key; nobody else has one.

    Raises:
        ValueError: the agency's token names none.
    """
    if role is not Role.AGENCY:
        return ""
    if isinstance(key := claims.get("key"), str) and key:
        return key
    raise ValueError("key")

"""What has been referred for a case, to whom, for what: the referral service's page on one case."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.rules import china_day

MEDIATION: Final = "mediation"


class Status(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One request to one agency for one purpose."""

    id: str
    #: On the letter that the client shows at the agency's window.
    number: str
    agency: str
    purpose: str
    basis: str
    status: Status
    requested_at: datetime
    acknowledge_by: datetime
    finish_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """All referrals of a case; at most one for each agency and purpose."""

    #: Of the case.
    id: str
    referrals: tuple[Referral, ...] = ()
    #: Agency and purpose for which a caseworker was told to ask for consent.
    asked: tuple[tuple[str, str], ...] = ()
    #: A wish for mediation has been refused.
    mediation_refused: bool = False

    def has(self, agency: str, purpose: str) -> bool:
        """Return whether a case was referred to an agency for a purpose, whatever became of it."""
        return any(one.agency == agency and one.purpose == purpose for one in self.referrals)

    def open_for(self, purpose: str) -> tuple[Referral, ...]:
        """Return the referrals for a purpose that have not come to an end."""
        return tuple(one for one in self.referrals if one.purpose == purpose and one.status is Status.REQUESTED)

    def with_referral(self, referral: Referral) -> "Docket":
        """Return the docket with one more referral."""
        return replace(self, referrals=(*self.referrals, referral))

    def without(self, referral_id: str) -> "Docket":
        """Return the docket with one referral cancelled."""
        return replace(
            self,
            referrals=tuple(
                replace(one, status=Status.CANCELLED) if one.id == referral_id else one for one in self.referrals
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The numbering of letters in one county and year."""

    #: "<county>-<year>"
    id: str
    last: int = 0

    @property
    def next_number(self) -> str:
        """The number that the next letter gets."""
        return f"{self.id}-{self.last + 1:06d}"


def register_id(district: str, time: datetime) -> str:
    """Return the register of a district and year (China's); what is wider than a county is filled up with zeros."""
    return f"{district:0<6}-{china_day(time).year}"


def register_of(number: str) -> Register:
    """Return the register after a number was given."""
    register, last = number.rsplit("-", 1)
    return Register(id=register, last=int(last))

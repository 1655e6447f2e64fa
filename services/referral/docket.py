"""What has been referred for a case, to whom, for what: the referral service's page on one case."""

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from shared.events.vocabulary import CANCELLATIONS
from shared.rules import china_day

MEDIATION: Final = "mediation"
#: Why referrals are cancelled.
MEDIATION_BARRED, CONSENT_WITHDRAWN = CANCELLATIONS


class Status(StrEnum):
    """Where a referral stands."""

    REQUESTED = "requested"
    CANCELLED = "cancelled"


class Receipt(Struct, frozen=True, kw_only=True):
    """An agency said how far it is."""

    #: "received" or "acted".
    receipt: str
    #: Name of the subscriber that said so.
    by: str
    at: datetime


class Referral(Struct, frozen=True, kw_only=True):
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
    #: Empty where it is not cancelled.
    cancelled_because: str = ""
    #: The first of each kind.
    receipts: tuple[Receipt, ...] = ()

    @property
    def counts_as_made(self) -> bool:
        """Whether nobody is referred for the same again; what she took her consent back for may be, if she agrees."""
        return self.cancelled_because != CONSENT_WITHDRAWN

    def has_receipt(self, receipt: str) -> bool:
        """Return whether an agency has said this before."""
        return any(one.receipt == receipt for one in self.receipts)


class Docket(Struct, frozen=True, kw_only=True):
    """All referrals of a case; of those that count as made at most one for each agency and purpose."""

    #: Of the case.
    id: str
    referrals: tuple[Referral, ...] = ()
    #: Agency and purpose for which a caseworker was told to ask for consent, or for which she took it back.
    asked: tuple[tuple[str, str], ...] = ()
    #: A wish for mediation has been refused.
    mediation_refused: bool = False

    def has(self, agency: str, purpose: str) -> bool:
        """Return whether a case was referred to an agency for a purpose, and is not referred again."""
        return any(one.agency == agency and one.purpose == purpose for one in self.referrals if one.counts_as_made)

    @property
    def district(self) -> str:
        """The county of its letters; empty where there is none. What is wider than a county is filled up with zeros."""
        return self.referrals[0].number.partition("-")[0] if self.referrals else ""

    def find(self, referral_id: str) -> Referral | None:
        """Return a referral of the case."""
        return next((one for one in self.referrals if one.id == referral_id), None)

    def open_by_consent(self, agencies: Collection[str]) -> tuple[Referral, ...]:
        """Return the referrals to some agencies that rest on her consent and have not come to an end."""
        return tuple(
            one
            for one in self.referrals
            if one.agency in agencies and one.basis == "consent" and one.status is Status.REQUESTED
        )

    def open_for(self, purpose: str) -> tuple[Referral, ...]:
        """Return the referrals for a purpose that have not come to an end."""
        return tuple(one for one in self.referrals if one.purpose == purpose and one.status is Status.REQUESTED)

    def with_referral(self, referral: Referral) -> "Docket":
        """Return the docket with one more referral."""
        return replace(self, referrals=(*self.referrals, referral))

    def without(self, referral_id: str, reason: str) -> "Docket":
        """Return the docket with one referral cancelled."""
        return self._with_changed(
            referral_id, lambda one: replace(one, status=Status.CANCELLED, cancelled_because=reason)
        )

    def with_receipt(self, referral_id: str, receipt: Receipt) -> "Docket":
        """Return the docket with one more receipt."""
        return self._with_changed(referral_id, lambda one: replace(one, receipts=(*one.receipts, receipt)))

    def with_asked(self, agency: str, purpose: str) -> "Docket":
        """Return the docket with one more pair for which nobody is told to ask for consent."""
        pair = (agency, purpose)
        return self if pair in self.asked else replace(self, asked=(*self.asked, pair))

    def _with_changed(self, referral_id: str, change: Callable[[Referral], Referral]) -> "Docket":
        changed = tuple(change(one) if one.id == referral_id else one for one in self.referrals)
        return replace(self, referrals=changed)


class Register(Struct, frozen=True, kw_only=True):
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

"""Referral: which agencies are asked to act, on which basis, by when."""

from services.referral import answers, schemas
from services.referral.docket import Docket
from services.referral.model import ReferralModel
from shared.events.vocabulary import COUNTY_DIGITS
from shared.runtime.auth import Role
from shared.runtime.batch import Batch
from shared.runtime.form import load
from shared.runtime.http import Answer, Request, http
from shared.runtime.problem import Forbidden
from shared.runtime.service import LATER, Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork

READERS = {Role.OPERATOR, Role.CASEWORKER, Role.SUPERVISOR, Role.AUDITOR}

_query_form = schemas.ReferralQuery()


class ReferralService(Service):
    """The nameko service."""

    name = "referral"
    niceness = LATER
    work = UnitOfWork(lambda settings: ReferralModel(settings.rules))

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Run the rules again for every case that a report changed; take back what she agrees to no longer."""
        return self.work.take(batch)

    @subscribe("feed")
    def on_feed(self, batch: Batch) -> list[Ticket]:
        """Keep what agencies say of the referrals that reached them."""
        return self.work.take(batch)

    @http("GET", "/referrals", roles=READERS, query=schemas.ReferralQuery, answers=answers.Referrals)
    def list_referrals(self, request: Request) -> Answer:
        """Show the referrals of a case: how they stand, until when, and what the agencies said.

        Referral knows the county of a case and no smaller place: a token for a smaller one does not open this.
        """
        case_id = load(_query_form, dict(request.query))["case_id"]
        if len(request.bearer.district) > COUNTY_DIGITS:
            raise Forbidden("referrals are shown by county; your token is for a smaller place")
        docket: Docket | None = self.work.unit.states.find_one("docket", case_id)
        if docket is None or not request.bearer.covers(docket.district):
            docket = Docket(id=case_id)
        return Answer(content={"referrals": answers.shown(docket)})

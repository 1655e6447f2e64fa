"""Feed: what each agency may see, its stream, webhooks, replay and receipts."""

from http import HTTPStatus

from services.feed import answers, schemas
from services.feed.agency import Agency, Status
from services.feed.desk import Desk
from services.feed.enrolment import Keys, access, added, agreement_of, command, first_access, rekeyed, told
from services.feed.guardian import Guardian
from services.feed.model import FeedModel
from services.feed.partner import PartnerEndpoints
from services.feed.partners import Partners
from services.feed.rehearsal import rehearsed
from services.feed.sealer import Sealer
from services.feed.shareable import shareable
from services.feed.stream import StreamPublisher
from services.feed.webhook import WebhookCaller, check_webhook
from shared.kernel import Conflict
from shared.runtime.auth import Role
from shared.runtime.batch import Batch
from shared.runtime.form import load
from shared.runtime.http import Answer, Request, http
from shared.runtime.jsontext import parse
from shared.runtime.ndjson import each_line
from shared.runtime.service import Service
from shared.runtime.subscriber import subscribe
from shared.runtime.ticket import Ticket
from shared.runtime.work import UnitOfWork

#: Who lets agencies in and out. They see no person: that is between an agency and intake.
OPERATORS = {Role.ADMIN}

_agency_form = schemas.AgencyForm()
_suspension_form = schemas.Suspension()
_rekeying_form = schemas.Rekeying()
_calling_form = schemas.Calling()
_span_form = schemas.Span()
_record_query = schemas.RecordQuery()
_invented_form = schemas.InventedEvent()


class FeedService(PartnerEndpoints, Service):
    """The nameko service."""

    name = "feed"
    work = UnitOfWork(lambda _: FeedModel(shareable()), indexes={"delivery": ["state.seal"]})
    streams = StreamPublisher()
    caller = WebhookCaller()
    sealer = Sealer()
    guardian = Guardian()

    @subscribe("intake")
    def on_intake(self, batch: Batch) -> list[Ticket]:
        """Deliver what became of cases to the agencies that may know, and recall what they may know no longer."""
        return self.work.take(batch)

    @subscribe("referral")
    def on_referral(self, batch: Batch) -> list[Ticket]:
        """Deliver the life of each referral to the agency that it is addressed to."""
        return self.work.take(batch)

    @subscribe("volunteer")
    def on_volunteer(self, batch: Batch) -> list[Ticket]:
        """Let those count who may."""
        return self.work.take(batch)

    @http(
        "POST",
        "/agencies",
        roles=OPERATORS,
        takes=schemas.AgencyForm,
        answers=answers.Secrets,
        statuses=(HTTPStatus.CREATED,),
        refuses={HTTPStatus.CONFLICT: "An agency of this name is there already."},
    )
    def add_agency(self, request: Request) -> Answer:
        """Let an agency receive; its secrets are told this once."""
        form = load(_agency_form, parse(request.body))
        agreement_of(form)
        check_webhook(form, self.work.settings)
        keys = Keys.new()
        message = added(form, keys)
        known = self.work.unit.states.find_one("agency", form["name"])
        if known is not None and known.status is not Status.REMOVED:
            raise Conflict("agency-exists", f"an agency named {known.id} is there already", field="name")
        if message.data["stream"]:
            self._partners.add(first_access(message))
        self.work.do(message)
        return Answer(
            status=HTTPStatus.CREATED, content=told(self.work.settings, self._desk.agency(form["name"]), keys)
        )

    @http("GET", "/agencies", roles=OPERATORS, answers=answers.AgenciesShown)
    def list_agencies(self, request: Request) -> Answer:
        """Show all agencies."""
        return Answer(content={"agencies": [self._desk.shown(one) for one in self._desk.agencies()]})

    @http("GET", "/agencies/<name>", roles=OPERATORS, answers=answers.AgencyShown)
    def show_agency(self, request: Request, name: str) -> Answer:
        """Show one agency and its agreement."""
        return Answer(content=self._desk.shown(self._desk.agency(name)))

    @http("POST", "/agencies/<name>/suspension", roles=OPERATORS, takes=schemas.Suspension, answers=answers.AgencyShown)
    def suspend_agency(self, request: Request, name: str) -> Answer:
        """Let an agency receive and read nothing, or again."""
        suspended = load(_suspension_form, parse(request.body))["suspended"]
        self.work.do(command("suspend_agency" if suspended else "resume_agency", {"agency": name}))
        return Answer(content=self._desk.shown(self._settled(name)))

    @http("POST", "/agencies/<name>/keys", roles=OPERATORS, takes=schemas.Rekeying, answers=answers.Secrets)
    def rekey_agency(self, request: Request, name: str) -> Answer:
        """Give an agency new keys; its password at the broker changes at once, the others within a day."""
        keys = Keys.new()
        now = load(_rekeying_form, parse(request.body)).get("now", False)
        self.work.do(rekeyed(name, keys, now=now))
        return Answer(content=told(self.work.settings, self._settled(name), keys))

    @http("DELETE", "/agencies/<name>", roles=OPERATORS, answers=answers.AgencyShown)
    def remove_agency(self, request: Request, name: str) -> Answer:
        """End a subscription: keys, stream and user are gone; the record of what was delivered stays."""
        self.work.do(command("remove_agency", {"agency": name}))
        return Answer(content=self._desk.shown(self._settled(name)))

    @http("POST", "/agencies/<name>/webhook", roles=OPERATORS, takes=schemas.Calling, answers=answers.AgencyShown)
    def call_again(self, request: Request, name: str) -> Answer:
        """Call an agency again whose webhook was given up."""
        load(_calling_form, parse(request.body))
        self.work.do(command("call_again", {"agency": name}))
        return Answer(content=self._desk.shown(self._desk.agency(name)))

    @http("POST", "/agencies/<name>/replays", roles=OPERATORS, takes=schemas.Span, answers=answers.Replayed)
    def replay(self, request: Request, name: str) -> Answer:
        """Deliver again what an agency got, marked as a replay, as far as the agreement of today grants it."""
        span = load(_span_form, parse(request.body))
        return Answer(content=self._desk.replay(self._desk.agency(name), span))

    @http(
        "POST",
        "/agencies/<name>/rehearsals",
        roles=OPERATORS,
        lines=True,
        takes=schemas.InventedEvent,
        answers=answers.Rehearsed,
    )
    def rehearse(self, request: Request, name: str) -> Answer:
        """Deliver invented events to a sandbox, one JSON object a line, in their order."""
        self._desk.agency(name)
        return each_line(request, lambda data, _: rehearsed(name, load(_invented_form, data)), self.work)

    @http("GET", "/agencies/<name>/deliveries", roles=OPERATORS, query=schemas.RecordQuery, answers=answers.Record)
    def list_deliveries(self, request: Request, name: str) -> Answer:
        """Show what an agency got, or what it got about one case: the account that is given of it."""
        query = load(_record_query, dict(request.query))
        return Answer(content=self._desk.record(self._desk.agency(name), query))

    def _ailing(self) -> list[str]:
        ailing = super()._ailing()
        return ailing if self.streams.connected else [*ailing, "the agencies' streams are not written"]

    @property
    def _desk(self) -> Desk:
        return Desk(self.work)

    @property
    def _partners(self) -> Partners:
        return Partners(self.work.settings)

    def _settled(self, name: str) -> Agency:
        """Return an agency after the broker was told what it may do now."""
        agency = self._desk.agency(name)
        if agency.status is Status.REMOVED:
            self._partners.remove(name)
        elif agency.stream:
            self._partners.settle(access(agency))
        return agency

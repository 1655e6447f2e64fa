"""The sample week, as each agency sees it: every message and every fetched field, held against what was agreed.

What must come is counted from the expectations of the week, which say nothing of feeds; what people's fields must hold
comes from the reports themselves.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK

from deploy.sample import WEEK
from shared.runtime.auth import Role
from tests.integration.feed.allowed import ALWAYS, KINDS, REFERRALS, SOMETIMES, flat
from tests.support.hook import Hook
from tests.support.stream import Consumer
from tests.support.system import System, wait_until

DISTRICT = "33"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (WEEK / name).read_text(encoding="utf-8").splitlines()]


REPORTS = [*lines("earlier.jsonl"), *lines("reports.jsonl")]
EXPECTED = lines("expected.jsonl")


class Week:
    """The sample week in a system with one agency of each kind."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.doors: dict[str, dict[str, str]] = {}
        #: What each agency was told of the broker, and where it is called.
        self.streams: dict[str, dict[str, str]] = {}
        self.hooks: dict[str, Hook] = {}
        self.key = JWK.generate(kty="EC", crv="P-256", kid="justice-2026")
        #: Reports by the case that they belong to, in the order in which they came.
        self.reports: dict[str, list[dict[str, Any]]] = {}
        self._session = requests.Session()
        self._session.trust_env = False

    def play(self) -> None:
        for kind in KINDS:
            self.hooks[kind] = Hook()
            self._add(kind, kind, "--webhook", self.hooks[kind].url)
        public = self.system.folder / "justice.jwk"
        public.write_text(json.dumps(self.key.export_public(as_dict=True)))
        self._add("justice-sealed", "justice", "--public-key", str(public))
        volunteers = (WEEK / "volunteers.jsonl").read_bytes().splitlines()
        self.system.client(Role.COORDINATOR).post_lines("volunteer", "/volunteers/batch", volunteers)
        operator = self.system.client(Role.OPERATOR)
        for report in REPORTS:
            answer = operator.post("intake", "/reports", json=report)
            if answer.status_code == requests.codes.created:
                told = self.reports.setdefault(answer.json()["case_id"], [])
                if report not in told:
                    told.append(report)
        assert self.system.niangjia("drain", "--timeout", "120").returncode == 0

    def _add(self, name: str, kind: str, *options: str) -> None:
        arguments = (name.replace("_", "-"), "--contract", kind, "--district", DISTRICT, "--json", *options)
        added = self.system.niangjia("agencies", "add", *arguments)
        assert added.returncode == 0, added.stderr
        told = json.loads(added.stdout)
        self.doors[name], self.streams[name] = told["http"], told["amqp"]

    def get(self, kind: str, path: str) -> requests.Response:
        door = self.doors[kind]
        url = path if path.startswith("http") else door["url"] + path
        return self._session.get(url, headers={"Authorization": f"Bearer {door['token']}"}, timeout=30)

    def events(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self.get(kind, f"/events?after={len(found)}&limit=100").json()["events"]
            if not page:
                return found
            found += page

    def close(self) -> None:
        self._session.close()
        for hook in self.hooks.values():
            hook.stop()


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder: Path = tmp_path_factory.mktemp("week")
    with System(folder, variables={"NIANGJIA_WEBHOOK_PRIVATE": "127.0.0.0/8"}) as system:
        system.start_all()
        week = Week(system)
        week.play()
        yield week
        week.close()


def expected(kind: str) -> Counter[tuple[str, str]]:
    """Return how often each event, and for which purpose, must reach an agency of a kind."""
    count: Counter[tuple[str, str]] = Counter()
    for row in EXPECTED:
        for agency, purpose, _ in row["referrals"]:
            count["referral.requested", purpose if agency == kind else f"not mine: {agency}"] += 1
        for agency, purpose in row["referrals_cancelled"]:
            count["referral.cancelled", purpose if agency == kind else f"not mine: {agency}"] += 1
        count["risk.escalated", "red"] += row["escalated"] and row["grade"] == "red"
        count["risk.escalated", ""] += row["escalated"]
        count["case.created", ""] += row["opens_case"]
        count["mediation.refused", ""] += row["mediation_refused"]
        count["volunteer.assigned", ""] += sum(1 for _, who in row["assignments"] if who)
    return count


@pytest.mark.parametrize("kind", REFERRALS)
def test_an_agency_gets_the_life_of_its_own_referrals_and_nothing_else(week: Week, kind: str) -> None:
    count, got = expected(kind), Counter((e["type"], e["data"].get("purpose", "")) for e in week.events(kind))
    wanted = {key: n for key, n in count.items() if key[0].startswith("referral.") and "not mine" not in key[1] and n}
    if kind == "police":
        wanted["risk.escalated", ""] = count["risk.escalated", "red"]
    cancelled = sum(n for (name, _), n in wanted.items() if name == "referral.cancelled")
    if cancelled:
        wanted["delivery.recalled", ""] = cancelled
    assert dict(got) == wanted


def test_who_counts_can_count_everything_and_learns_nothing_else(week: Week) -> None:
    count: Counter[str] = Counter()
    for (name, purpose), n in expected("statistics").items():
        count[name] += 0 if purpose == "red" else n
    events = week.events("statistics")
    assert Counter(e["type"] for e in events) == count
    assert all(set(event) == ALWAYS and event["data"] == {} for event in events)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_have_no_gap_and_attributes_say_nothing_more(week: Week, kind: str) -> None:
    events = week.events(kind)
    assert events
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    for event in events:
        assert set(event) >= ALWAYS
        assert set(event) <= ALWAYS | SOMETIMES
        assert event["source"] == f"/feeds/{kind.replace('_', '-')}"


@pytest.mark.parametrize("kind", REFERRALS)
def test_every_message_has_the_agreed_fields_with_the_values_of_the_referral(week: Week, kind: str) -> None:
    referrals = {
        one["id"]: one
        for docket in week.system.database("referral")["docket"].find()
        for one in docket["state"]["referrals"]
    }
    for event in week.events(kind):
        data = event["data"]
        if event["type"] == "referral.requested":
            fields, _ = REFERRALS[kind][data["purpose"]]
            assert set(data) == fields
            stored = referrals[data["referral_id"]]
            assert stored["agency"] == kind
            same = {"number", "purpose", "basis", "requested_at", "acknowledge_by", "finish_by"} & set(data)
            assert {name: data[name] for name in same} == {name: stored[name] for name in same}
            assert data["district"].startswith(DISTRICT)
        elif event["type"] == "referral.cancelled":
            assert set(data) == {"referral_id", "case_id", "purpose", "reason"}
        elif event["type"] == "delivery.recalled":
            assert set(data) == {"numbers", "reason"}
        else:
            assert (event["type"], data) == ("risk.escalated", {})


@pytest.mark.parametrize("kind", REFERRALS)
def test_every_fetched_field_is_agreed_on_and_true_and_none_is_missing(week: Week, kind: str) -> None:
    recalled = {n for e in week.events(kind) if e["type"] == "delivery.recalled" for n in e["data"]["numbers"]}
    fetched = 0
    for event in week.events(kind):
        _, identity = REFERRALS[kind].get(event["data"].get("purpose", ""), (set(), set()))
        if event["type"] != "referral.requested" or not identity:
            assert "dataref" not in event
            continue
        answer = week.get(kind, event["dataref"])
        if int(event["sequence"]) in recalled:
            assert answer.status_code == requests.codes.gone
            continue
        told = flat(answer.json()["fields"])
        assert set(told) == identity
        assert_true(told, week.reports[event["data"]["case_id"]])
        fetched += 1
    assert fetched or kind == "grid"


@pytest.mark.parametrize("kind", KINDS)
def test_the_stream_and_the_calls_say_what_the_pages_say(week: Week, kind: str) -> None:
    events = week.events(kind)
    assert [call.event for call in week.hooks[kind].deliveries] == events
    with Consumer(week.streams[kind]) as consumer:
        wait_until(lambda: len(consumer.numbers) == len(events), f"the stream of {kind}")
        assert [_structured(message) for message in consumer.deliveries] == events


def test_who_cannot_ask_gets_the_agreed_fields_sealed_to_its_key(week: Week) -> None:
    """As they were known when the referral was made, where they can be fetched as they are known now."""
    sealed = [event for event in week.events("justice-sealed") if "sealed" in event["data"]]
    assert len(sealed) > 10
    for event in sealed:
        jwe = JWE()
        jwe.deserialize(event["data"]["sealed"], week.key)
        told = flat(json.loads(jwe.payload))
        assert set(told) == REFERRALS["justice"][event["data"]["purpose"]][1]
        fetched = week.get("justice-sealed", event["dataref"])
        if fetched.status_code == requests.codes.ok:
            assert told["client.name"] == flat(fetched.json()["fields"])["client.name"]


def test_what_was_fetched_is_in_the_account_of_disclosures(week: Week) -> None:
    journal = week.system.database("intake")["journal"]
    event = next(e for e in week.events("court") if e["type"] == "referral.requested")
    before = journal.count_documents({"events.type": "identity.disclosed"})
    assert week.get("court", event["dataref"]).ok
    last = journal.find_one({"events.type": "identity.disclosed"}, sort=[("_id", -1)])
    assert journal.count_documents({"events.type": "identity.disclosed"}) == before + 1
    assert last is not None
    said = json.loads(last["events"][0]["data"])
    assert (said["audience"], said["purpose"], said["case_id"]) == (
        "court",
        "protection_order",
        event["data"]["case_id"],
    )
    assert set(said["fields"]) == REFERRALS["court"]["protection_order"][1]


def test_nobody_learns_who_reported(week: Week) -> None:
    """What a reporter who is not the client says of herself stands in nothing that any agency gets or fetches."""
    everything = []
    for kind in KINDS:
        for event in week.events(kind):
            everything.append(json.dumps(event, ensure_ascii=False))
            if "dataref" in event:
                everything.append(week.get(kind, event["dataref"]).text)
    said = "\n".join(everything)
    reporters = [one["reporter"] for one in REPORTS if one.get("reporter") and one["reporter"].get("role") != "self"]
    phones = {reporter["phone"] for reporter in reporters if reporter.get("phone")}
    assert phones
    assert not {phone for phone in phones if phone in said}


def assert_true(told: Mapping[str, Any], reports: list[dict[str, Any]]) -> None:
    """Find every told value in one of the case's reports, and for plain fields the latest one told."""
    for name, value in told.items():
        part, _, field = name.partition(".")
        if name == "safe_contact":
            assert value is None or set(value) <= {"channels", "hours", "voicemail", "received_at"}
        elif name == "narrative":
            assert value
        elif name == "children":
            known = [one["children"] for one in reports if one.get("children")]
            assert value == (known[-1] if known else None)
        else:
            known = [one[part][field] for one in reports if (one.get(part) or {}).get(field)]
            if part == "client" and field in {"name", "phone"}:
                known += [one["reporter"][field] for one in reports if _is_herself(one) and one["reporter"].get(field)]
            assert value in known if value is not None else not known or field == "phone", name


def _structured(message: Any) -> dict[str, Any]:
    """Return a message in binary mode as one JSON object."""
    attributes = {
        name.removeprefix("cloudEvents_"): value
        for name, value in message.headers.items()
        if name.startswith("cloudEvents_")
    }
    return {**attributes, "datacontenttype": message.properties["content_type"], "data": json.loads(message.body)}


def _is_herself(report: Mapping[str, Any]) -> bool:
    return (report.get("reporter") or {}).get("role") == "self"

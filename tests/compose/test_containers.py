"""The system of containers comes up by one command, keeps its promises when containers die, and its secrets to itself.

The tests run in this order; the later ones do harm to what the earlier ones look at.
"""

import json
import ssl
import subprocess
import sys
from base64 import b64decode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from deploy.evidence import verify_bundle
from deploy.evidence.verify_bundle import KEY
from shared.runtime.variables import SERVICES
from tests.compose.conftest import WEEK
from tests.compose.containers import (
    AS_SECRETS,
    COMPOSE,
    ENGINES,
    ERRANDS,
    INGEST,
    NIANGJIA,
    PROJECT,
    Containers,
    lines,
)
from tests.support.partners import opened
from tests.support.system import ROOT

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1200)]

EXPECTED = lines(WEEK / "expected.jsonl")
LATE = datetime.fromisoformat("2026-03-20T10:00:00+08:00")
#: Files of the volume of secrets that hold no secret.
NO_SECRETS = {"broker.salt", "partners-ca.pem", "broker-tls.pem"}

STRANGER = """
import amqp, pymongo
for host in ("/", "niangjia"):
    try:
        amqp.Connection("broker:5672", "guest", "guest", login_method="PLAIN", virtual_host=host).connect()
        raise SystemExit(f"guest got into {host}")
    except amqp.AccessRefused:
        pass
try:
    pymongo.MongoClient("database", directConnection=True).list_database_names()
    raise SystemExit("anybody gets into the database")
except pymongo.errors.OperationFailure as refusal:
    assert refusal.code == 13, refusal
"""


def late_report(name: str, hour: int) -> dict[str, Any]:
    """Return a report that comes after the week."""
    first = lines(WEEK / "reports.jsonl")[0]
    return {**first, "report_key": f"late-{name}", "received_at": (LATE + timedelta(hours=hour)).isoformat()}


def test_all_is_well_when_up_returns(containers: Containers) -> None:
    assert {containers.health(name) for name in (*SERVICES, *ENGINES)} == {"healthy"}
    assert [containers.inspect(errand)["State"]["ExitCode"] for errand in ERRANDS] == [0, 0]


def test_the_week_comes_out_as_expected(week: Containers) -> None:
    assert week.outcomes() == EXPECTED


def test_what_is_stored_is_whole(week: Containers) -> None:
    week.niangjia("verify")


def test_a_case_is_anchored_and_proved_outside(week: Containers, tmp_path: Path) -> None:
    made = json.loads(week.niangjia("anchor", "--json"))["services"]
    assert made.keys() == set(SERVICES) - {"feed"}  # there is no agency, so nothing was delivered
    case = json.loads(week.niangjia("events", "export", "--service", "intake", "--to", "1"))["subject"]
    script = f"python -m deploy.cli evidence {case} --by nobody -o - | base64"
    packed = week.compose("run", "--rm", "-T", "--entrypoint", "sh", "niangjia", "-c", script)
    (tmp_path / "case.zip").write_bytes(b64decode(packed))
    # the anchors outlive the container that made them
    (tmp_path / KEY).write_text(week.python(f"print(open('/var/lib/niangjia/anchors/{KEY}').read())"))

    command = [sys.executable, "-I", "-S", verify_bundle.__file__, "case.zip", "--key", KEY, "--language", "en"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.endswith("WHOLE: nothing was changed, removed, reordered or cut off.\n")


def test_a_recording_leaves_by_a_pipe_and_another_rule_is_tried_in_place(week: Containers, tmp_path: Path) -> None:
    recorded = week.niangjia("record", "--service", "intake", "-o", "-")
    assert [json.loads(line)["type"] for line in recorded.splitlines()].count("command.receive_report") == len(EXPECTED)

    rules = (ROOT / "services" / "intake" / "rules" / "risk.yml").read_text("utf-8")
    assert "grade: orange" in rules
    other = tmp_path / "other.yml"
    other.write_text(rules.replace("grade: orange", "grade: red"), "utf-8")
    other.chmod(0o644)
    tmp_path.chmod(0o755)
    ours = ("run", "--rm", "-T", "--volume", f"{other}:/other.yml:ro", "niangjia")
    told = json.loads(week.compose(*ours, "what-if", "--rules", "/other.yml", "--period", "2026-03", "--json"))
    assert told["grades"]["other"]["red"] > told["grades"]["in_force"]["red"]


def test_ports_are_published_on_loopback_only(containers: Containers) -> None:
    for service in SERVICES:
        ((inner, published),) = containers.inspect(service)["NetworkSettings"]["Ports"].items()
        assert inner == "8000/tcp"
        assert [binding["HostIp"] for binding in published] == ["127.0.0.1"]
    published = {
        engine: {port: bound for port, bound in containers.inspect(engine)["NetworkSettings"]["Ports"].items() if bound}
        for engine in ENGINES
    }
    assert {engine: list(ports) for engine, ports in published.items()} == {"broker": ["5671/tcp"], "database": []}
    assert {binding["HostIp"] for binding in published["broker"]["5671/tcp"]} == {"127.0.0.1"}


def test_an_agency_reads_its_stream_by_tls_and_can_do_nothing_else(week: Containers, tmp_path: Path) -> None:
    told = json.loads(week.niangjia("agencies", "add", "police", "--contract", "police", "--district", "33", "--json"))
    authority = tmp_path / "authority.pem"
    authority.write_text(week.secrets()["partners-ca.pem"])
    options = pika.SSLOptions(ssl.create_default_context(cafile=str(authority)), "localhost")

    assert f"@localhost:{week.partner_port}/" in told["amqp"]["uri"]
    with opened(told["amqp"]["uri"], ssl_options=options) as channel:
        channel.basic_qos(prefetch_count=10)
        channel.basic_consume(told["amqp"]["stream"], lambda *_: None, arguments={"x-stream-offset": "first"})
    for attempt in (
        lambda channel: channel.queue_declare("mine"),
        lambda channel: channel.queue_delete(told["amqp"]["stream"]),
        lambda channel: channel.queue_bind(told["amqp"]["stream"], "amq.topic", "#"),
        lambda channel: channel.exchange_delete("niangjia.police.events"),
    ):
        with opened(told["amqp"]["uri"], ssl_options=options) as channel, pytest.raises(ChannelClosedByBroker):
            attempt(channel)


def test_nobody_gets_in_as_guest_or_without_a_name(containers: Containers) -> None:
    containers.python(STRANGER)


def test_no_secret_is_seen_from_outside(week: Containers) -> None:
    containers = [week.inspect(name) for name in (*SERVICES, *ENGINES, *ERRANDS)]
    seen = json.dumps(containers) + week.compose("config") + week.compose("logs", "--no-color")

    for name, secret in week.secrets().items():
        assert len(secret) >= 32 or name in NO_SECRETS
        # the eight digits of a salt may stand in any id by chance
        assert len(secret) < 32 or secret not in seen, name


def test_no_person_is_seen_in_the_logs(week: Containers) -> None:
    logs = week.compose("logs", "--no-color")
    reports = lines(WEEK / "earlier.jsonl") + lines(WEEK / "reports.jsonl")
    told = {report["narrative"] for report in reports}
    persons = [report.get(side) or {} for report in reports for side in ("client", "accused")]
    phones = {person["phone"] for person in persons if person.get("phone")}

    assert len(told) > 100
    assert len(phones) > 50
    assert [text for text in (*told, *phones) if text in logs or json.dumps(text)[1:-1] in logs] == []


def test_secrets_are_files_of_their_owner_alone(containers: Containers) -> None:
    modes = containers.within("intake", "stat -c '%U %a' /given/services /given/services/*").splitlines()

    assert modes == ["niangjia 700", *["niangjia 400"] * 5]


def test_each_container_sees_its_own_secrets_only(containers: Containers) -> None:
    def volumes(service: str) -> set[str]:
        mounts = containers.inspect(service)["Mounts"]
        names = {mount["Name"].removeprefix(f"{PROJECT}_") for mount in mounts if mount["Type"] == "volume"}
        return {name for name in names if name == "secrets" or name.startswith("for-")}

    own = {service: {"for-services"} for service in SERVICES}
    assert {service: volumes(service) for service in SERVICES} == {**own, "feed": {"for-services", "for-feed"}}
    assert {engine: volumes(engine) for engine in ENGINES} == {engine: {f"for-{engine}"} for engine in ENGINES}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_not_root_and_cannot_change_its_own_files(containers: Containers, service: str) -> None:
    assert containers.within(service, "id -un").strip() == "niangjia"
    assert containers.within(service, "! touch /opt/niangjia/x /etc/x /x 2>/dev/null && echo refused") == "refused\n"
    assert containers.inspect(service)["HostConfig"]["CapAdd"] is None


@pytest.mark.parametrize("name", [*SERVICES, *ENGINES])
def test_what_is_killed_comes_back_and_nothing_is_lost(week: Containers, name: str) -> None:
    known = len(week.outcomes())

    week.crash(name)
    week.compose(*INGEST, stdin=json.dumps(late_report(name, hour=known)))

    outcomes = week.outcomes()
    assert outcomes[: len(EXPECTED)] == EXPECTED
    assert len(outcomes) == known + 1
    assert outcomes[-1]["report_key"] == f"late-{name}"
    week.await_health("healthy", *SERVICES, *ENGINES)


def test_services_say_that_they_are_unwell_without_a_broker_and_recover_by_themselves(week: Containers) -> None:
    started = {service: week.started(service) for service in SERVICES}

    week.compose("stop", "broker")
    week.await_health("unhealthy", *SERVICES)
    week.compose("start", "broker")
    week.await_health("healthy", *SERVICES)

    assert {service: week.started(service) for service in SERVICES} == started


def test_data_and_secrets_outlive_the_containers(week: Containers) -> None:
    secrets, outcomes = week.secrets(), week.outcomes()

    week.compose("down")
    week.up()

    assert week.secrets() == secrets
    assert week.outcomes() == outcomes
    week.niangjia("verify")


def test_states_are_made_anew_while_their_service_is_stopped(week: Containers) -> None:
    outcomes = week.outcomes()
    refused = week.run(*COMPOSE, *NIANGJIA, "rebuild", "--service", "referral", "--replace")
    assert refused.stderr.startswith("niangjia: referral answers at its address")

    week.compose("stop", "referral")
    told = json.loads(week.niangjia("rebuild", "--service", "referral", "--replace", "--json"))
    week.up()

    assert told["referral"]["replaced"]
    assert week.outcomes() == outcomes
    week.niangjia("verify")


def test_keys_are_not_made_anew_for_what_was_stored_with_others(week: Containers) -> None:
    outcomes = week.outcomes()
    copy = week.compose(*AS_SECRETS, "tar -c . | base64")
    week.compose("down")
    week.docker("volume", "rm", f"{PROJECT}_secrets")

    assert week.run(*COMPOSE, "up", "--wait").returncode != 0
    assert "put back the volume `secrets`" in week.compose("logs", "--no-color", "secrets")

    week.compose(*AS_SECRETS, "base64 -d | tar -x", stdin=copy)
    week.up()
    assert week.outcomes() == outcomes

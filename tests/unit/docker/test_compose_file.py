"""The compose file pins what it runs, shows nothing to the network, and reads no variable that is not documented."""

import re
from typing import Any

import pytest
import yaml

from shared.runtime.variables import BY_NAME, SERVICES, VARIABLES
from tests.support.system import ROOT

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
CONTAINERS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
LASTING = (*SERVICES, "broker", "database")
_VARIABLE = re.compile(r"\$\{(NIANGJIA_\w+)")
#: Without those whose default follows from another variable.
_DEFAULT = re.compile(r"\$\{(NIANGJIA_\w+)(?::-([^{}]*))?\}")


def test_it_reads_the_variables_of_the_table_and_no_others() -> None:
    assert set(_VARIABLE.findall(TEXT)) == {v.name for v in VARIABLES if "compose" in v.readers}
    assert TEXT.count("${") == len(_VARIABLE.findall(TEXT))


def test_a_default_is_that_of_the_table_or_left_to_the_service() -> None:
    assert all(default in {"", BY_NAME[name].default} for name, default in _DEFAULT.findall(TEXT))


def test_images_are_pinned_to_the_patch() -> None:
    dockerfile = (ROOT / "deploy" / "docker" / "Dockerfile").read_text(encoding="utf-8")
    foreign = {container["image"] for container in CONTAINERS.values() if "NIANGJIA" not in container["image"]}
    bases = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))

    assert len(foreign) == 2
    assert len(bases) == 1
    assert all(re.search(r":\d+\.\d+\.\d+(-slim-bookworm)?$", image) for image in foreign | bases)


def test_ports_are_published_on_loopback_by_services_and_for_partners_only() -> None:
    ports = {name: container.get("ports", []) for name, container in CONTAINERS.items()}

    assert {name for name, published in ports.items() if published} == {*SERVICES, "broker"}
    assert [port.rpartition(":")[2] for port in ports["broker"]] == ["5671"]
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_watched_limited_and_started_again(name: str) -> None:
    container = CONTAINERS[name]

    assert container["restart"] == "unless-stopped"
    assert container["healthcheck"]["test"]
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert container["stop_grace_period"]
    assert container["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert container["read_only"]
    assert container["init"]
    assert container["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_its_engines_are_well(name: str) -> None:
    conditions = {needed: how["condition"] for needed, how in CONTAINERS[name]["depends_on"].items()}

    assert conditions == {
        "broker": "service_healthy",
        "database": "service_healthy",
        "replica-set": "service_completed_successfully",
    }


def test_only_feed_may_change_users_of_the_broker() -> None:
    shown = {
        name for name, container in CONTAINERS.items() if any("for-feed" in one for one in container.get("volumes", []))
    }

    assert shown == {"secrets", "feed"}


def test_only_the_command_line_can_sign() -> None:
    signers = {
        name
        for name, container in CONTAINERS.items()
        if any("for-federation" in one for one in container.get("volumes", []))
    }

    assert signers == {"secrets", "niangjia"}


def test_no_password_is_told_by_the_environment() -> None:
    told = {key for container in CONTAINERS.values() for key in container.get("environment", {})}

    assert not {key for key in told if re.search("PASS|TOKEN|KEY|_URI$", key)}

"""Secrets are generated once, given each to whom they are for, and never made anew for what was stored with others."""

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509

from deploy.docker.secrets import generate
from deploy.home import Home
from deploy.problem import Problem


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.at(tmp_path / "home")


@pytest.fixture
def given(tmp_path: Path) -> Path:
    (tmp_path / "given").mkdir()
    return tmp_path / "given"


def contents(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}


def test_each_recipient_gets_what_it_needs(home: Home, given: Path) -> None:
    generate(home, given)

    assert set(contents(given)) == {
        "services/amqp.uri",
        "services/mongo.uri",
        "services/token.key",
        "services/master.key",
        "services/index.key",
        "feed/broker-api.uri",
        "federation/signing.key",
        "broker/definitions.json",
        "broker/partners-ca.pem",
        "broker/broker-tls.pem",
        "broker/broker-tls.key",
        "database/database.keyfile",
    }


def test_only_the_owner_can_read_them(home: Home, given: Path) -> None:
    generate(home, given)

    kept = {stat.S_IMODE(file.stat().st_mode) for file in home.secrets.iterdir()}
    shown = {stat.S_IMODE(file.stat().st_mode) for file in given.rglob("*") if file.is_file()}
    assert (kept, shown) == ({0o600}, {0o400})


def test_the_broker_knows_two_users_and_no_password(home: Home, given: Path) -> None:
    generate(home, given)

    definitions = json.loads((given / "broker" / "definitions.json").read_text())
    tags = {user["name"]: user["tags"] for user in definitions["users"]}
    assert tags == {"niangjia": "", "niangjia-administrator": "administrator"}
    for password in ("broker.password", "broker-administrator.password"):
        assert home.secret(password) not in json.dumps(definitions)


def test_the_authoritys_key_is_given_to_nobody(home: Home, given: Path) -> None:
    generate(home, given)

    assert home.secret("partners-ca.key")
    assert all(home.secret("partners-ca.key") not in content for content in contents(given).values())


def test_the_brokers_certificate_is_for_the_address_that_agencies_are_told(
    home: Home, given: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIANGJIA_PARTNER_AMQP", "amqps://bus.example:5671")
    generate(home, given)

    certificate = x509.load_pem_x509_certificate((given / "broker" / "broker-tls.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"bus.example", "broker", "localhost"} <= set(names.get_values_for_type(x509.DNSName))


def test_generating_again_changes_nothing(home: Home, given: Path) -> None:
    generate(home, given)
    before = contents(home.root), contents(given)

    generate(home, given)

    assert (contents(home.root), contents(given)) == before


def test_what_was_given_is_given_again_when_it_is_lost(home: Home, given: Path) -> None:
    generate(home, given)
    before = contents(given)
    for file in given.rglob("*.*"):
        file.unlink()

    generate(home, given)

    assert contents(given) == before


def test_a_new_token_key_is_passed_on(home: Home, given: Path) -> None:
    generate(home, given)
    (home.secrets / "token.key").write_text("ab" * 32)

    generate(home, given)

    assert (given / "services" / "token.key").read_text() == "ab" * 32


@pytest.mark.parametrize("name", ["master.key", "index.key"])
def test_a_lost_key_stops_the_start(home: Home, given: Path, name: str) -> None:
    generate(home, given)
    (home.secrets / name).unlink()

    with pytest.raises(Problem, match=rf"expected .*{name}.*, found none; put back"):
        generate(home, given)

    assert not (home.secrets / name).exists()


def test_another_key_stops_the_start(home: Home, given: Path) -> None:
    generate(home, given)
    (home.secrets / "master.key").write_text("ab" * 32)

    with pytest.raises(Problem, match="found another"):
        generate(home, given)

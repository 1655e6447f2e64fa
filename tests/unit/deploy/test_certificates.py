"""The authority is made once, issues for as long as it is asked to, and leaves an operator's own certificate alone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.certificates import AUTHORITY, AUTHORITY_KEY, SERVER, SERVER_KEY, ensure_certificates, issue
from deploy.files import make_folder
from deploy.home import Home
from deploy.problem import Problem
from tests.support.certificate import make_certificate


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home.at(tmp_path / "home")
    make_folder(home.secrets)
    return home


def server(home: Home) -> x509.Certificate:
    return x509.load_pem_x509_certificate(home.secret(SERVER).encode())


def test_what_is_made_stays(home: Home) -> None:
    ensure_certificates(home, ["bus.example"])
    before = {path.name: path.read_text() for path in home.secrets.iterdir()}
    ensure_certificates(home, ["bus.example"])

    assert {path.name: path.read_text() for path in home.secrets.iterdir()} == before
    assert before.keys() == {AUTHORITY, AUTHORITY_KEY, SERVER, SERVER_KEY}
    assert {path.stat().st_mode & 0o777 for path in home.secrets.iterdir()} == {0o600}


def test_the_brokers_certificate_is_for_this_machine_and_the_hosts_that_are_named(home: Home) -> None:
    ensure_certificates(home, ["bus.example", "10.1.2.3", ""])

    names = server(home).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {"localhost", "bus.example"} <= set(names.get_values_for_type(x509.DNSName))
    assert {"127.0.0.1", "::1", "10.1.2.3"} == {str(ip) for ip in names.get_values_for_type(x509.IPAddress)}


def test_a_new_host_gets_a_new_certificate_of_the_same_authority(home: Home) -> None:
    ensure_certificates(home)
    authority, first = home.secret(AUTHORITY), home.secret(SERVER)
    ensure_certificates(home, ["bus.example"])

    assert home.secret(AUTHORITY) == authority
    assert home.secret(SERVER) != first


def test_a_certificate_that_ends_soon_is_renewed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("deploy.certificates._SERVER_LIFE", timedelta(days=100))
        ensure_certificates(home)
    ensure_certificates(home)

    assert server(home).not_valid_after_utc > datetime.now(UTC) + timedelta(days=400)


def test_an_operators_own_certificate_is_left_alone(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    make_certificate(folder)
    own = {SERVER: (folder / "chain.pem").read_text(), SERVER_KEY: (folder / "key.pem").read_text()}
    for name, content in own.items():
        (home.secrets / name).write_text(content)
    ensure_certificates(home, ["bus.example"])

    assert {name: (home.secrets / name).read_text() for name in own} == own


def test_an_agencys_certificate_names_its_user_and_is_for_clients_only(home: Home) -> None:
    ensure_certificates(home)
    issued = issue(home, "agency-police", days=30)

    certificate = x509.load_pem_x509_certificate(issued.certificate.encode())
    authority = x509.load_pem_x509_certificate(issued.authority.encode())
    key = load_pem_private_key(issued.key.encode(), password=None)
    assert [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["agency-police"]
    certificate.verify_directly_issued_by(authority)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificate.not_valid_after_utc < datetime.now(UTC) + timedelta(days=31)
    assert home.secret(AUTHORITY_KEY) not in (issued.key, issued.certificate, issued.authority)


def test_without_an_authority_nothing_is_issued(home: Home) -> None:
    with pytest.raises(Problem, match="niangjia up"):
        issue(home, "agency-police")


def test_an_authority_whose_halves_do_not_fit_is_not_used(home: Home, tmp_path: Path) -> None:
    ensure_certificates(home)
    other = Home.at(tmp_path / "other")
    make_folder(other.secrets)
    ensure_certificates(other)
    (home.secrets / AUTHORITY_KEY).write_text(other.secret(AUTHORITY_KEY))

    with pytest.raises(Problem, match="do not belong together"):
        issue(home, "agency-police")

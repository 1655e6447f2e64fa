"""Agencies come by TLS, with a password or with a certificate of the system's own authority; with nothing else."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from pika.credentials import ExternalCredentials
from pika.exceptions import AMQPConnectionError

from deploy.certificates import ensure_certificates
from deploy.files import make_folder
from deploy.home import Home
from tests.support.partners import Place, home, issued, opened, read, tls

EXTERNAL = {"credentials": ExternalCredentials()}


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    place = Place(partner_amqp=f"amqps://localhost:{home().ports['broker-tls']}")
    place.add("police")
    place.add("court")
    place.publish("police", b"1")
    place.publish("court", b"2")
    yield place
    place.forget()


@pytest.fixture
def files(place: Place, tmp_path: Path) -> dict[str, str]:
    """A certificate of the police, and the broker's authority."""
    return dict(issued(tmp_path, place.partners.user("police")))


def test_a_password_is_enough(place: Place, files: dict[str, str]) -> None:
    assert read(place.uri("police"), "police", 1, ssl_options=tls(files, certificate=False)) == [b"1"]


def test_a_certificate_is_enough(place: Place, files: dict[str, str]) -> None:
    assert read(place.uri("police"), "police", 1, ssl_options=tls(files), **EXTERNAL) == [b"1"]


def test_a_certificate_opens_nothing_but_its_own_stream(place: Place, files: dict[str, str]) -> None:
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        read(place.uri("police"), "court", 1, ssl_options=tls(files), **EXTERNAL)


def test_a_certificate_ends_with_its_user(place: Place, files: dict[str, str]) -> None:
    place.partners.forbid("police")
    try:
        with pytest.raises(AMQPConnectionError), opened(place.uri("police"), ssl_options=tls(files), **EXTERNAL):
            pass
    finally:
        place.partners.allow(place.accesses["police"])


def test_a_certificate_of_another_authority_is_refused(place: Place, tmp_path: Path) -> None:
    stranger = Home.at(tmp_path / "stranger")
    make_folder(stranger.secrets)
    ensure_certificates(stranger)
    files = issued(tmp_path, place.partners.user("police"), stranger)

    with pytest.raises(AMQPConnectionError), opened(place.uri("police"), ssl_options=tls(files), **EXTERNAL):
        pass
    # nor does it help together with the right password
    with pytest.raises(AMQPConnectionError), opened(place.uri("police"), ssl_options=tls(files)):
        pass


def test_without_a_certificate_there_is_no_login_without_password(place: Place, files: dict[str, str]) -> None:
    options = tls(files, certificate=False)
    with pytest.raises(AMQPConnectionError), opened(place.uri("police"), ssl_options=options, **EXTERNAL):
        pass


def test_a_certificate_opens_nothing_without_tls(place: Place) -> None:
    plain = Place(namespace=place.settings.namespace).partners.uri("police", "x")
    with pytest.raises(AMQPConnectionError), opened(plain, **EXTERNAL):
        pass


@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=lambda version: str(version.name)
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_of_tls_are_refused(place: Place, files: dict[str, str], version: ssl.TLSVersion) -> None:
    options = tls(files, certificate=False)
    options.context.minimum_version = options.context.maximum_version = version
    options.context.set_ciphers("ALL:@SECLEVEL=0")

    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"), opened(place.uri("police"), ssl_options=options):
        pass


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda one: str(one.name))
def test_new_versions_of_tls_are_taken(place: Place, files: dict[str, str], version: ssl.TLSVersion) -> None:
    for options in (tls(files), tls(files, certificate=False)):
        options.context.minimum_version = options.context.maximum_version = version
        assert read(place.uri("police"), "police", 1, ssl_options=options) == [b"1"]


def test_a_client_that_checks_the_broker_refuses_one_of_another_authority(place: Place, tmp_path: Path) -> None:
    stranger = Home.at(tmp_path / "stranger")
    make_folder(stranger.secrets)
    ensure_certificates(stranger)
    context = ssl.create_default_context(cafile=str(stranger.secrets / "partners-ca.pem"))

    options = pika.SSLOptions(context, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError), opened(place.uri("police"), ssl_options=options):
        pass


def test_no_password_is_in_the_brokers_log(place: Place, files: dict[str, str]) -> None:
    options = {
        "ssl_options": tls(files, certificate=False),
        "credentials": pika.PlainCredentials(place.partners.user("court"), "hunter2"),
    }
    with pytest.raises(AMQPConnectionError), opened(place.uri("court"), **options):
        pass
    read(place.uri("police"), "police", 1, ssl_options=tls(files, certificate=False))

    logs = "".join(path.read_text(errors="replace") for path in home().log.iterdir())
    administrator = home().secret("broker-administrator.password")
    assert place.partners.user("court") in logs  # who was refused, and not with what
    assert [secret for secret in ("hunter2", administrator, *place.passwords.values()) if secret in logs] == []

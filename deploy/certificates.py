"""Certificates for partners' connections: an authority of this system's own, made once, and what it issues.

The authority's key never leaves the folder of secrets: neither broker nor services see it. A server certificate that an
operator has put in place (of a public authority, for instance) is left alone.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.files import write_private
from deploy.home import Home
from deploy.problem import Problem

#: Files in the folder of secrets. The authority's certificate is no secret: partners are given it.
AUTHORITY, AUTHORITY_KEY = "partners-ca.pem", "partners-ca.key"
SERVER, SERVER_KEY = "broker-tls.pem", "broker-tls.key"

_AUTHORITY_LIFE = timedelta(days=3650)
#: Clients of some platforms take no server certificate that is good for longer.
_SERVER_LIFE = timedelta(days=820)
#: A start renews a server certificate with less than this left.
_RENEWAL = timedelta(days=400)
#: How long an agency's certificate is good, unless it is asked for otherwise.
CLIENT_DAYS = 365
#: Clocks of others may be behind.
_SLACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """What an agency needs for a connection with a certificate, each part in PEM."""

    certificate: str
    key: str
    authority: str


def ensure_certificates(home: Home, hosts: Iterable[str] = ()) -> None:
    """Make the authority, and the broker's certificate for loopback and `hosts`, where they are missing or old."""
    authority, key = _ensure_authority(home)
    names = _names(hosts)
    if _server_is_good(home, authority, names):
        return
    server_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Niangjia broker")])
    builder = _builder(subject, authority.subject, server_key.public_key(), _SERVER_LIFE)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = _sign(builder, authority, key, ExtendedKeyUsageOID.SERVER_AUTH)
    write_private(home.secrets / SERVER_KEY, _key_text(server_key))
    write_private(home.secrets / SERVER, _text(certificate))


def issue(home: Home, user: str, days: int = CLIENT_DAYS) -> Issued:
    """Return a new certificate, with a new key, by which a client is the broker's user `user`.

    It is good as long as the user exists, at most for `days`; the key is kept nowhere here.

    Raises:
        Problem: there is no authority in this home.
    """
    authority, key = _authority(home)
    client_key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    builder = _builder(subject, authority.subject, client_key.public_key(), timedelta(days=days))
    certificate = _sign(builder, authority, key, ExtendedKeyUsageOID.CLIENT_AUTH)
    return Issued(certificate=_text(certificate), key=_key_text(client_key), authority=_text(authority))


def _ensure_authority(home: Home) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if home.secret(AUTHORITY) and home.secret(AUTHORITY_KEY):
        return _authority(home)
    key = ec.generate_private_key(ec.SECP256R1())
    # the serial tells authorities of several systems apart for who holds certificates of both
    name = f"Niangjia partners {x509.random_serial_number() % 16**8:08x}"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        _builder(subject, subject, key.public_key(), _AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_private(home.secrets / AUTHORITY_KEY, _key_text(key))
    write_private(home.secrets / AUTHORITY, _text(certificate))
    return certificate, key


def _authority(home: Home) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(home.secret(AUTHORITY).encode())
        key = load_pem_private_key(home.secret(AUTHORITY_KEY).encode(), password=None)
    except ValueError:
        raise Problem(
            f"{home.secrets} holds no authority for partners' certificates", "run `niangjia up`, or put it back"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise Problem(f"{AUTHORITY} and {AUTHORITY_KEY} in {home.secrets} do not belong together", "put both back")
    return certificate, key


def _server_is_good(home: Home, authority: x509.Certificate, names: list[x509.GeneralName]) -> bool:
    if not (home.secret(SERVER) and home.secret(SERVER_KEY)):
        return False
    try:
        certificate = x509.load_pem_x509_certificate(home.secret(SERVER).encode())
    except ValueError:
        raise Problem(f"{home.secrets / SERVER} is no certificate", "put it back, or remove it") from None
    if not certificate.issuer.rfc4514_string().startswith("CN=Niangjia partners "):
        return True  # the operator's own
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        certificate.issuer == authority.subject
        and certificate.not_valid_after_utc - datetime.now(UTC) > _RENEWAL
        and set(names) <= set(known)
    )


def _names(hosts: Iterable[str]) -> list[x509.GeneralName]:
    every = dict.fromkeys(["localhost", "127.0.0.1", "::1", *(host for host in hosts if host and host.isascii())])
    return [_general_name(host) for host in every]


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + life)
    )


def _sign(
    builder: x509.CertificateBuilder,
    authority: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    purpose: x509.ObjectIdentifier,
) -> x509.Certificate:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

"""A certificate authority for one test session: server and client certificates, nothing that outlives the day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM and as files."""

    certificate: bytes
    key: bytes = field(repr=False)
    certificate_file: Path
    key_file: Path


@dataclass(frozen=True)
class Authority:
    """Signs what `issue` asks for. `certificate_file` is what peers are told to trust."""

    certificate: bytes
    certificate_file: Path
    directory: Path
    signed: x509.Certificate = field(repr=False)
    key: ec.EllipticCurvePrivateKey = field(repr=False)


def create(directory: Path, name: str = "test authority") -> Authority:
    """A new authority that keeps its files in `directory`."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(name), _name(name), key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    signed = builder.sign(key, hashes.SHA256())
    file = directory / "authority.crt"
    pem = signed.public_bytes(serialization.Encoding.PEM)
    file.write_bytes(pem)
    return Authority(pem, file, directory, signed, key)


def issue(authority: Authority, name: str, hosts: Sequence[str] = LOOPBACK, valid: bool = True) -> Identity:
    """A certificate for `name`, good for servers at `hosts` and for clients; expired unless `valid`."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(name), authority.signed.subject, key.public_key(), valid=valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    if hosts:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False
        )
    certificate = builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate_file = authority.directory / f"{name}.crt"
    key_file = authority.directory / f"{name}.key"
    certificate_file.write_bytes(certificate)
    key_file.touch(mode=0o600)
    key_file.write_bytes(secret)
    return Identity(certificate, secret, certificate_file, key_file)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, valid: bool = True
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    end = now + timedelta(days=2) if valid else now - timedelta(hours=1)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(end)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )

"""What is in certificate and key files: whether they can be used, fit each other, and until when."""

from collections.abc import Iterator
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from config.errors import Finding, RefusedError
from config.pem import Pem
from config.positions import KeyPath

_CURVES = ("secp256r1", "secp384r1", "secp521r1")
_LEAST_RSA_BITS = 2048


def check_pair(path: KeyPath, certificate: Pem, key: Pem, now: datetime) -> Iterator[Finding]:
    """A certificate (in front of its chain) and the key that belongs to it. `path` is of the table they are in."""
    at_certificate, at_key = (*path, "certificate"), (*path, "key")
    first = private = None
    try:
        first = _certificates(certificate)[0]
    except RefusedError as refused:
        yield Finding(at_certificate, refused.what, refused.fix)
    try:
        private = _private_key(key)
    except RefusedError as refused:
        yield Finding(at_key, refused.what, refused.fix)
    if first is None:
        return
    yield from _in_time(at_certificate, certificate, first, now)
    try:
        fits = private is None or private.public_key() == first.public_key()
    except (ValueError, UnsupportedAlgorithm):
        fits = False
    if not fits:
        yield Finding(
            at_key,
            f"this key does not belong to the certificate in {certificate.path}",
            "name the key the certificate was made for; the server's own certificate comes first in its file",
            because=(at_certificate,),
        )


def check_authorities(path: KeyPath, authorities: Pem, now: datetime) -> Iterator[Finding]:
    """A file of authorities, of which one at least has to be valid now."""
    try:
        found = _certificates(authorities)
    except RefusedError as refused:
        yield Finding(path, refused.what, refused.fix)
        return
    if not any(one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in found):
        yield from _in_time(path, authorities, found[0], now)


def _certificates(file: Pem) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.data)
    except (ValueError, UnsupportedAlgorithm):
        raise RefusedError(
            f"{file.path} holds no certificate that can be read", "name a PEM file with BEGIN CERTIFICATE"
        ) from None


def _private_key(file: Pem) -> PrivateKeyTypes:
    try:
        key = load_pem_private_key(file.data, password=None)
    except TypeError:
        raise RefusedError(
            f"the key in {file.path} is encrypted", "store it unencrypted, readable for this user only"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise RefusedError(
            f"{file.path} holds no private key that can be read", "name a PEM file with BEGIN PRIVATE KEY"
        ) from None
    match key:
        case RSAPrivateKey() if key.key_size >= _LEAST_RSA_BITS:
            return key
        case EllipticCurvePrivateKey() if key.curve.name in _CURVES:
            return key
        case Ed25519PrivateKey():
            return key
        case _:
            raise RefusedError(
                f"the key in {file.path} is of a kind or size TLS does not take here",
                f"use ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of {_LEAST_RSA_BITS} bits or more",
            )


def _in_time(path: KeyPath, file: Pem, certificate: x509.Certificate, now: datetime) -> Iterator[Finding]:
    if now > certificate.not_valid_after_utc:
        told = f"expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    elif now < certificate.not_valid_before_utc:
        told = f"is not valid before {certificate.not_valid_before_utc:%Y-%m-%d}"
    else:
        return
    yield Finding(path, f"the certificate in {file.path} {told}", "renew it, or set the clock", "warning")

"""The channel binding `tls-server-end-point` (RFC 5929): a hash of the server's certificate."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes


def certificate_binding(der: bytes) -> bytes | None:
    """The certificate hashed as its own signature is, MD5 and SHA-1 raised to SHA-256.

    None where the signature has no hash of its own (Ed25519): RFC 5929 leaves that undefined, and PostgreSQL
    and libpq offer no binding with such a certificate either.
    """
    try:
        signed_with = x509.load_der_x509_certificate(der).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if signed_with is None:
        return None
    weak = isinstance(signed_with, hashes.MD5 | hashes.SHA1)
    digest = hashes.Hash(hashes.SHA256() if weak else signed_with)
    digest.update(der)
    return digest.finalize()

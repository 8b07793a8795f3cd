"""What the case files refer to: an environment, and a folder of secrets, certificates and keys."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.servers import certificates

VERIFIER = f"SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==${'A' * 43}=:{'A' * 43}="
PASSWORD = "known to the environment only"
ENVIRONMENT = {"APP_PASSWORD": PASSWORD, "EMPTY": "", "VERIFIER": VERIFIER}


def lay(folder: Path) -> Path:
    """Put the files where the cases look for them."""
    authority = certificates.create(folder)
    server = certificates.issue(authority, "server")
    certificates.issue(authority, "other")
    certificates.issue(authority, "expired", valid=False)
    key = load_pem_private_key(server.key, password=None)
    (folder / "encrypted.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"locked"),
        )
    )
    (folder / "short.key").write_bytes(
        rsa.generate_private_key(65537, 1024).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    (folder / "password").write_text("from a file\n")
    (folder / "two-lines").write_text("one\ntwo\n")
    (folder / "not-text").write_bytes(b"\xff\xfe")
    (folder / "huge").write_bytes(b"x" * 65_537)
    return folder

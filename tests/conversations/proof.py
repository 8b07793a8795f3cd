"""SCRAM-SHA-256 worked out once more from RFC 5802, so that the conversations do not rest on what they test."""

import base64
import hashlib
import hmac


def work_out(password: str, first: bytes, challenge: bytes, without_proof: bytes) -> tuple[bytes, bytes]:
    """The client's proof and the server's signature, from the three messages (`first` with its gs2 header)."""
    fields = dict(part.split(b"=", 1) for part in challenge.split(b","))
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), base64.b64decode(fields[b"s"]), int(fields[b"i"])
    )
    client_key = hmac.new(salted, b"Client Key", hashlib.sha256).digest()
    server_key = hmac.new(salted, b"Server Key", hashlib.sha256).digest()
    bare = first.split(b",", 2)[2]
    message = b",".join([bare, challenge, without_proof])
    mask = hmac.new(hashlib.sha256(client_key).digest(), message, hashlib.sha256).digest()
    proof = (int.from_bytes(client_key) ^ int.from_bytes(mask)).to_bytes(32)
    signature = hmac.new(server_key, message, hashlib.sha256).digest()
    return base64.b64encode(proof), base64.b64encode(signature)

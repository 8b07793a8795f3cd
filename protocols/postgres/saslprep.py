"""SASLprep (RFC 4013) with PostgreSQL's own corners, so that both sides derive the same keys from a password.

PostgreSQL leaves pure ASCII alone, and looks for prohibited and bidirectional characters before it normalises.
Where the profile refuses a password, or its bytes are not UTF-8, it goes on with the bytes as they came.
"""

import stringprep
import unicodedata


def raw(password: str) -> bytes:
    """A password as it goes over the wire; what was not UTF-8 in the environment is given back as it was."""
    return password.encode("utf-8", "surrogateescape")


def prepared(password: bytes) -> bytes:
    """The bytes that keys are derived from."""
    if password.isascii():
        return password
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return password
    mapped = "".join(map(_mapped, text))
    if not mapped or any(map(_prohibited, mapped)) or not _directions_agree(mapped):
        return password
    return unicodedata.normalize("NFKC", mapped).encode()


def _mapped(character: str) -> str:
    if stringprep.in_table_c12(character):
        return " "
    return "" if stringprep.in_table_b1(character) else character


def _prohibited(character: str) -> bool:
    return (
        stringprep.in_table_c21_c22(character)
        or stringprep.in_table_c3(character)
        or stringprep.in_table_c4(character)
        or stringprep.in_table_c5(character)
        or stringprep.in_table_c6(character)
        or stringprep.in_table_c7(character)
        or stringprep.in_table_c8(character)
        or stringprep.in_table_c9(character)
        or stringprep.in_table_a1(character)
    )


def _directions_agree(text: str) -> bool:
    if not any(map(stringprep.in_table_d1, text)):
        return True
    return (
        stringprep.in_table_d1(text[0])
        and stringprep.in_table_d1(text[-1])
        and not any(map(stringprep.in_table_d2, text))
    )

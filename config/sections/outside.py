"""Ways in where somebody else says whether a password is right: a directory (LDAP), or the machine's PAM."""

from typing import Annotated, Literal

from config.pem import Pem
from config.quantities import Duration
from config.secret import Secret
from config.setting import Section, setting
from config.text import Text

PLACEHOLDER = "$username"
_PASSED = (
    "Log in to servers with the password that the client gave, for users for whom no other is known here. It stays in "
    "memory, for the pool it was given for."
)


class Ldap(Section, frozen=True):
    """`ldap` in a listener or a rule: the directory that `auth = "ldap"` asks, as `pg_hba.conf` names its options."""

    urls: Annotated[
        tuple[Text, ...],
        setting(
            "The directory's servers, `ldaps://host[:port]` or `ldap://host[:port]`, tried in this order.",
            "new connections",
            fewest=1,
        ),
    ]
    starttls: Annotated[
        bool, setting("Turn TLS on (StartTLS) at `ldap://` before anything is said.", "new connections")
    ] = False
    ca: Annotated[
        Pem | None,
        setting(
            "PEM file: the authorities that the directory's certificate is checked against. Without it, the system's.",
            "new connections",
        ),
    ] = None
    dn: Annotated[
        Text | None,
        setting(
            f"Simple bind: the name to bind as, with `{PLACEHOLDER}` where the user's stands "
            f"(`uid={PLACEHOLDER},ou=people,dc=example,dc=org`). Instead of `base_dn`.",
            "new connections",
        ),
    ] = None
    base_dn: Annotated[
        Text | None,
        setting(
            "Search and bind: where to look for the user's entry. There has to be exactly one.",
            "new connections",
        ),
    ] = None
    bind_dn: Annotated[
        Text | None, setting("The name to search with. Without it, anonymously.", "new connections")
    ] = None
    bind_password: Annotated[
        Secret | None, setting("Its password; a reference, as a user's.", "new connections")
    ] = None
    search_attribute: Annotated[
        str, setting("The attribute that holds the user's name.", "new connections")
    ] = "uid"
    search_filter: Annotated[
        Text | None,
        setting(
            f"A filter instead of `search_attribute`, with `{PLACEHOLDER}` where the user's name stands.",
            "new connections",
        ),
    ] = None
    scope: Annotated[
        Literal["base", "one", "sub"], setting("How far below `base_dn` to look.", "new connections")
    ] = "sub"
    timeout: Annotated[
        Duration,
        setting(
            "How long all of it may take, at every server together.",
            "new connections",
            least=100,
            most=60_000,
        ),
    ] = Duration(5_000)
    pass_password: Annotated[bool, setting(_PASSED, "new connections")] = False


class Pam(Section, frozen=True):
    """`pam` in a listener or a rule: the service that `auth = "pam"` asks."""

    service: Annotated[str, setting("Its name: the file in `/etc/pam.d`.", "new connections")] = "articdbm"
    directory: Annotated[
        Text | None,
        setting("Where that file is instead of `/etc/pam.d`, by its absolute path.", "new connections"),
    ] = None
    timeout: Annotated[
        Duration,
        setting("How long it may take; it is ended then.", "new connections", least=100, most=60_000),
    ] = Duration(10_000)
    pass_password: Annotated[bool, setting(_PASSED, "new connections")] = False

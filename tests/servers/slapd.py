"""A real OpenLDAP directory for the tests: a slapd of their own, on free loopback ports, with a directory of its own.

It serves plain text with StartTLS at one port and TLS at another, and holds `PEOPLE` below `ou=people,BASE`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import ports
from tests.servers.certificates import Authority, create, issue

BASE = "dc=example,dc=org"
ROOT = f"cn=admin,{BASE}"
ROOT_PASSWORD = "root of the directory"
PEOPLE = {"ada": "ada's own, (with) *signs*\\", "bob": "bob-password", "x,y+z": "odd-password"}
TWICE = "twin"
"""Two entries have this name."""


@dataclass(frozen=True)
class Directory:
    """A running slapd."""

    plain: str
    tls: str
    authority: Authority
    folder: Path
    process: subprocess.Popen[bytes] = field(repr=False)

    def password(self, user: str, new: str) -> None:
        """Give a user another password."""
        command = ["ldappasswd", "-x", "-H", self.plain, "-D", ROOT, "-w", ROOT_PASSWORD, "-s", new, dn(user)]
        subprocess.run(command, check=True, capture_output=True)


def dn(user: str) -> str:
    escaped = user.replace(",", "\\,").replace("+", "\\+")
    return f"uid={escaped},ou=people,{BASE}"


@contextmanager
def start() -> Iterator[Directory]:
    """A new directory, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="articdbm-slapd-") as name:
        folder = Path(name)
        authority = create(folder)
        identity = issue(authority, "directory")
        (folder / "data").mkdir()
        (folder / "slapd.conf").write_text(
            "".join(f"include /etc/ldap/schema/{one}.schema\n" for one in ("core", "cosine", "inetorgperson"))
            + f"modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {folder}/slapd.pid\n"
            + f"TLSCACertificateFile {authority.certificate_file}\nTLSCertificateFile {identity.certificate_file}\n"
            + f"TLSCertificateKeyFile {identity.key_file}\n"
            + f'database mdb\nsuffix "{BASE}"\nrootdn "{ROOT}"\nrootpw "{ROOT_PASSWORD}"\n'
            + f"directory {folder}/data\nmaxsize 10485760\n"
            + "access to attrs=userPassword by anonymous auth by * none\n"
            + f'access to * by dn.exact="{dn("bob")}" read by users none by anonymous none\n'
        )
        (folder / "people.ldif").write_text(_people())
        subprocess.run(
            [_slap("slapadd"), "-f", folder / "slapd.conf", "-l", folder / "people.ldif"],
            check=True,
            capture_output=True,
        )
        # By number: libldap checks the certificate of "localhost" against the name that the machine has.
        plain, tls = (f"{scheme}://127.0.0.1:{ports.free()}" for scheme in ("ldap", "ldaps"))
        command = ["setpriv", "--pdeathsig", "TERM", "--", _slap("slapd"), "-f", str(folder / "slapd.conf")]
        command += ["-d", "0", "-h", f"{plain} {tls}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            for url in (plain, tls):
                port = int(url.rpartition(":")[2])
                if not ports.wait(lambda port=port: ports.listens(port), 20):  # type: ignore[misc]
                    raise AssertionError(f"slapd does not listen: {(folder / 'log').read_text()}")
            yield Directory(plain, tls, authority, folder, process)
        finally:
            process.terminate()
            process.wait(20)


def _people() -> str:
    parts = [
        f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n",
        *(
            f"dn: ou={unit},{BASE}\nobjectClass: organizationalUnit\nou: {unit}\n"
            for unit in ("people", "others")
        ),
    ]
    entries = [(dn(name), name, password) for name, password in PEOPLE.items()]
    entries += [(f"uid={TWICE},ou={unit},{BASE}", TWICE, "twin-password") for unit in ("people", "others")]
    parts += [
        f"dn: {place}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {name}\nsn: {name}\nuserPassword: {password}\n"
        for place, name, password in entries
    ]
    return "\n".join(parts)


def _slap(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise AssertionError(f"there is no {name}: run deploy/dev/install.sh")
    return found

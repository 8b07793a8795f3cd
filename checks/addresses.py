"""Whether a file of the repository names a package registry, a mirror of one, or a path of somebody's machine.

Where packages come from is the installer's configuration, not the repository's.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

FORBIDDEN = {
    "a package registry": re.compile(
        r"\b(pypi\.org|pythonhosted\.org|index\.crates\.io|static\.crates\.io|registry\.npmjs\.org|proxy\.golang\.org"
        r"|repo1?\.maven\.(apache\.)?org|deb\.debian\.org|archive\.ubuntu\.com)\b"
    ),
    "an index setting": re.compile(
        r"(--|^\s*|_)(extra-)?(index[-_]url|find[-_]links|default[-_]index)(\s*=|\s+\S*[:/])",
        re.IGNORECASE | re.MULTILINE,
    ),
    "a mirror on a private address": re.compile(
        r"https?://(\w+(:[^@/\s]*)?@)?(10|127|192\.168|172\.(1[6-9]|2\d|3[01]))\.[\d.]+(:\d+)?/(simple|pypi|repository|artifactory|api/npm)"
    ),
    "a path of one machine": re.compile(
        r"(?<![\w.$}~-])/(root|work|opt/wheels|home/(?!user\b|you\b)[a-z][\w-]*|Users/[A-Z]\w*)(/|\b(?=[\s'\",:;)]|$))",
        re.MULTILINE,
    ),
}
# Cargo writes the registry's name, always this one, into its lock file; it is an identity there, not an address.
CARGO_SOURCE = re.compile(
    r'^source = "registry\+https://github\.com/rust-lang/crates\.io-index"$', re.MULTILINE
)


def problems(path: str, text: str) -> list[str]:
    """Each line of the text that names what it should not."""
    if Path(path).name == "Cargo.lock":
        text = CARGO_SOURCE.sub("", text)
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match.group().strip()}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]


def files(root: Path) -> list[str]:
    """What is committed, or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    return sorted({name.decode() for name in listed.split(b"\0") if name})


def main() -> int:
    """Print every finding; 1 when there is one."""
    found: list[str] = []
    for name in files(ROOT):
        path = ROOT / name
        if path.is_symlink() or not path.is_file():
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue  # not text
        found += problems(name, text)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""A package that offers plugins, as pip leaves one behind: a folder for PYTHONPATH."""

import shutil
from pathlib import Path

METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n"


def offer(folder: Path, name: str, entries: str, *, package: Path | None = None, text: str = "") -> Path:
    """Put a module of this name, and word of what it offers, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if package is not None:
        shutil.copytree(package, folder / name, dirs_exist_ok=True)
    else:
        (folder / f"{name}.py").write_text(text)
    told = folder / f"{name}-0.1.0.dist-info"
    told.mkdir(exist_ok=True)
    (told / "METADATA").write_text(METADATA.format(name=name))
    (told / "entry_points.txt").write_text(f"[articdbm.plugins]\n{entries}\n")
    return folder

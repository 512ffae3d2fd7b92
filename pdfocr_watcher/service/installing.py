"""Files of a service are written to a system, and removed again; never a file that is not ours."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.durable import write_durably
from pdfocr_watcher.service.units import MARK, NAME, UNITS

#: That systemd is what started this system (sd_booted(3)).
_BOOTED = Path("/run/systemd/system")
_SECONDS = 90


def booted_by_systemd() -> bool:
    """Whether systemd runs this system."""
    return _BOOTED.is_dir()


def write_files(files: Mapping[Path, str], root: Path) -> None:
    """Write files for everybody to read.

    Args:
        files: their content, by path below `root`.
        root: of the system.

    Raises:
        PdfocrError: one of them is there and is somebody's own; nothing was written then (SERVICE_REFUSED).
        OSError: a file system refused.
    """
    strange = [str(root / path) for path in files if os.path.lexists(root / path) and not is_ours(root / path)]
    if strange:
        detail = f"{', '.join(strange)}: not written by this command. Remove it, or keep it and do without."
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, detail)
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        write_durably(target, text.encode())
        target.chmod(0o644)


def is_ours(path: Path) -> bool:
    """Whether a file was written by `write_files`: a plain one that begins with the mark."""
    try:
        return not path.is_symlink() and path.is_file() and path.read_bytes().startswith(MARK.encode())
    except OSError:
        return False


def written_files(unit: str, root: Path) -> list[Path]:
    """What was written for a unit: its own files, and with the last service those that all share.

    Args:
        unit: its name without the type.
        root: of the system.
    """
    units, shared = root / UNITS, root / "etc/sysusers.d" / f"{NAME}.conf"
    own = [root / "etc/tmpfiles.d" / f"{unit}.conf", *drop_ins(unit, root)]
    template = units / f"{NAME}@.service"
    if unit == NAME:
        own += [units / f"{NAME}.service", units / f"{NAME}-purge.service", units / f"{NAME}-purge.timer"]
        last = not is_ours(template)
    else:
        others = [folder for folder in units.glob(f"{NAME}@*.service.d") if folder.name != f"{unit}.service.d"]
        own += [template] if not others else []
        last = not others and not is_ours(units / f"{NAME}.service")
    return [path for path in (*own, *([shared] if last else [])) if is_ours(path)]


def drop_ins(unit: str, root: Path) -> list[Path]:
    """The drop-ins that were written for a unit."""
    return [path for path in sorted((root / UNITS / f"{unit}.service.d").glob("*.conf")) if is_ours(path)]


def remove_files(paths: Iterable[Path]) -> None:
    """Remove files, and folders of drop-ins that have none left.

    Raises:
        OSError: a file system refused.
    """
    for path in paths:
        path.unlink()
        if path.parent.name.endswith(".service.d") and not any(path.parent.iterdir()):
            path.parent.rmdir()


def tell(*command: str) -> None:
    """Run a command of systemd.

    Raises:
        PdfocrError: it failed, with what it said (SERVICE_REFUSED).
    """
    try:
        ended = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, f"{command[0]}: {error}.") from error
    if ended.returncode:
        said = ended.stderr.strip() or f"exit status {ended.returncode}"
        raise PdfocrError(ErrorCode.SERVICE_REFUSED, f"{' '.join(command)}: {said}")

"""How far renderers are confined: what the system has for that, and what the configuration makes of it.

Found out once, in a process that tries; what is in force from then on is never silently less. How it is done is in
`sandbox`, what is started with it in `confine`.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import structlog

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering.bounded import Outcome, run_bounded
from pdfocr_watcher.pipeline.rendering.sandbox.launch import ENVIRONMENT, LANDLOCK, REFUSED, REFUSED_MARK, SECCOMP

_log = structlog.get_logger(__name__)

#: Trying takes some hundredths of a second.
_PROBE_SECONDS = 30.0
_PROBE_BYTES = 4096

#: A bare interpreter that imports the sandbox by its own folder: importing it through this package would import Pillow.
_IMPORT = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); from sandbox.launch import main"
INTERPRETER = (sys.executable, "-I", "-S", "-c", f"{_IMPORT}; sys.exit(main(sys.argv[1:]))")

#: What renderers may do where a part is missing.
_MEANS = {
    LANDLOCK: "renderers can read and write all files of the daemon's user",
    SECCOMP: "renderers can open sockets and reach other processes of the daemon's user",
}


@dataclass(frozen=True, slots=True)
class Protection:
    """What confines a renderer beside its limits.

    Attributes:
        parts: the parts of the sandbox that are in force, by name.
        missing: why others are not, by name.
        landlock_version: of the kernel's interface; 0 without Landlock.
    """

    parts: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    landlock_version: int = 0

    @property
    def argument(self) -> str:
        """The parts in the form that the launcher takes."""
        return ",".join(self.parts) or "-"

    @property
    def shortcomings(self) -> str:
        """What is missing, why, and what that means; empty if nothing is."""
        return "; ".join(f"no {part} ({reason}): {_MEANS[part]}" for part, reason in self.missing)


#: Limits alone.
UNPROTECTED = Protection()


def unconfined_error(outcome: Outcome) -> PdfocrError | None:
    """SANDBOX_UNAVAILABLE, if a process ended because it could not be confined; None if it could."""
    if outcome.returncode == REFUSED and outcome.stderr.startswith(REFUSED_MARK.encode()):
        return PdfocrError(ErrorCode.SANDBOX_UNAVAILABLE, outcome.stderr.decode("utf-8", "replace").strip())
    return None


def find_protection() -> Protection:
    """All that this system has; blocking for some hundredths of a second."""
    try:
        outcome = run_bounded([*INTERPRETER, "probe"], ENVIRONMENT, _PROBE_SECONDS, _PROBE_BYTES)
    except OSError as error:
        return Protection(missing=tuple((part, str(error)) for part in (LANDLOCK, SECCOMP)))
    answers = {}
    for line in outcome.stdout.decode("utf-8", "replace").splitlines():
        part, _, rest = line.partition(" ")
        answers[part] = rest.partition(" ")
    found, missing = [], []
    for part in (LANDLOCK, SECCOMP):
        has, _, rest = answers.get(part, ("no", "", f"the try ended with status {outcome.returncode}"))
        if has == "yes":
            found.append(part)
        else:
            missing.append((part, rest))
    version = int(answers[LANDLOCK][2]) if LANDLOCK in found else 0
    return Protection(tuple(found), tuple(missing), version)


def choose_protection(sandbox: str) -> Protection:
    """What the configuration makes of it.

    Args:
        sandbox: `auto`, `required` or `off`, as `render.sandbox` has it.

    Raises:
        PdfocrError: SANDBOX_UNAVAILABLE, all of it is required and something is missing.
    """
    if sandbox == "off":
        return UNPROTECTED
    protection = find_protection()
    if protection.missing:
        if sandbox == "required":
            raise PdfocrError(ErrorCode.SANDBOX_UNAVAILABLE, f"render.sandbox is required: {protection.shortcomings}.")
        _log.warning("sandbox.incomplete", missing=protection.shortcomings)
    return protection

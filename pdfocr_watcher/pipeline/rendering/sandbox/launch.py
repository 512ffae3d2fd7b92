"""The way into the sandbox: limits first, then files, then system calls; then the renderer takes over.

    launch enter PARTS MEMORY_BYTES CPU_SECONDS FILE_BYTES PARENT PROGRAM ARGUMENT...
    launch probe

`enter` becomes PROGRAM, of whose ARGUMENTs the first absolute path is the document and the second, if there is one,
what the names of the rasters begin with. `probe` says which parts this system has.
"""

import os
import resource
import sys

from . import kernel, landlock, seccomp

#: The parts of the sandbox that a system may lack, as `PARTS` names them, joined by commas.
LANDLOCK, SECCOMP = "landlock", "seccomp"

#: Exit status of a process that could not enter the sandbox, and what its error output then begins with.
REFUSED = 126
REFUSED_MARK = "sandbox: "

#: Descriptors that a renderer may have open: its own, a PDF, a raster, fonts.
_DESCRIPTORS = 64

_SIGKILL, _SIGPIPE, _SIGXFSZ = 9, 13, 25

_RUN = landlock.EXECUTE | landlock.READ
#: What programs of any distribution need to start and to find their fonts: theirs, not the users'.
_SYSTEM = {
    **dict.fromkeys(("/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/gnu/store"), _RUN),
    **dict.fromkeys(
        (
            "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/alternatives", "/var/cache/fontconfig",
            "/dev/urandom", "/sys/kernel/mm/transparent_hugepage",
        ),
        landlock.READ,
    ),
    "/dev/null": landlock.READ_FILE | landlock.WRITE_FILE,
}  # fmt: skip
#: The same beside a program that is installed elsewhere, from the folder above its own.
_BESIDE = ("lib", "lib64", "etc/fonts", "share/fontconfig", "share/fonts", "share/poppler")

#: All that a program is told of the world.
ENVIRONMENT = {"LC_ALL": "C"}
#: For poppler, which frees a page's pixels and takes them again for the next: the C library keeps them, in huge pages
#: where the system has some to give, instead of having the same memory cleared for every page.
_TUNABLES = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=268435456:glibc.malloc.trim_threshold=268435456"


def enter(
    parts: str, limits: tuple[int, int, int], parent: int, *, program: str = "", document: str = "", scratch: str = ""
) -> None:
    """Put this process into the sandbox, for good.

    Args:
        parts: those to use; one that then fails is an error, for what is promised is kept.
        limits: address space in bytes, processor time in seconds, length of a file in bytes.
        parent: the process that waits for this one; if it is gone, so is the reason for this one. 0 for any.
        program: what is to be started; empty if nothing is.
        document: the PDF.
        scratch: the folder for rasters; empty for none.

    Raises:
        OSError: a part cannot be had.
    """
    kernel.end_with_parent(_SIGKILL)
    if parent not in {0, os.getppid()}:
        raise ProcessLookupError(f"process {parent} has ended")
    # A group of its own: who keeps the time kills all of it, and what is meant for the daemon's does not reach it.
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    memory, processor, file = limits
    for which, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(which)[1]
        lowered = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(which, (lowered, lowered))
    wanted = parts.split(",")
    if LANDLOCK in wanted or SECCOMP in wanted:
        kernel.forbid_new_privileges()
    if LANDLOCK in wanted:
        landlock.restrict(readable(program), document, scratch)
    if SECCOMP in wanted:
        kernel.drop_capabilities()
        seccomp.install(kernel.machine(), may_start_program=bool(program))


def readable(program: str) -> dict[str, int]:
    """The files and folders that a renderer may read, and run programs and libraries from."""
    found = {**_SYSTEM, f"/etc/ld-musl-{kernel.machine()}.path": landlock.READ}
    if program:
        real = os.path.realpath(program)
        found[real] = _RUN
        above = os.path.dirname(os.path.dirname(real))  # noqa: PTH120 - pathlib is a tenth of the start
        found.update({f"{above}/{name}": _RUN for name in _BESIDE})
    return found


def become(parts: str, limits: tuple[int, int, int], parent: int, program: str, arguments: list[str]) -> None:
    """Enter the sandbox and become a program; returns only by raising OSError."""
    paths = [argument for argument in arguments if argument.startswith("/")]
    document = paths[0] if paths else ""
    scratch = os.path.dirname(paths[1]) if len(paths) > 1 else ""  # noqa: PTH120 - see above
    enter(parts, limits, parent, program=program, document=document, scratch=scratch)
    # Python ignores these two, and what is ignored would stay so in the program.
    kernel.default_signal(_SIGPIPE)
    kernel.default_signal(_SIGXFSZ)
    os.execve(program, [program, *arguments], {**ENVIRONMENT, "GLIBC_TUNABLES": _TUNABLES})  # noqa: S606


def probe() -> list[str]:
    """Try each part on this process: a line `PART yes VERSION` or `PART no REASON` for each."""
    lines = []
    kernel.forbid_new_privileges()
    try:
        known = landlock.version()
        landlock.restrict(readable(""), "", "")
        lines.append(f"{LANDLOCK} yes {known}")
    except OSError as error:
        lines.append(f"{LANDLOCK} no {error.strerror}")
    try:
        kernel.drop_capabilities()
        seccomp.install(kernel.machine(), may_start_program=False)
        lines.append(f"{SECCOMP} yes 1")
    except OSError as error:
        lines.append(f"{SECCOMP} no {error.strerror}")
    return lines


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    if arguments[:1] == ["probe"]:
        print("\n".join(probe()), flush=True)  # noqa: T201 - read by the starter
        return 0
    _, parts, memory, processor, file, parent, program, *rest = arguments
    try:
        become(parts, (int(memory), int(processor), int(file)), int(parent), program, rest)
    except OSError as error:
        print(f"{REFUSED_MARK}{error}", file=sys.stderr, flush=True)  # noqa: T201
    return REFUSED

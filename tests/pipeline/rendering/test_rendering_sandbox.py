"""What a renderer that has been taken over may still do: next to nothing, as root and as anybody else.

Each attempt is made by a program in the renderer's place, once in the sandbox and once without, as the control.
"""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import Protection, choose_rasterizers, find_protection, protection
from pdfocr_watcher.pipeline.rendering.confine import Limits, confined_command
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED, choose_protection
from pdfocr_watcher.pipeline.rendering.sandbox import seccomp, syscalls

LIMITS = Limits(memory_bytes=1 << 30, cpu_seconds=16, file_bytes=8 << 20)
NOBODY = 65534
ALL = Protection(("landlock", "seccomp"))

#: Enters the sandbox in its own process, as the process of PDFium does, after it became somebody else; then tries.
#: Everything that an attempt needs is imported before, as an attacker's code would be there already.
ATTEMPT = """
import ctypes, fcntl, mmap, os, resource, signal, socket, sys
sys.path.append(sys.argv[1])
from sandbox.launch import enter
user, parts, document, scratch, other, sibling = int(sys.argv[2]), *sys.argv[3:8]
if os.getuid() != user:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]) < 0:
        raise OSError(ctypes.get_errno(), "")
enter(parts, (1 << 30, 16, 8 << 20), 0, document=document, scratch=scratch)
try:
    exec(sys.argv[8])
    print("done", flush=True)
except OSError as error:
    print("refused", error.errno, flush=True)
os._exit(0)
"""

ATTEMPTS = {
    "read another job's PDF": "open(other).read(1)",
    "read the system's users": "open('/etc/passwd').read(1)",
    "read another process's memory map": "open(f'/proc/{sibling}/cmdline').read(1)",
    "list a folder": "os.listdir(os.path.dirname(other))",
    "write beside the scratch folder": "open(other + '.new', 'w')",
    "change the document": "open(document, 'r+b')",
    "remove what is in the scratch folder": "open(scratch + '/x', 'w'); os.unlink(scratch + '/x')",
    "make a link in the scratch folder": "os.symlink('/etc/passwd', scratch + '/link')",
    "make a folder": "os.mkdir(scratch + '/folder')",
    "cut a file": "os.truncate(other, 0)",
    "change a file's mode": "os.chmod(other, 0o777)",
    "change a file's owner": "os.chown(other, os.getuid(), os.getgid())",
    "change a file's time": "os.utime(other, (0, 0))",
    "open a socket": "socket.socket()",
    "open a socket of this machine": "socket.socket(socket.AF_UNIX)",
    "open a pair of sockets": "socket.socketpair()",
    "trace another process": "call(101, 16, int(sibling), 0, 0)",
    "read another process's memory": "call(310, int(sibling), ctypes.byref(ctypes.c_long()), 1, 0, 0, 0)",
    "signal another process": "os.kill(int(sibling), 0)",
    "change another process's limits": "resource.prlimit(int(sibling), resource.RLIMIT_NOFILE, (50, 60))",
    "change another process's priority": "os.setpriority(os.PRIO_PROCESS, int(sibling), 19)",
    "start a process": "os.fork() or os._exit(0)",
    "start a process by the call beneath": "call(56, signal.SIGCHLD, 0, 0, 0, 0)",
    "start a program": "os.execv('/bin/echo', ['echo', 'done'])",
    "leave the process group": "os.setpgid(0, os.getpgid(os.getppid()))",
    "take memory that no limit counts": "os.memfd_create('x')",
    "make a shared memory segment": "call(29, 0, 4096, 0o600)",
    "make a namespace": "call(272, 0x10000000)",
}
LIMITED = {"start a process", "start a process by the call beneath"}
#: What other rules of the system refuse as well: there is no control without the sandbox.
ALWAYS = {
    "mount": "call(165, b'none', scratch.encode(), b'tmpfs', 0, 0)",
    "load a program into the kernel": "call(321, 0, 0, 0)",
    "use a key ring": "call(250, 0, -3, 0, 0, 0)",
    "handle page faults": "call(323, 1)",
    "use io_uring": "call(425, 1, ctypes.create_string_buffer(256))",
    "load a new kernel": "call(246, 0, 0, 0, 0)",
    "load a kernel module": "call(313, 0, b'', 0)",
    "make a process by the newest call": "call(435, ctypes.create_string_buffer(88), 88)",
    "make a call of the kernel's second numbering": "call(0x40000000 + 39)",
    "make a call that this program does not know": "call(999)",
}  # fmt: skip
#: And what a renderer must be able to do.
ALLOWED = {
    "read the document": "open(document, 'rb').read(1)",
    "write a raster and read it": "open(scratch + '/r', 'wb').write(b'x'); open(scratch + '/r', 'rb').read()",
    "read fonts and libraries": "os.listdir('/usr/lib')",
    "ask for its limits": "resource.getrlimit(resource.RLIMIT_AS); resource.prlimit(0, resource.RLIMIT_STACK)",
    "take memory": "mmap.mmap(-1, 1 << 24)[0]",
}  # fmt: skip

x86_64 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="the attempts name x86_64's system calls")
whole = pytest.mark.skipif(bool(find_protection().missing), reason="this system has no Landlock or no seccomp")


@pytest.fixture(params=["root", "nobody"])
def user(request) -> int:
    """Who the renderer runs as."""
    if request.param == "root" and os.getuid() != 0:
        pytest.skip("needs root")
    return os.getuid() if request.param == "root" or os.getuid() != 0 else NOBODY


@pytest.fixture
def place(tmp_path: Path, user: int):
    """A document, a scratch folder, somebody else's file and a process, all of the renderer's user."""
    for folder in (*reversed(tmp_path.parents), tmp_path):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to("/tmp") and folder != Path("/tmp"):  # noqa: S108
            folder.chmod(folder.stat().st_mode | 0o011)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    for path in (tmp_path / "document.pdf", tmp_path / "other.pdf"):
        path.write_bytes(b"%PDF-1.7")
    for path in (tmp_path, *tmp_path.iterdir()):
        os.chown(path, user, user if user == NOBODY else os.getgid())
    options = {"user": user, "group": user, "extra_groups": []} if os.getuid() != user else {}
    with subprocess.Popen(["/bin/sleep", "600"], **options) as sibling:
        yield tmp_path / "document.pdf", scratch, tmp_path / "other.pdf", sibling.pid
        sibling.kill()


def attempt(place, user: int, what: str, parts: str) -> str:
    document, scratch, other, sibling = map(str, place)
    folder = str(Path(protection.__file__).parent)
    command = [sys.executable, "-I", "-c", ATTEMPT, folder, str(user), parts, document, scratch, other, sibling, what]
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout.strip()


@whole
@x86_64
@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_renderer_cannot(what, place, user):
    assert attempt(place, user, ATTEMPTS[what], "landlock,seccomp").startswith("refused")


@x86_64
@pytest.mark.parametrize("what", ATTEMPTS)
def test_but_for_the_sandbox_it_could(what, place, user):
    if what in LIMITED and user == NOBODY:
        pytest.skip("the limit on processes is in force without the sandbox, too")
    assert attempt(place, user, ATTEMPTS[what], "-").startswith("done")


@whole
@x86_64
@pytest.mark.parametrize("what", ALWAYS)
def test_nor_can_it(what, place, user):
    assert attempt(place, user, ALWAYS[what], "landlock,seccomp").startswith("refused")


@whole
@pytest.mark.parametrize("what", ALLOWED)
def test_but_it_can(what, place, user):
    assert attempt(place, user, ALLOWED[what], "landlock,seccomp") == "done"


@whole
def test_a_program_that_is_started_is_as_confined(place):
    """Poppler's way: the launcher becomes the program."""
    document, _, other, _ = place
    cat = confined_command("/bin/cat", LIMITS, ALL)
    allowed = subprocess.run([*cat, document], capture_output=True, check=False)
    assert (allowed.returncode, allowed.stdout) == (0, b"%PDF-1.7")
    beside = os.path.relpath(other, "/")
    refused = subprocess.run([*cat, document, beside], capture_output=True, check=False, cwd="/")
    assert (refused.returncode, refused.stdout) == (1, b"%PDF-1.7")
    assert b"Permission denied" in refused.stderr
    shell = confined_command("/bin/sh", LIMITS, ALL)
    bomb = subprocess.run([*shell, "-c", "f() { f | f & }; f; echo over"], capture_output=True, check=False)
    assert b"fork" in bomb.stderr


@whole
def test_a_link_in_the_place_of_the_document_leads_nowhere(tmp_path):
    (tmp_path / "secret").write_text("secret")
    link = tmp_path / "document.pdf"
    link.symlink_to(tmp_path / "secret")
    ended = subprocess.run([*confined_command("/bin/cat", LIMITS, ALL), link], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, b"")


@whole
def test_nobody_listening_is_reached(tmp_path):
    """Landlock alone, where a filter is missing: TCP from its fourth version on."""
    if find_protection().landlock_version < 4:
        pytest.skip("this kernel's Landlock knows no TCP")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        what = f"socket.create_connection(('127.0.0.1', {port})).close()"
        for path in ("document.pdf", "other.pdf"):
            (tmp_path / path).write_bytes(b"x")
        place = (tmp_path / "document.pdf", tmp_path, tmp_path / "other.pdf", os.getpid())
        assert attempt(place, os.getuid(), what, "landlock").startswith("refused")
        assert attempt(place, os.getuid(), what, "seccomp").startswith("refused")
        assert attempt(place, os.getuid(), what, "-") == "done"


def answers(**parts: str) -> str:
    """A starter that answers in the place of the probe."""
    lines = "\n".join(f"{part} {answer}" for part, answer in parts.items())
    return f"import sys; sys.stdout.write({lines!r})"


def pretend(monkeypatch, **parts: str) -> None:
    monkeypatch.setattr(protection, "INTERPRETER", (sys.executable, "-I", "-S", "-c", answers(**parts)))


def test_what_is_missing_is_told_once_and_the_rest_is_used(monkeypatch, capsys):
    pretend(monkeypatch, landlock="no Function not implemented", seccomp="yes 1")
    found = choose_protection("auto")
    assert found.parts == ("seccomp",)
    assert found.landlock_version == 0
    told = capsys.readouterr().out
    assert told.count("sandbox.incomplete") == 1
    assert "no landlock (Function not implemented): renderers can read and write all files" in told


@pytest.mark.parametrize(
    "parts",
    [
        {"landlock": "no Operation not supported", "seccomp": "yes 1"},
        {"landlock": "yes 3", "seccomp": "no no table of system calls for s390x"},
        {},
    ],
)
def test_what_is_required_and_missing_stops_the_daemon_with_a_reason(monkeypatch, parts):
    pretend(monkeypatch, **parts)
    with pytest.raises(PdfocrError) as caught:
        choose_rasterizers("auto", sandbox="required")
    assert caught.value.code is ErrorCode.SANDBOX_UNAVAILABLE
    assert caught.value.failure.exit_status == 69
    for part in {"landlock", "seccomp"} - {name for name, answer in parts.items() if answer.startswith("yes")}:
        assert f"no {part} (" in str(caught.value)


def test_off_is_off_without_a_try(monkeypatch):
    monkeypatch.setattr(protection, "INTERPRETER", ("/no/such/program",))
    assert choose_protection("off") == UNPROTECTED
    assert choose_protection("auto").parts == ()


@whole
def test_a_part_that_was_promised_and_cannot_be_had_is_an_error_and_no_pdf_is_opened(write_pdf):
    script = """
import sys
from pathlib import Path
from pdfocr_watcher.errors import PdfocrError
from pdfocr_watcher.pipeline.rendering import PdfiumRasterizer, PopplerRasterizer, Protection
from pdfocr_watcher.pipeline.rendering.sandbox import kernel, landlock
kernel.forbid_new_privileges()
for _ in range(16):  # as deep as Landlock goes
    landlock.restrict({"/": (1 << 16) - 1}, "", "")
for rasterizer in (PopplerRasterizer, PdfiumRasterizer):
    try:
        rasterizer(1 << 30, 1000000, Protection(("landlock", "seccomp"))).inspect(Path(sys.argv[1]), 10, 30)
    except PdfocrError as error:
        print(error.code, error.detail)
"""
    ended = subprocess.run([sys.executable, "-c", script, write_pdf()], capture_output=True, check=True, text=True)
    told = ended.stdout.splitlines()
    assert len(told) == 2
    assert all(line.startswith("sandbox_unavailable sandbox: [Errno 7]") for line in told)


@pytest.mark.parametrize("machine", syscalls.COLUMNS)
def test_every_forbidden_call_is_in_the_filter(machine):
    steps = seccomp.filter_steps(machine, may_start_program=False)
    compared = {value for code, _, _, value in steps if code == seccomp._IF_EQUAL}
    column = syscalls.COLUMNS[machine]
    wanted = {(x86_64, generic)[column] for _, x86_64, generic in syscalls.FORBIDDEN} - {None}
    assert wanted <= compared
    assert syscalls.EXECVE[column] in compared
    assert len(wanted) == sum((x86_64, generic)[column] is not None for _, x86_64, generic in syscalls.FORBIDDEN)


@pytest.mark.parametrize(
    ("header", "column"),
    [("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", 0), ("/usr/include/asm-generic/unistd.h", 1)],
)
def test_the_numbers_are_those_of_the_kernel_s_own_headers(header, column):
    if not Path(header).exists():
        pytest.skip(f"{header} is not there; apt-get install linux-libc-dev")
    text = Path(header).read_text()
    named = {name: int(number) for name, number in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)\b", text)}
    table = {name: numbers[column] for name, *numbers in syscalls.FORBIDDEN}
    table |= {"clone3": syscalls.CLONE3, "prlimit64": syscalls.PRLIMIT64[column], "execve": syscalls.EXECVE[column]}
    table |= {"capget": syscalls.CAPGET[column], "capset": syscalls.CAPSET[column]}
    newer = {name for name, number in table.items() if number is not None and number > max(named.values())}
    assert {name: number for name, number in table.items() if name not in newer} == {
        name: named.get(name) for name in table if name not in newer
    }


def test_a_machine_without_a_table_is_told():
    with pytest.raises(OSError, match="no table of system calls for s390x"):
        seccomp.filter_steps("s390x", may_start_program=True)


def test_finding_out_is_quick():
    begun = time.monotonic()
    find_protection()
    assert time.monotonic() - begun < 10

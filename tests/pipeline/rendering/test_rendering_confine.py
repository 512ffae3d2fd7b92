"""What is started through a launcher is that program itself, within its limits, whether the sandbox is on or off."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import confine
from pdfocr_watcher.pipeline.rendering.confine import Launchers, Limits, confined_command
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED
from tests.processes import is_gone_soon

LIMITS = Limits(memory_bytes=512 << 20, cpu_seconds=16, file_bytes=8 << 20)


def start(program: str, *arguments: str, limits: Limits = LIMITS, **options):
    """Start `program` through the launcher, with limits alone."""
    command = confined_command(program, limits, UNPROTECTED)
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, **options) as process:
        told = process.stdout.read()
    return process, told


def output(program: str, *arguments: str, limits: Limits = LIMITS) -> str:
    return start(program, *arguments, limits=limits)[1].decode().strip()


@pytest.mark.parametrize(
    ("option", "value"),
    [("-v", (512 << 20) // 1024), ("-t", 16), ("-f", (8 << 20) // 512), ("-c", 0), ("-n", 64), ("-p", 0)],
)
def test_the_limits_hold_in_the_program(option, value):
    assert output("/bin/sh", "-c", f"ulimit {option}; ulimit -H {option}").split() == [str(value)] * 2


def test_more_memory_than_allowed_is_not_had():
    allocate = "import sys\ntry: bytearray(600 << 20)\nexcept MemoryError: print('refused')"
    assert output(sys.executable, "-I", "-c", allocate) == "refused"


def test_a_longer_file_than_allowed_is_not_written(tmp_path):
    path = tmp_path / "long"
    process, _ = start("/bin/dd", "if=/dev/zero", f"of={path}", "bs=1M", "count=20", stderr=subprocess.DEVNULL)
    assert process.returncode == -signal.SIGXFSZ
    assert path.stat().st_size == 8 << 20


def test_the_environment_is_minimal(monkeypatch):
    monkeypatch.setenv("SECRET", "x")
    variables = dict(line.split("=", 1) for line in output("/usr/bin/env").splitlines())
    assert variables.pop("GLIBC_TUNABLES").startswith("glibc.malloc.")
    assert variables == {"LC_ALL": "C"}


def test_the_input_is_empty_and_the_errors_are_dropped(monkeypatch, tmp_path):
    monkeypatch.setenv("SECRET", "x")
    script = tmp_path / "pdftoppm"
    script.write_text("#!/bin/sh\n/bin/cat; echo error >&2; echo $SECRET; echo done\n")
    script.chmod(0o700)
    launchers = Launchers(str(script), UNPROTECTED)
    ended = subprocess.run([launchers.folder(LIMITS) / "pdftoppm"], input=b"typed", capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"\ndone\n", b"")


def test_arguments_arrive_as_they_are():
    odd = ["with space", "-dash", "quote'\"", "$HOME `id` ; exit", "new\nline", "ümlaut", ""]
    assert output(sys.executable, "-I", "-c", "import sys; print(sys.argv[1:])", *odd) == str(odd)


def test_the_process_is_the_program_itself_so_that_killing_it_leaves_nothing():
    process, told = start("/bin/sh", "-c", "echo $$")
    assert int(told) == process.pid


def test_the_program_leads_a_group_of_its_own():
    process, told = start("/bin/sh", "-c", "read _ _ _ _ group _ < /proc/self/stat; echo $group")
    assert int(told) == process.pid


@pytest.mark.parametrize("number", [signal.SIGPIPE, signal.SIGXFSZ])
def test_signals_have_their_usual_effect(number):
    process, _ = start("/bin/sh", "-c", f"kill -{number.value} $$; echo survived")
    assert process.returncode == -number


def test_a_stop_of_the_service_does_not_end_the_page_in_hand(tmp_path):
    script = tmp_path / "pdftoppm"
    script.write_text("#!/bin/sh\necho ready; for n in 1 2 3 4 5 6 7 8 9; do /bin/sleep 0.05; done; echo done\n")
    script.chmod(0o700)
    launchers = Launchers(str(script), UNPROTECTED)
    with subprocess.Popen([launchers.folder(LIMITS) / "pdftoppm"], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            process.send_signal(number)
        assert process.stdout.read() == b"done\n"
    assert process.returncode == 0


def test_a_program_ends_with_the_daemon_however_that_ends():
    script = """
import subprocess, sys, time
from pdfocr_watcher.pipeline.rendering.confine import Limits, confined_command
from pdfocr_watcher.pipeline.rendering.protection import find_protection
command = confined_command("/bin/sh", Limits(1 << 30, 600, 1 << 20), find_protection())
subprocess.Popen([*command, "-c", "echo $$; exec /bin/sleep 600"])
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as daemon:
        renderer = int(daemon.stdout.readline())
        daemon.kill()
        # The pipe's other end is in the renderer: it is read to its end when that is gone.
        assert daemon.stdout.read() == b""
    assert is_gone_soon(renderer)


def test_a_program_whose_starter_has_gone_is_not_started():
    command = confined_command("/bin/echo", LIMITS, UNPROTECTED)
    orphaned = [str(os.getppid()) if word == str(os.getpid()) else word for word in command]
    ended = subprocess.run([*orphaned, "started"], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (126, b"")


def test_the_stand_ins_answer_at_once_what_pdf2image_asks():
    launchers = Launchers("/bin/false", UNPROTECTED)
    folder = launchers.folder(LIMITS)
    version = subprocess.run([folder / "pdftoppm", "-v"], capture_output=True, check=True)
    assert version.stderr == b"pdftoppm version 22.0.0\n"
    count = subprocess.run([folder / "pdfinfo", "any.pdf"], capture_output=True, check=True)
    assert count.stdout == b"Pages: 2147483647\n"


def test_launchers_are_private_made_once_and_removed_with_their_owner():
    launchers = Launchers("/bin/true", UNPROTECTED)
    folder = launchers.folder(LIMITS)
    assert launchers.folder(LIMITS) == folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o500}
    del launchers
    gc.collect()
    assert not folder.exists()


def test_launchers_are_removed_at_exit_and_not_by_a_forked_child():
    script = """
import os
from pdfocr_watcher.pipeline.rendering.confine import Launchers, Limits
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED
launchers = Launchers("/bin/true", UNPROTECTED)
folder = launchers.folder(Limits(1 << 30, 16, 1 << 20))
child = os.fork()
if child == 0:
    raise SystemExit(0)
os.waitpid(child, 0)
print(folder, folder.exists())
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout.split()
    assert told[1] == "True"
    assert not Path(told[0]).exists()


def test_launchers_of_a_process_that_was_killed_are_removed_by_the_next_one(monkeypatch, tmp_path):
    monkeypatch.setattr(confine, "_executable_folder", lambda: tmp_path)
    script = """
import os, signal, sys
from pathlib import Path
from pdfocr_watcher.pipeline.rendering import confine
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED
confine._executable_folder = lambda: Path(sys.argv[1])
launchers = confine.Launchers("/bin/true", UNPROTECTED)
print(launchers.folder(confine.Limits(1 << 30, 16, 1 << 20)), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    killed = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, check=False, text=True)
    orphan = Path(killed.stdout.strip())
    assert orphan.is_dir()
    first = Launchers("/bin/true", UNPROTECTED)
    held = first.folder(LIMITS)
    other = tmp_path / "something-else-abcdefgh"
    other.mkdir()
    young = tmp_path / "pdfocr-watcher-launchers-young"
    young.mkdir()
    hour_ago = time.time() - 3600
    for folder in (orphan, held, other):
        os.utime(folder, (hour_ago, hour_ago))
    second = Launchers("/bin/true", UNPROTECTED)
    made = second.folder(LIMITS)
    assert sorted(tmp_path.iterdir()) == sorted([held, other, young, made])


def test_launchers_that_were_cleaned_away_are_made_again():
    launchers = Launchers("/bin/true", UNPROTECTED)
    folder = launchers.folder(LIMITS)
    confine.shutil.rmtree(folder)
    again = launchers.folder(LIMITS)
    assert (again / "pdftoppm").exists()


def test_limits_never_ask_for_more_than_this_process_may_hand_on():
    script = """
import resource, subprocess
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
from pdfocr_watcher.pipeline.rendering.confine import Limits, confined_command
from pdfocr_watcher.pipeline.rendering.protection import UNPROTECTED
command = confined_command("/bin/sh", Limits(4 << 30, 64, 1 << 20), UNPROTECTED)
subprocess.run([*command, "-c", "ulimit -v; ulimit -t; ulimit -f"], check=True)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout
    assert told.split() == [str(1 << 20), "30", "2048"]


def test_processor_time_is_more_than_the_wall_clock_limit_and_takes_few_values():
    seconds = {timeout: Limits.for_call(1 << 30, 1000, timeout).cpu_seconds for timeout in (0.1, 1, 7, 60, 64, 480)}
    assert all(cpu > timeout for timeout, cpu in seconds.items())
    assert len({Limits.for_call(1 << 30, 1000, t / 10).cpu_seconds for t in range(1, 6000)}) < 12


def test_a_file_limit_leaves_room_for_the_largest_raster_and_not_for_twice_that():
    limit = Limits.for_call(1 << 30, 40_000_000, 60).file_bytes
    assert 3 * 40_000_000 + 100 < limit < 3 * 44_000_000


def test_without_a_place_to_start_programs_from_the_reason_is_told(monkeypatch):
    monkeypatch.setattr(confine, "_executable_folder", lambda: Path("/no/such/folder"))
    with pytest.raises(PdfocrError) as caught:
        Launchers("/bin/true", UNPROTECTED).folder(LIMITS)
    assert caught.value.code is ErrorCode.STORAGE_FAILED

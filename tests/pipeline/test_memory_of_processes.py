"""The memory of a process and its children is told, also while they come and go."""

import os
import subprocess
import sys

from pdfocr_watcher.pipeline.memory import memory_of

MB = 1_000_000


def holding(size, then=""):
    """A process that has so many bytes, and has said so."""
    code = f"import os, sys, subprocess\nkept = b'x' * {size}\n{then}\nprint(flush=True)\nsys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def test_what_a_process_and_its_children_hold_is_added_up():
    fork = f"if os.fork() == 0: more = b'y' * {200 * MB}; print(flush=True); sys.stdin.read(); os._exit(0)"
    with holding(100 * MB) as alone, holding(100 * MB, fork) as parent:
        parent.stdout.readline()  # of the two, whichever comes second
        assert 100 * MB < memory_of(alone.pid) < 150 * MB
        assert memory_of(parent.pid) > 300 * MB
        alone.stdin.close()
        parent.stdin.close()


def test_a_process_that_is_gone_has_none():
    with holding(1) as process:
        process.stdin.close()
    assert memory_of(process.pid) == 0


def test_a_process_that_ends_during_the_look_is_no_trouble(tmp_path, monkeypatch):
    for pid, children in ((1, "2 3"), (2, ""), (3, "")):
        thread = tmp_path / str(pid) / "task" / str(pid)
        thread.mkdir(parents=True)
        (thread / "children").write_text(children)
        (tmp_path / str(pid) / "status").write_text("RssAnon:    5 kB\nRssFile:    9 kB\nRssShmem:   1 kB\n")
    real = os.listdir

    def gone(path):
        if "2" in str(path).split("/"):
            raise FileNotFoundError(path)
        return real(path)

    monkeypatch.setattr(os, "listdir", gone)
    assert memory_of(1, tmp_path) == 3 * 6 * 1024

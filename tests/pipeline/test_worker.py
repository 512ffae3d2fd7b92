"""The worker process does one task after the other, and every failure becomes an answer."""

import io
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from pdfocr_watcher.analysis.lines import Line, Word
from pdfocr_watcher.document.model import Block, Box, FailedPage, Label, TextLine
from pdfocr_watcher.engines.base import Engine, EngineInfo, Reading
from pdfocr_watcher.engines.null import NullEngine
from pdfocr_watcher.errors import ErrorCode
from pdfocr_watcher.jobs.checkpoint import read_checkpoint, write_failed_page
from pdfocr_watcher.jobs.folder import JobFolder
from pdfocr_watcher.pipeline.tasks import AssembleTask, PageTask, task_line
from pdfocr_watcher.pipeline.worker import Hand, WorkerSettings, serve
from tests.pipeline.doubles import NULL_WORKER, ppm


class FigureEngine(Engine):
    """Finds two figures and a text on every page."""

    @property
    def info(self):
        return EngineInfo("figures", "none", "1")

    def recognize(self, image, languages=()):
        del languages
        return Reading(
            (
                Block(Label.IMAGE, (Box(0, 0, 500, 400), Box(100, 500, 999, 999)), ""),
                Block(Label.TEXT, (Box(0, 400, 999, 500),), f"{image.width} x {image.height}"),
            ),
            (Line(1.4, 12, 19.6, 15, "20 x 30", 0.91234, (Word(1.4, 6, "20"),)),),
        )


class LanguageEngine(FigureEngine):
    """Says in which languages it was to read."""

    def recognize(self, image, languages=()):
        del image
        return Reading((Block(Label.TEXT, (), "+".join(languages)),), notes={"remark": "Install Thai."})


class BrokenEngine(FigureEngine):
    def recognize(self, image, languages=()):
        del image, languages
        raise RuntimeError("no tensor")


@pytest.fixture
def folder(tmp_path):
    folder = JobFolder(tmp_path / "job")
    folder.rasters.mkdir(parents=True)
    return folder


def raster(folder, index=0, content=None):
    path = folder.rasters / f"{index:04d}.ppm"
    path.write_bytes(ppm(index) if content is None else content)
    return path


def page_task(folder, index=0, dpi=72.0):
    return PageTask(str(folder.path), index, str(folder.rasters / f"{index:04d}.ppm"), dpi)


def do(task, engine=None):
    return Hand(NULL_WORKER, engine or NullEngine()).answer(task_line(task, 1))


def test_a_task_is_one_line_whatever_is_in_its_paths():
    task = PageTask("/jobs/a\nb", 7, "/jobs/\udcff/é.ppm", 199.5)
    line = task_line(task, 12)
    assert line.count(b"\n") == 1
    data = json.loads(line)
    assert (data.pop("task"), data.pop("number")) == ("PageTask", 12)
    assert PageTask(**{**data, "languages": tuple(data["languages"])}) == task


def test_a_page_that_was_read_has_its_checkpoint_its_picture_and_its_figures_and_its_raster_is_gone(folder):
    path = raster(folder, 3)

    assert do(page_task(folder, 3, dpi=144.0), FigureEngine()) == {"number": 1, "ok": True}

    page = read_checkpoint(folder.checkpoint(3)).page
    assert (page.index, page.width, page.height, page.dpi) == (3, 20, 30, 144.0)
    assert [block.content for block in page.blocks] == ["", "20 x 30"]
    assert page.lines == (TextLine((1, 12, 20, 15), "20 x 30", 0.912, ((1, 6, "20"),)),)
    assert sorted(os.listdir(folder.images)) == ["3_0.jpg", "3_1.jpg"]
    assert folder.layout_picture(3).read_bytes().startswith(b"\xff\xd8")
    assert not path.exists()


def test_what_the_engine_raises_is_an_answer_and_nothing_is_checkpointed(folder):
    raster(folder)
    reply = do(page_task(folder), BrokenEngine())
    assert reply == {"number": 1, "ok": False, "code": ErrorCode.ENGINE_FAILED, "detail": "RuntimeError: no tensor"}
    assert folder.checkpointed() == set()


def test_a_raster_that_is_not_there_is_the_file_systems_fault(folder):
    reply = do(page_task(folder))
    assert (reply["ok"], reply["code"]) == (False, ErrorCode.STORAGE_FAILED)


def test_a_text_layer_that_cannot_be_read_is_the_file_systems_fault(folder):
    raster(folder)
    layer = folder.rasters / "0000.ppm.text"
    task = replace(page_task(folder), text_layer=str(layer))
    layer.mkdir()
    assert do(task)["code"] == ErrorCode.STORAGE_FAILED
    layer.rmdir()
    assert do(task)["ok"], "one that is not there costs nothing"


def test_a_raster_that_is_not_whole_costs_the_page_and_not_the_worker(folder):
    raster(folder, content=ppm(0)[:-5])
    reply = do(page_task(folder))
    assert (reply["ok"], reply["code"]) == (False, ErrorCode.INTERNAL)
    raster(folder)
    assert do(page_task(folder))["ok"]


def test_a_checkpoint_that_cannot_be_written_is_the_file_systems_fault(folder):
    raster(folder)
    folder.pages.write_bytes(b"in the way")
    reply = do(page_task(folder))
    assert (reply["ok"], reply["code"]) == (False, ErrorCode.STORAGE_FAILED)


def test_results_are_put_together_and_their_figures_counted(folder):
    raster(folder)
    do(page_task(folder), FigureEngine())
    write_failed_page(folder, FailedPage(1, "render_failed", "no picture"))
    assert do(AssembleTask(str(folder.path), 2)) == {
        "number": 1, "ok": True, "images": 2, "written": [], "left_out": {},
    }  # fmt: skip
    assert folder.markdown.is_file()


def test_results_that_cannot_be_put_together_are_an_answer(folder):
    reply = do(AssembleTask(str(folder.path), 1))
    assert (reply["ok"], reply["code"]) == (False, ErrorCode.ASSEMBLY_FAILED)
    assert "Page 1" in reply["detail"]


def test_a_worker_says_that_it_is_ready_and_answers_until_its_input_ends(folder):
    raster(folder, 0)
    said = []
    lines = task_line(page_task(folder, 0), 7) + task_line(page_task(folder, 1), 8)
    serve(NULL_WORKER, io.BytesIO(lines), said.append)
    assert said[0]["ready"]
    assert said[0]["engine"]["name"] == "null"
    assert [(reply["number"], reply["ok"]) for reply in said[1:]] == [(7, True), (8, False)]


def test_a_worker_whose_engine_does_not_load_says_why_and_takes_no_task(folder):
    said = []
    serve(WorkerSettings("no such engine", 1, 72, 80), io.BytesIO(task_line(page_task(folder), 1)), said.append)
    assert [(message["ready"], message["code"]) for message in said] == [(False, ErrorCode.ENGINE_UNAVAILABLE)]


def python(code, **options):
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=30, **options)


def test_what_a_library_prints_does_not_come_between_the_answers():
    done = python(
        "import os, sys\n"
        "from pdfocr_watcher.pipeline.child import protocol_channels\n"
        "tasks, answers = protocol_channels()\n"
        "print('loading model', flush=True)\n"
        "os.write(1, b'from C\\n')\n"
        "assert sys.stdin.read() == '', 'a library reads no task'\n"
        "answers.write(tasks.readline()); answers.flush()\n",
        input=b"a task\n",
    )
    assert done.stdout == b"a task\n"
    assert b"loading model" in done.stderr
    assert b"from C" in done.stderr


def run_worker(**options):
    command = [sys.executable, "-P", "-m", "pdfocr_watcher.pipeline.worker", NULL_WORKER.to_json(), str(os.getpid())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


def test_an_interrupt_at_the_terminal_is_the_daemons_business_and_not_the_workers(folder):
    raster(folder)
    with run_worker() as worker:
        assert json.loads(worker.stdout.readline())["ready"]
        worker.send_signal(signal.SIGINT)
        worker.stdin.write(task_line(page_task(folder), 1))
        worker.stdin.flush()
        assert json.loads(worker.stdout.readline()) == {"number": 1, "ok": True}
        worker.stdin.close()
        assert worker.wait(10) == 0


def test_a_page_s_languages_reach_the_engine_and_its_remark_comes_back(folder):
    raster(folder)
    task = replace(page_task(folder), languages=("rus", "eng"))
    assert do(task, LanguageEngine())["remark"] == "Install Thai."
    checkpoint = read_checkpoint(folder.checkpoint(0))
    assert checkpoint.page.blocks[0].content == "rus+eng"
    assert checkpoint.reading["remark"] == "Install Thai."

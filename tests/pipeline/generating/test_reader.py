"""How a page is asked for, judged and asked for again: with real workers and a model that answers as it is told."""

import asyncio
import os
from dataclasses import dataclass, field, replace

import pypdfium2
import pytest
from PIL import Image, ImageDraw

from pdfocr_watcher.engines.generation import FinishReason, Generation
from pdfocr_watcher.engines.profiles import Picture, builtin_profiles
from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.jobs.checkpoint import read_checkpoint
from pdfocr_watcher.pipeline.generating.reader import GenerativeReader
from pdfocr_watcher.pipeline.reader import EngineState, UnreadablePageError
from pdfocr_watcher.pipeline.tasks import PageTask
from pdfocr_watcher.pipeline.worker import WorkerSettings
from tests import pdfs
from tests.pipeline.doubles import PATIENCE, until

PROFILE = builtin_profiles()["deepseek-ocr"]
WORKER = WorkerSettings("vllm", 1, 72, 80, straighten=False, profile=PROFILE.model_dump(mode="json"))
LETTER = (
    "<|ref|>title<|/ref|><|det|>[[100, 50, 900, 120]]<|/det|>\n# A letter\n\n"
    "<|ref|>image<|/ref|><|det|>[[100, 200, 900, 600]]<|/det|>\n"
)


def said(text, reason=FinishReason.STOP):
    return Generation(text, reason, 300, len(text) // 4)


RUNAWAY = said("and so on " * 400, FinishReason.LENGTH)


@dataclass
class ToldModel:
    """Answers with what it's told to, one answer after the other; the last one for ever."""

    answers: list[Generation | PdfocrError]
    requests: list = field(default_factory=list)
    pictures: list[tuple[int, int]] = field(default_factory=list)
    held: asyncio.Event | None = None
    state: EngineState = EngineState.READY
    failure: PdfocrError | None = None
    info: None = None
    pids: tuple[int, ...] = ()
    capacity: int = 4
    notes: tuple[str, ...] = ()
    drained: bool = False

    def start(self):
        pass

    async def settled(self):
        pass

    async def generate(self, request, timeout, *, urgent=False):  # noqa: ASYNC109 - see Generator
        del timeout, urgent
        self.requests.append(request)
        with Image.open(request.picture) as picture:
            self.pictures.append(picture.size)
        if self.held is not None:
            await self.held.wait()
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if isinstance(answer, PdfocrError):
            raise answer
        return answer

    def drain(self):
        self.drained = True

    async def stop(self):
        pass


def page(folder, *, blank=False):
    """The task of reading a page with some dark bars on it, or with nothing."""
    path = folder.rasters / "0000.ppm"
    image = Image.new("RGB", (600, 850), "white")
    for top in () if blank else range(100, 700, 40):
        ImageDraw.Draw(image).rectangle((60, top, 520, top + 14), fill="black")
    image.save(path)
    return PageTask(str(folder.path), 0, str(path), 72.0)


@pytest.fixture
async def read(make_pool, folder):
    """Read a page with a model that gives these answers; the model, and the page's checkpoint or what was raised."""
    pool = await make_pool(WORKER)

    async def do(*answers, blank=False, model=None):
        model = model or ToldModel(list(answers))
        try:
            async with asyncio.timeout(PATIENCE):
                await GenerativeReader(pool, model, PROFILE).call(page(folder, blank=blank), 10.0)
        except PdfocrError as error:
            return model, error
        return model, read_checkpoint(folder.checkpoint(0))

    return do


async def test_a_page_is_asked_for_as_the_profile_says_and_kept(read, folder):
    model, checkpoint = await read(said(LETTER))
    (request,) = model.requests
    assert (request.prompt, request.sampling) == (PROFILE.prompt, PROFILE.sampling_for())
    assert [block.label for block in checkpoint.page.blocks] == ["title", "image"]
    assert (checkpoint.page.width, checkpoint.page.height) == (600, 850)
    assert os.listdir(folder.images) == ["0_0.jpg"]
    assert not (folder.rasters / "0000.ppm").exists()
    (record,) = checkpoint.reading["tries"]
    assert (record["finish_reason"], record["verdict"], record["ngram_size"]) == ("stop", None, 30)


async def test_a_runaway_page_is_asked_for_again_with_other_settings_and_each_try_is_recorded(read):
    model, checkpoint = await read(RUNAWAY, RUNAWAY, said(LETTER))
    wanted = [PROFILE.sampling_for(retry) for retry in (None, *PROFILE.retries[:2])]
    assert [request.sampling for request in model.requests] == wanted
    assert checkpoint.page.blocks
    tries = checkpoint.reading["tries"]
    assert [record["verdict"] for record in tries] == ["repetition", "repetition", None]
    assert [record["ngram_size"] for record in tries] == [sampling.ngram_size for sampling in wanted]


async def test_the_last_tries_are_another_resolution_and_a_prompt_without_layout(read):
    model, checkpoint = await read(RUNAWAY, RUNAWAY, RUNAWAY, RUNAWAY, said("# A letter\n\nDear reader"))
    assert model.requests[-1].prompt == "Free OCR."
    assert len(set(model.pictures)) > 1
    assert [block.content for block in checkpoint.page.blocks] == ["# A letter", "Dear reader"]
    assert checkpoint.page.blocks[0].boxes == ()


async def test_a_page_that_runs_away_however_it_is_asked_fails_with_all_tries_named(read, folder):
    model, error = await read(RUNAWAY)
    assert isinstance(error, UnreadablePageError)
    assert error.code is ErrorCode.ENGINE_RUNAWAY
    assert len(model.requests) == len(error.reading["tries"]) == 1 + len(PROFILE.retries)
    assert error.final
    assert f"asked for {len(model.requests)} times" in error.detail
    assert folder.checkpointed() == set()


@pytest.mark.parametrize("degrees", [90, 180, 270])
async def test_the_model_sees_a_turned_page_upright_and_its_boxes_are_on_the_upright_page(make_pool, folder, degrees):
    pool = await make_pool(replace(WORKER, straighten=True))
    with pypdfium2.PdfDocument(pdfs.born_digital()) as document:
        sheet = document[0].render(scale=100 / 72).to_pil().convert("RGB")
    sheet.rotate(-degrees, expand=True).save(folder.rasters / "0000.ppm")
    model = ToldModel([said(LETTER)])
    task = PageTask(str(folder.path), 0, str(folder.rasters / "0000.ppm"), 100.0)
    await GenerativeReader(pool, model, PROFILE).call(task, PATIENCE)
    ((width, height),) = model.pictures
    assert width < height
    checkpoint = read_checkpoint(folder.checkpoint(0))
    assert checkpoint.reading["turn"] == 360 - degrees
    assert (checkpoint.page.width, checkpoint.page.height) == sheet.size
    assert checkpoint.page.blocks[0].boxes[0].as_list() == [100, 50, 900, 120]


async def test_nothing_is_the_right_answer_to_a_blank_page_only(read):
    model, checkpoint = await read(said(""), blank=True)
    assert (len(model.requests), checkpoint.page.blocks) == (1, ())
    model, checkpoint = await read(said(""), said(LETTER))
    assert [record["verdict"] for record in checkpoint.reading["tries"]] == ["empty", None]


LATE = PdfocrError(ErrorCode.ENGINE_TIMEOUT, "The limit is 10 s.")


async def test_a_page_that_takes_too_long_is_asked_for_in_another_way_once(read):
    model, checkpoint = await read(LATE, said(LETTER))
    assert [request.sampling.ngram_size for request in model.requests] == [30, 20]
    assert [record["verdict"] for record in checkpoint.reading["tries"]] == ["engine_timeout", None]
    model, error = await read(LATE)
    assert (error.code, error.final, len(model.requests)) == (ErrorCode.ENGINE_TIMEOUT, True, 2)


async def test_what_the_engine_fails_with_is_the_pages_failure_and_the_tries_before_are_known(read):
    model, error = await read(RUNAWAY, PdfocrError(ErrorCode.ENGINE_CRASHED, "It died."))
    assert (error.code, error.final, len(model.requests)) == (ErrorCode.ENGINE_CRASHED, False, 2)
    assert [record["verdict"] for record in error.reading["tries"]] == ["repetition", "engine_crashed"]


async def test_a_page_that_the_model_itself_calls_turned_is_turned_once(make_pool, folder):
    profile = builtin_profiles()["olmocr"]
    pool = await make_pool(replace(WORKER, profile=profile.model_dump(mode="json")))
    # A second claim of that kind is not believed.
    text = "---\nis_rotation_valid: False\nrotation_correction: 180\n---\nDear reader"
    model = ToldModel([said(text)])
    await GenerativeReader(pool, model, profile).call(page(folder), PATIENCE)
    assert len(model.requests) == 2
    checkpoint = read_checkpoint(folder.checkpoint(0))
    assert (checkpoint.reading["turn"], checkpoint.page.blocks[0].content) == (180, "Dear reader")
    assert [record["verdict"] for record in checkpoint.reading["tries"]] == ["turned", None]


async def test_a_page_that_the_model_has_is_kept_while_the_daemon_stops(make_pool, folder):
    model = ToldModel([said(LETTER)], held=asyncio.Event())
    reader = GenerativeReader(await make_pool(WORKER), model, PROFILE)
    reading = asyncio.create_task(reader.call(page(folder), 10.0))
    await until(lambda: model.requests)
    reader.drain()
    model.held.set()
    await reading
    assert read_checkpoint(folder.checkpoint(0)).page.blocks


async def test_a_page_that_was_not_asked_for_yet_is_let_go_when_the_daemon_stops(make_pool, folder):
    model = ToldModel([said(LETTER)])
    reader = GenerativeReader(await make_pool(WORKER), model, PROFILE)
    reader.drain()
    with pytest.raises(asyncio.CancelledError):
        await reader.call(page(folder), 10.0)
    assert (model.requests, model.drained) == ([], True)


async def test_a_jobs_own_prompt_and_profile_are_asked(make_pool, folder):
    terse = PROFILE.model_copy(
        update={"name": "terse", "prompt": "Briefly.", "modes": {"small": Picture(max_side=200)}, "mode": "small"}
    )
    worker = replace(WORKER, variants={"terse": terse.model_dump(mode="json")})
    reader = GenerativeReader(await make_pool(worker), model := ToldModel([said(LETTER)]), PROFILE, {"terse": terse})
    for profile, prompt in (("", ""), ("terse", ""), ("", "In full."), ("terse", "In full.")):
        await reader.call(replace(page(folder), profile=profile, prompt=prompt), PATIENCE)
    assert [request.prompt for request in model.requests] == [PROFILE.prompt, "Briefly.", "In full.", "In full."]
    assert [max(size) <= 200 for size in model.pictures] == [False, True, False, True]
    assert read_checkpoint(folder.checkpoint(0)).page is not None


async def test_a_profile_that_is_gone_costs_its_pages_and_says_so(make_pool, folder):
    reader = GenerativeReader(await make_pool(WORKER), ToldModel([said(LETTER)]), PROFILE)
    with pytest.raises(UnreadablePageError, match="terse") as caught:
        await reader.call(replace(page(folder), profile="terse"), PATIENCE)
    assert (caught.value.code, caught.value.final) == (ErrorCode.SETTINGS_UNAVAILABLE, True)

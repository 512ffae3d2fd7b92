"""What is said to vLLM in its process. A stand-in for the library takes it, since it cannot be installed everywhere."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from PIL import Image

from pdfocr_watcher.engines.generation import FinishReason, Generation, GenerationRequest, Sampling
from pdfocr_watcher.engines.vllm.recipe import Guard, HostSettings
from pdfocr_watcher.engines.vllm.runtime import VllmEngine

IDS = {"<td>": 5, "</td>": 6}


class Tokenizer:
    eos_token = "<end>"  # noqa: S105 - no password
    unk_token_id = 0

    def convert_tokens_to_ids(self, token):
        return IDS.get(token, self.unk_token_id)


class Library:
    """vLLM's engine: keeps what it is asked, and writes the same of every picture."""

    errored = False
    vllm_config = SimpleNamespace()

    def __init__(self):
        self.asked = []

    @classmethod
    def from_engine_args(cls, _arguments):
        return cls()

    def get_tokenizer(self):
        return Tokenizer()

    async def generate(self, prompt, sampling, number):
        self.asked.append((prompt["prompt"], sampling, number))
        text = SimpleNamespace(text="Text.<end>", finish_reason="stop", token_ids=[1, 2])
        yield SimpleNamespace(outputs=[text], prompt_token_ids=[1, 2, 3])


def rule():
    """Stands for the no-repeat rule."""


@pytest.fixture
def library(monkeypatch):
    """Put the stand-in in vLLM's place."""
    names = {
        "vllm": {"AsyncEngineArgs": dict, "SamplingParams": dict},
        "vllm.sampling_params": {"RequestOutputKind": SimpleNamespace(FINAL_ONLY="final")},
        "vllm.v1.engine.async_llm": {"AsyncLLM": Library},
        "vllm.v1.engine.exceptions": {"EngineDeadError": ChildProcessError},
        "vllm.rules": {"Rule": rule},
        "vllm.v1": {},
        "vllm.v1.engine": {},
    }
    for name, members in names.items():
        module = ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)


async def loaded(template="<image>\n{prompt}", **settings):
    engine = VllmEngine(HostSettings("/m", template, {"max_num_seqs": 1}, processor="vllm.rules:Rule", **settings))
    await engine.load()
    return engine


async def answered(engine, prompt="read"):
    request = GenerationRequest(Path("p.png"), prompt, Sampling(max_tokens=9, ngram_size=30, window_size=90))
    generation = await engine.generate(1, request, Image.new("RGB", (2, 2)))
    ((text, sampling, _),) = engine._engine.asked
    return generation, text, sampling


@pytest.mark.usefixtures("library")
async def test_a_page_is_asked_for_and_its_end_mark_is_taken_off():
    generation, text, sampling = await answered(await loaded())
    assert generation == Generation("Text.", FinishReason.STOP, 3, 2)
    assert text == "<image>\nread"
    assert sampling["max_tokens"] == 9


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("around", ["{", "{}", '{"task": {prompt}}', "{0!r}", "{{prompt}}"])
async def test_braces_in_a_template_or_a_prompt_are_text(around):
    engine = await loaded(f"<image>{around}{{prompt}}")
    _, text, _ = await answered(engine, 'Answer as {"a": {0}}')
    assert text == f"<image>{around}{{prompt}}".replace("{prompt}", 'Answer as {"a": {0}}')


@pytest.mark.usefixtures("library")
async def test_a_token_of_the_whitelist_that_the_model_has_not_is_noted():
    engine = await loaded(guards=(Guard.NGRAM,), whitelist=("<td>", "<tr>", "</td>", "<th>"))
    _, _, sampling = await answered(engine)
    assert sampling["extra_args"]["whitelist_token_ids"] == [5, 6]
    (note,) = engine.notes
    assert "the model has no token <tr>, <th>;" in note


@pytest.mark.usefixtures("library")
async def test_a_whitelist_that_the_model_has_or_that_no_rule_asks_for_is_not_noted():
    assert (await loaded(guards=(Guard.NGRAM,), whitelist=("<td>", "</td>"))).notes == []
    assert (await loaded(whitelist=("<tr>",))).notes == []


@pytest.mark.usefixtures("library")
async def test_a_page_that_is_read_again_is_drawn_by_the_same_lot():
    seeds = {(await answered(await loaded()))[2]["seed"] for _ in range(2)}
    assert len(seeds) == 1
    assert isinstance(seeds.pop(), int)

"""Keys that do not go together are refused, with the line of the one that is written last."""

import pytest


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "render:\n  queue_pages: 4\n  range_pages: 5\n",
            (
                "3: render.range_pages (5) must not be more than render.queue_pages (4): one renderer would "
                "make more pages than may exist"
            ),
        ),
        (
            "render:\n  queue_pages: 4\n",
            (
                "2: render.range_pages (16) must not be more than render.queue_pages (4): one renderer would "
                "make more pages than may exist"
            ),
        ),
        (
            "inbox:\n  settle_seconds: 40\n",
            (
                "2: inbox.settle_seconds (40) must not be more than inbox.unmarked_settle_seconds (30): a file "
                "without an end-of-file marker is waited for longer, not shorter"
            ),
        ),
        (
            "render:\n  max_pixels: 100000000\n  memory_bytes: 200000000\n",
            (
                "3: render.max_pixels (100000000) needs 300000000 bytes a page, more than "
                "render.memory_bytes (200000000) allows"
            ),
        ),
        (
            "engine:\n  memory_bytes: 2000\n",
            (
                "2: engine.memory_bytes (2000) is less than the 390000000 bytes that any engine needs for a page of "
                "render.max_pixels (40000000)"
            ),
        ),
        (
            "inbox:\n  ignore: ['@eaDir/']\n",
            "2: inbox.ignore: '@eaDir/' matches nothing: a pattern is for one name, without a '/'",
        ),
        (
            "engine:\n  languages: [eng, russan]\n",
            "2: engine.languages: there is no language 'russan'; did you mean \"russian\"?",
        ),
        (
            "engine:\n  languages: [klingon]\n",
            "2: engine.languages: there is no language 'klingon'; docs/languages.md has them",
        ),
        ("engine:\n  languages: []\n", "2: engine.languages: names no language; [auto] tells them from the pages"),
        (
            "engine:\n  languages: [auto, rus]\n",
            "2: engine.languages: auto stands alone, or the languages are named",
        ),
        ("engine:\n  tessdata: data\n", "2: engine.tessdata: 'data' must begin with / or ~/"),
        (
            "engine:\n  name: vllm\n  text_layer: auto\n",
            (
                "3: engine.text_layer: must be ignore with the engine vllm: its model reads pages as a whole, not the "
                "words of a layer"
            ),
        ),
    ],
)
def test_keys_that_do_not_go_together_are_refused(mistakes, text, message):
    assert mistakes(text) == [f"config.yaml:{message}"]


@pytest.mark.parametrize(
    "text",
    [
        "render: {queue_pages: 4, range_pages: 4}",
        "render: {max_pixels: 100000000, memory_bytes: 300000000}",
        "engine: {memory_bytes: 390000000}",
        "inbox: {settle_seconds: 30}",
        "engine: {languages: [no, Russian, chi-sim, EN]}",
        "engine: {languages: [ledger], tessdata: /srv/data}",
        "inbox: {ignore: []}",
        "engine: {name: rapidocr, text_layer: only}",
        "engine: {name: vllm, text_layer: ignore}",
    ],
)
def test_the_limit_itself_is_allowed(load, text):
    load(text)

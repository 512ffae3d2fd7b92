"""What is missing in a model's folder is named before vLLM spends minutes on it."""

import json
import os
import shutil
from pathlib import Path

import pytest

from pdfocr_watcher.engines.own_profiles import resolve_profile
from pdfocr_watcher.engines.vllm.model_folder import Gravity, cached_folder, look_at_model
from pdfocr_watcher.engines.vllm.weight_file import NotWholeError, read_weights

DEEPSEEK, DOTS = resolve_profile("deepseek-ocr", {}), resolve_profile("dots-ocr", {})
PROCESSOR = "there is neither preprocessor_config.json nor processor_config.json, which say how pictures are prepared"
ANOTHER = "config.json is of DeepseekOCRForCausalLM, and the profile dots-ocr is for DotsOCRForCausalLM"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0f1e\nsize 6672547120\n"


MARKUP = ["<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>"]
CELLS = ["<td>", "</td>"]


def added(*tokens: str) -> list[dict]:
    """Tokens as tokenizer.json has those that came later."""
    return [{"id": number, "content": token, "special": True} for number, token in enumerate(tokens, 128815)]


TOKENIZER = {"added_tokens": added(*MARKUP, *CELLS), "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []}}
NO_CELLS = (
    "advice: the tokenizer has no <td>, </td>: the rule against repetition makes no exception for that, which can "
    "break tables with many empty cells"
)
NO_MARKUP = (
    "advice: the tokenizer has no <|/ref|>, <|det|>, <|/det|>, with which the profile deepseek-ocr expects its boxes "
    "to be marked: is it that model's?"
)


def safetensors(**sizes: int) -> bytes:
    """A file of weights: each tensor has so many bytes."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, size in sizes.items():
        header[name] = {"dtype": "U8", "shape": [size], "data_offsets": [end, end + size]}
        end += size
    encoded = json.dumps(header).encode()
    encoded += b" " * (-len(encoded) % 8)
    return len(encoded).to_bytes(8, "little") + encoded + bytes(end)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that is whole: two files of weights and an index."""
    made = tmp_path / "model"
    made.mkdir()
    index = {"metadata": {}, "weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}
    index["weight_map"]["c"] = "model-2.safetensors"
    files = {
        "config.json": json.dumps({"architectures": ["DeepseekOCRForCausalLM"]}),
        "tokenizer.json": json.dumps(TOKENIZER),
        "preprocessor_config.json": "{}",
        "model.safetensors.index.json": json.dumps(index),
    }
    for name, text in files.items():
        (made / name).write_text(text)
    (made / "model-1.safetensors").write_bytes(safetensors(a=5000, b=3000))
    (made / "model-2.safetensors").write_bytes(safetensors(c=2000))
    return made


def told(folder: Path, profile=DEEPSEEK, **options) -> list[str]:
    """What is not good."""
    return [
        f"{remark.gravity}: {remark.text}"
        for remark in look_at_model(folder, profile, **options)
        if remark.gravity is not Gravity.GOOD
    ]


def test_a_model_that_is_whole_is_good(folder):
    remarks = look_at_model(folder, DEEPSEEK)
    assert [remark.text for remark in remarks] == [
        f"DeepseekOCRForCausalLM in {folder}",
        "0.00 GB of weights in 2 files, none cut off",
    ]
    assert told(folder) == []


def test_a_single_file_of_weights_needs_no_index(folder):
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "model.safetensors").write_bytes(safetensors(a=5000))
    assert told(folder) == []


def test_a_folder_that_is_not_there_or_none(folder):
    (one,) = told(folder / "no")
    assert one == f"missing: {folder / 'no'} is not there: name the folder of the weights in engine.model"
    assert "is no folder" in told(folder / "config.json")[0]


def test_an_empty_folder_lacks_everything(tmp_path):
    assert told(tmp_path, DOTS) == [
        f"missing: config.json is not there: {tmp_path} is not the folder of a model, or the copy is not whole",
        "missing: there is no tokenizer (tokenizer.json or tokenizer.model or vocab.json with merges.txt)",
        f"missing: {PROCESSOR}",
        "missing: there are no weights (*.safetensors)",
    ]


def test_another_model_than_the_profiles_is_named(folder):
    assert told(folder, DOTS) == [
        f"missing: {ANOTHER}: set engine.profile, or name another folder in engine.model",
    ]


def test_a_profile_without_an_architecture_takes_any(folder):
    assert told(folder, DEEPSEEK.model_copy(update={"architectures": ()})) == []


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, "null"])
def test_a_config_that_is_none(folder, text):
    (folder / "config.json").write_text(text)
    (one,) = told(folder)
    assert one.startswith("missing: config.json ")
    assert one.endswith("copy it again")


def test_a_config_without_an_architecture_is_only_mentioned(folder):
    (folder / "config.json").write_text('{"architectures": null}')
    assert told(folder) == ["advice: config.json names no architecture"]


def test_code_of_the_models_own_is_named_and_not_needed_unless_it_is_to_be_run(folder):
    config = {
        "architectures": ["DeepseekOCRForCausalLM"],
        "auto_map": {
            "AutoConfig": "modeling_ocr.Config",
            "AutoModel": ["modeling_ocr.Model", "other/repo--deep.Model"],
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    (one,) = told(folder)
    assert one.startswith("advice: it comes with code of its own (deep.py, modeling_ocr.py), which is not run")
    assert "vllm.trust_remote_code: true" in one
    (folder / "deep.py").write_text("")
    assert told(folder, trust_remote_code=True) == ["missing: modeling_ocr.py, the model's own code, is not there"]
    (folder / "modeling_ocr.py").write_text("")
    assert told(folder, trust_remote_code=True) == []


@pytest.mark.parametrize(
    "files",
    [
        {"tokenizer.model": "pieces"},
        {"vocab.json": json.dumps(dict.fromkeys([*MARKUP, *CELLS], 1)), "merges.txt": "#version: 0.2"},
        {"tekken.json": '{"vocab": []}'},
    ],
    ids=lambda files: next(iter(files)),
)
def test_any_kind_of_tokenizer_will_do(folder, files):
    (folder / "tokenizer.json").unlink()
    for name, content in files.items():
        assert "there is no tokenizer" in told(folder)[0]
        (folder / name).write_text(content)
    assert told(folder) == []


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("tokenizer.json", json.dumps(TOKENIZER)[:-20], "is not valid JSON: copy it again"),
        ("tokenizer.json", "", "is not valid JSON: copy it again"),
        ("tokenizer.json", "[]", "holds no settings: copy it again"),
        ("tokenizer.json", '{"model": {"vocab": 3}, "added_tokens": {}}', "holds no tokens: copy it again"),
        ("tokenizer.model", "", "is empty: copy it again"),
        ("tekken.json", "{", "is not valid JSON: copy it again"),
    ],
)
def test_a_tokenizer_that_is_cut_off_is_named(folder, name, content, fault):
    (folder / "tokenizer.json").unlink()
    (folder / name).write_text(content)
    assert told(folder) == [f"missing: {name} {fault}"]


@pytest.mark.parametrize(
    ("tokenizer", "remarks"),
    [
        (TOKENIZER | {"added_tokens": added(*MARKUP)}, [NO_CELLS]),
        (
            TOKENIZER | {"added_tokens": added(*CELLS, "<|ref|>")},
            [NO_MARKUP],
        ),
        ({"model": {"type": "Unigram", "vocab": [[token, -1.5] for token in [*MARKUP, *CELLS]]}}, []),
    ],
)
def test_tokens_that_the_profile_counts_on_are_looked_up(folder, tokenizer, remarks):
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert told(folder) == remarks


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("added_tokens.json", {"<td>": 128821, "</td>": 128822}),
        ("tokenizer_config.json", {"added_tokens_decoder": {"7": {"content": "<td>"}, "8": {"content": "</td>"}}}),
    ],
)
def test_tokens_may_have_been_added_in_other_files(folder, name, content):
    (folder / "tokenizer.json").write_text(json.dumps(TOKENIZER | {"added_tokens": added(*MARKUP)}))
    (folder / name).write_text("no json")
    assert told(folder) == [NO_CELLS]
    (folder / name).write_text(json.dumps(content))
    assert told(folder) == []


def test_the_processor_of_tiles_is_vllms_own(folder):
    (folder / "preprocessor_config.json").unlink()
    assert told(folder) == []
    assert told(folder, DOTS)[1] == f"missing: {PROCESSOR}"


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("model-2.safetensors", POINTER, "is a Git LFS pointer, not the weights: fetch them with `git lfs pull`"),
        ("model-2.safetensors", b"", "is empty"),
        ("model-2.safetensors", b"\x10", "is cut off in its header, or no .safetensors file"),
        ("model-2.safetensors", b"PK\x03\x04" * 100, "is cut off in its header, or no .safetensors file"),
        ("model-2.safetensors", safetensors(c=2000)[:-100], "is cut off: it has 2012 of 2112 bytes; copy it again"),
        ("model-2.safetensors", safetensors(c=2000) + b"x", "has 2113 bytes where its header says 2112; copy it again"),
        ("model-2.safetensors", safetensors(d=2000), "lacks 1 tensors that model.safetensors.index.json says it has"),
        ("tokenizer.json", POINTER, "is a Git LFS pointer, not the file: `git lfs pull`"),
        ("config.json", POINTER, "is a Git LFS pointer, not the file: `git lfs pull`"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named(folder, name, content, fault):
    (folder / name).write_bytes(content)
    assert told(folder) == [f"missing: {name} {fault}"]


@pytest.mark.parametrize("header", [b"{}x", b"[]", b'{"a": 1}', b'{"a": {"data_offsets": [0]}}', b"[" * 50_000])
def test_a_header_that_says_nothing_is_no_header(tmp_path, header):
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(NotWholeError, match=r"no \.safetensors file"):
        read_weights(path)


def test_files_of_weights_that_are_absent_are_counted_and_named(folder):
    (folder / "model-1.safetensors").unlink()
    assert told(folder) == ["missing: 1 of 2 files of weights are not there: model-1.safetensors"]
    (folder / "model-2.safetensors").unlink()
    (folder / "model-2.safetensors").symlink_to("../blobs/gone")
    assert told(folder) == ["missing: 2 of 2 files of weights are not there: model-1.safetensors, model-2.safetensors"]


def test_an_index_that_is_broken(folder):
    (folder / "model.safetensors.index.json").write_text("{")
    assert told(folder) == ["missing: model.safetensors.index.json is not valid JSON: copy it again"]


def test_an_index_cannot_lead_out_of_the_folder(folder):
    (folder / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../../etc/model-1.safetensors"}}')
    assert told(folder) == []


def test_weights_of_another_kind_are_let_through_with_a_word(folder):
    for path in folder.glob("model*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"x")
    (one,) = told(folder)
    assert one.startswith("advice: the weights are in pytorch_model.bin; whether they are whole cannot be seen")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read(folder):
    (folder / "tokenizer.json").chmod(0)
    (one,) = told(folder)
    assert one.startswith(f"missing: {folder / 'tokenizer.json'} cannot be read")


@pytest.mark.parametrize(
    "variables",
    [{"HOME": "{}"}, {"XDG_CACHE_HOME": "{}/.cache"}, {"HF_HOME": "{}/.cache/huggingface"}, {"HF_HUB_CACHE": "{}/hub"}],
)
def test_a_model_is_found_in_the_cache_of_the_hub(tmp_path, folder, variables):
    environment = {name: value.format(tmp_path) for name, value in variables.items()}
    assert cached_folder("me/mine", environment) is None
    hub = tmp_path / ("hub" if "HF_HUB_CACHE" in variables else ".cache/huggingface/hub")
    kept = hub / "models--me--mine"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs" / "main").write_text("abc123\n")
    assert cached_folder("me/mine", environment) is None, "named, but not there"
    shutil.copytree(folder, kept / "snapshots" / "abc123")
    found = cached_folder("me/mine", environment)
    assert found is not None
    assert told(found) == []

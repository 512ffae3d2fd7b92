"""What the documentation says holds: its links, its commands, its configurations, the tests that show a promise."""

import re
import shlex

import pytest
import yaml
from typer.testing import CliRunner

from pdfocr_watcher.cli.app import app
from pdfocr_watcher.config.folder_file import parse_folder_file
from pdfocr_watcher.config.folder_rules import FolderRules
from pdfocr_watcher.config.model import Config
from tests.pages import ROOT, blocks

_PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")])
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
#: Blocks of a shell, lines that are set in, what stands between words; other blocks are passed over.
_CODE = re.compile(
    r"^```sh\n(?P<block>.*?)^```|^```.*?^```|^    (?P<line>(?:\$ )?pdfocr-watcher .*?)$|`(?P<inline>[^`]+)`",
    re.MULTILINE | re.DOTALL,
)
_TEST = re.compile(r"`(?P<file>(?:tests|benchmarks)/[\w/]+\.py)?(?:::(?P<name>test_\w+))?`")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    missing = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def _commands(page):
    """The program's own commands on a page, without its name, in blocks and between words."""
    for code in _CODE.finditer(page.read_text(encoding="utf-8")):
        for line in re.split(r"\n|&&", code[code.lastgroup or 0]):
            if "pdfocr-watcher " in line:
                words = shlex.split(line.removeprefix("$ "), comments=True)
                while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                    del words[0]
                if words and words[0].rpartition("/")[2] == "pdfocr-watcher":
                    yield words[1:]


def _refused(words):
    """What the command line says against a command and its options; it is not run."""
    told = CliRunner().invoke(app, [*words, "--help"])
    return told.output if told.exit_code else None


def test_every_command_is_one_that_there_is():
    seen, wrong = set(), []
    for page in _PAGES:
        for words in _commands(page):
            seen.add(words[0])
            if (reason := _refused(words)) is not None:
                wrong.append(f"{page.name}: {shlex.join(words)}: {reason}")
    assert wrong == []
    assert {"init", "run", "once", "doctor", "models", "install-service", "purge", "health", "config"} <= seen
    assert _refused(["purge", "--retentoin"])
    assert _refused(["models", "fetch"])


def test_every_configuration_is_one_that_is_taken():
    samples = [sample for page in _PAGES for sample in blocks(page.relative_to(ROOT), "yaml")]
    of_folders = [sample for sample in samples if sample.startswith("dpi:")]
    assert len(of_folders) == 1
    assert parse_folder_file(of_folders[0].encode(), FolderRules(profiles=("terse",), languages=True)).dpi == 300
    for sample in samples:
        if sample not in of_folders:
            assert Config.model_validate(yaml.safe_load(sample)).model_fields_set
    assert len(samples) > 10


def test_every_test_that_shows_a_promise_is_there():
    missing, file, seen = [], "", 0
    for match in _TEST.finditer((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")):
        file, name = match["file"] or file, match["name"]
        if not file:
            continue
        seen += 1
        path = ROOT / file
        if not path.is_file() or (name and f"def {name}(" not in path.read_text(encoding="utf-8")):
            missing.append(match[0])
    assert missing == []
    assert seen > 30

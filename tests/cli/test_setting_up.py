"""init, config and doctor."""

import os
import re
from pathlib import Path

import pytest

from pdfocr_watcher.config.load import load_config
from tests.cli.conftest import Command


@pytest.fixture
def made(command: Command, tmp_path: Path) -> Path:
    """A folder as `init` makes it."""
    folder = tmp_path / "srv" / "ocr"
    assert command("init", folder).status == 0
    return folder


def test_init_makes_everything_that_is_needed(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == {"config.yaml", "inbox", "jobs", "outbox", "failed"}
    assert load_config(made / "config.yaml", {}).folders.inbox == made / "inbox"


def test_init_says_how_to_go_on(command: Command, tmp_path: Path) -> None:
    said = command("init", tmp_path / "new")
    assert f"pdfocr-watcher run --config {tmp_path / 'new' / 'config.yaml'}" in said.out


def test_init_leaves_a_configuration_that_is_there(command: Command, made: Path) -> None:
    config = made / "config.yaml"
    config.write_text("engine: null\n")
    said = command("init", made)
    assert said.status == 0
    assert "stays as it is" in said.out
    assert config.read_text() == "engine: null\n"


def test_init_can_drop_a_sample(command: Command, made: Path) -> None:
    assert command("init", made, "--sample").status == 0
    assert [path.read_bytes()[:5] for path in (made / "inbox").iterdir()] == [b"%PDF-"]


def test_init_for_a_group_makes_folders_that_it_shares(command: Command, tmp_path: Path) -> None:
    folder, gid = tmp_path / "office", os.getgid()
    assert command("init", folder, "--group", str(gid)).status == 0
    assert load_config(folder / "config.yaml", {}).permissions.group == str(gid)
    found = {name: (folder / name).stat() for name in ("inbox", "jobs", "outbox", "failed")}
    assert {status.st_gid for status in found.values()} == {gid}
    modes = {name: f"{status.st_mode & 0o7777:o}" for name, status in found.items()}
    assert modes == {"inbox": "2770", "jobs": "2750", "outbox": "2770", "failed": "2770"}


def test_init_for_a_group_that_there_is_not_writes_nothing(command: Command, tmp_path: Path) -> None:
    said = command("init", tmp_path / "new", "--group", "no-such-group")
    assert said.status == 78
    assert "no-such-group" in said.err
    assert not (tmp_path / "new").exists()


def test_doctor_says_whose_the_results_will_be(command: Command, made: Path) -> None:
    said = command("doctor", "--config", made / "config.yaml")
    assert re.search("^good +results: belong to ", said.out, re.MULTILINE)
    (made / "jobs").chmod(0o770)
    said = command("doctor", "--config", made / "config.yaml")
    assert f"chmod go-w {made / 'jobs'}" in said.out


def test_init_where_a_file_is_in_the_way(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = command("init", tmp_path / "file")
    assert said.status in {73, 74}
    assert str(tmp_path / "file") in said.err


def test_config_prints_what_is_in_force(
    command: Command, made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (made / "config.yaml").write_text("engine: null\nrender: {dpi: 123}\n")
    monkeypatch.setenv("PDFOCR_WATCHER__INBOX__SETTLE_SECONDS", "7")
    said = command("config", "--config", made / "config.yaml")
    assert said.status == 0
    (tmp_path / "printed.yaml").write_text(said.out)
    printed = load_config(tmp_path / "printed.yaml", {})
    assert (printed.engine.name, printed.render.dpi, printed.inbox.settle_seconds) == ("null", 123, 7)
    assert printed.folders.inbox == made / "inbox"


def test_config_check_of_a_good_one(command: Command, made: Path) -> None:
    said = command("config", "--check", "-c", made / "config.yaml")
    assert (said.status, said.out) == (0, f"{made / 'config.yaml'}: good.\n")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("render: {dpl: 200}\n", 'did you mean "render.dpi"'),
        ("render: {dpi: many}\n", "dpi"),
        ("folders: {inbox: outbox/in}\n", "outbox"),
        ("render: [\n", "config.yaml"),
    ],
    ids=["an unknown key", "a wrong type", "the inbox in the outbox", "no YAML"],
)
def test_config_check_of_a_bad_one(command: Command, made: Path, text: str, told: str) -> None:
    (made / "config.yaml").write_text(text)
    said = command("config", "--check", "-c", made / "config.yaml")
    assert said.status == 78
    assert told in said.err
    assert re.search(r"config\.yaml:[12]:", said.err), "the line is named"


def test_a_configuration_that_is_not_there(command: Command, tmp_path: Path) -> None:
    for name in ("config", "doctor", "list"):
        said = command(name, "-c", tmp_path / "none.yaml")
        assert said.status == 78
        assert str(tmp_path / "none.yaml") in said.err


def test_doctor_on_a_machine_where_all_is_well(command: Command, made: Path) -> None:
    (made / "config.yaml").write_text("engine: null\ninbox: {min_free_bytes: 0}\n")
    said = command("doctor", "-c", made / "config.yaml")
    assert said.status == 0
    assert "missing" not in said.out
    for name in ("inbox", "jobs", "outbox", "failed"):
        assert f"{name}: {made / name}" in said.out


def test_doctor_names_what_is_missing(command: Command, made: Path) -> None:
    (made / "config.yaml").write_text("engine: null\ninbox: {min_free_bytes: 1000000000000000}\n")
    (made / "inbox").rmdir()
    said = command("doctor", "-c", made / "config.yaml")
    assert said.status == 1
    missing = [line for line in said.out.splitlines() if line.startswith("missing")]
    assert [line.split()[1].rstrip(":") for line in missing] == ["inbox", "free"]


def test_doctor_names_a_file_that_a_daemon_left_half_claimed(command: Command, made: Path) -> None:
    private = ".pdfocr-20260102T030405Z-3f9a1c2b-letter.pdf"
    (made / "inbox" / "office").mkdir()
    (made / "inbox" / "office" / private).touch()
    said = " ".join(command("doctor", "-c", made / "config.yaml").out.split())
    assert "1 files in the inbox" in said
    assert f"mv 'office/{private}'" in said


def test_doctor_looks_at_the_defaults_where_there_is_no_configuration(command: Command) -> None:
    said = command("doctor")
    assert "init DIR" in said.out
    assert "engine: rapidocr" in said.out


@pytest.mark.parametrize("where", ["./config.yaml", "PDFOCR_WATCHER_CONFIG"])
def test_doctor_does_not_pass_over_a_faulty_configuration_that_it_finds_by_itself(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """To look at the defaults instead would call a machine healthy on which no daemon starts."""
    config = tmp_path / "named.yaml"
    if where == "./config.yaml":
        config = Path("config.yaml")
    else:
        monkeypatch.setenv(where, str(config))
    config.write_text("render: {dpl: 200}\n")
    said = command("doctor")
    assert said.status == 78
    assert f"{config.name}:1:" in said.err
    assert "render.dpl" in said.err
    assert said.out == ""


def test_doctor_does_not_pass_over_a_configuration_that_the_environment_names_in_vain(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PDFOCR_WATCHER_CONFIG", str(tmp_path / "none.yaml"))
    said = command("doctor")
    assert said.status == 78
    assert str(tmp_path / "none.yaml") in said.err


@pytest.mark.parametrize(
    ("renderer", "status", "level"), [("poppler", 1, "missing"), ("pdfium", 0, "good"), ("auto", 0, "advice")]
)
def test_doctor_without_poppler(
    command: Command,
    made: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    renderer: str,
    status: int,
    level: str,
) -> None:
    """It is missing only where the configuration insists on it."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (made / "config.yaml").write_text(f"engine: null\ninbox: {{min_free_bytes: 0}}\nrender: {{renderer: {renderer}}}\n")
    said = command("doctor", "-c", made / "config.yaml")
    assert said.status == status
    (line,) = [line for line in said.out.splitlines() if "renderer:" in line]
    assert line.split()[0].lower() == level
    if renderer == "poppler":
        assert "poppler-utils" in line


def test_doctor_lists_the_languages_that_tesseract_reads(command: Command, made: Path) -> None:
    data = made / "data"
    data.mkdir()
    (made / "config.yaml").write_text(f"engine: {{name: rapidocr, tessdata: {data}}}\n")
    said = " ".join(command("doctor", "-c", made / "config.yaml").out.split())
    assert f"no language data in {data}: only Latin, Chinese and Japanese pages can be read" in said
    assert "`apt-get install tesseract-ocr-eng tesseract-ocr-rus`" in said
    for code in ("rus", "eng", "osd"):
        (data / f"{code}.traineddata").touch()
    said = " ".join(command("doctor", "-c", made / "config.yaml").out.split())
    assert f"languages: eng, rus for Tesseract in {data}" in said


def test_doctor_misses_a_language_that_is_configured(command: Command, made: Path) -> None:
    (made / "config.yaml").write_text(f"engine: {{name: tesseract, languages: [thai], tessdata: {made}}}\n")
    said = command("doctor", "-c", made / "config.yaml")
    assert said.status == 1
    assert "apt-get install tesseract-ocr-" in said.out

"""The file with the passwords for encrypted PDFs is one that only the daemon's own people can read."""

from pathlib import Path

import pytest

from pdfocr_watcher.config.passwords import MOST_PASSWORDS, PasswordsFile
from pdfocr_watcher.errors import ErrorCode, PdfocrError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "passwords"
    path.touch(mode=0o640)
    return PasswordsFile(path)


def refusal(file: PasswordsFile) -> str:
    with pytest.raises(PdfocrError) as caught:
        file.read()
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    return caught.value.detail


@pytest.mark.parametrize(
    ("content", "passwords"),
    [
        (b"", ()),
        (b"one\ntwo\n", (b"one", b"two")),
        (b"\xef\xbb\xbfone\r\n\r\ntwo", (b"one", b"two")),
        (b"# no comment\n with spaces \none\none\n", (b"# no comment", b" with spaces ", b"one")),
        (b"latin-\xe9\n", (b"latin-\xe9",)),
    ],
)
def test_every_line_is_a_password_as_it_stands(file, content, passwords):
    file.path.write_bytes(content)
    assert file.read() == passwords


def test_a_file_that_everybody_may_read_is_refused_with_what_mends_it(file):
    file.path.write_bytes(b"topsecret\n")
    file.path.chmod(0o644)
    said = refusal(file)
    assert f"chmod o= {file.path}" in said
    assert "topsecret" not in said


@pytest.mark.parametrize("line", [b"top\0secret", b"topsecret" * 15])
def test_a_line_that_can_be_no_password_is_named_and_not_told(file, line):
    file.path.write_bytes(b"fine\n" + line + b"\n")
    said = refusal(file)
    assert "line 2" in said
    assert "topsecret" not in said


def test_there_may_be_no_more_of_them_than_can_be_tried(file):
    file.path.write_bytes(b"".join(b"%d\n" % number for number in range(MOST_PASSWORDS)))
    assert len(file.read()) == MOST_PASSWORDS
    file.path.write_bytes(b"".join(b"%d\n" % number for number in range(MOST_PASSWORDS + 1)))
    assert str(MOST_PASSWORDS) in refusal(file)


def test_a_file_that_is_none_is_said(file):
    file.path.unlink()
    assert "No such file" in refusal(file)
    file.path.mkdir()
    assert str(file.path) in refusal(file)


def test_it_may_not_lie_where_people_put_their_pdfs(mistakes, tmp_path):
    assert mistakes("render:\n  passwords_file: passwords\n") == [
        "config.yaml:2: render.passwords_file: 'passwords' must begin with / or ~/, for it does not lie with the PDFs"
    ]
    (tmp_path / "way").symlink_to(tmp_path / "inbox")
    for name, folder in (("keys", "root"), ("inbox/keys", "inbox"), ("way/keys", "inbox"), ("jobs/keys", "jobs")):
        (said,) = mistakes(f"render:\n  passwords_file: {tmp_path}/{name}\n")
        assert said.endswith(f"lies in folders.{folder}, where others may read it")


def test_it_lies_elsewhere(load, tmp_path):
    beside = f"{Path(tmp_path).parent}/keys"
    config = load(f"folders: {{root: site}}\nrender: {{passwords_file: {beside}}}\n")
    assert PasswordsFile.named(config.render.passwords_file) == PasswordsFile(Path(beside))
    assert PasswordsFile.named("") is None

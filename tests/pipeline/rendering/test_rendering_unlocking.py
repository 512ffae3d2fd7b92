"""An encrypted document becomes a copy that every renderer opens, and nobody learns the passwords by it."""

import io
import warnings
from pathlib import Path

import pikepdf
import pytest

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import Unlocker, bounded, unlocking
from tests.pdfs import born_digital, damaged

TIMEOUT = 30.0
#: The standard's revisions of encryption: RC4 of 40 and 128 bits, AES of 128 bits, and of 256 bits in two ways.
REVISIONS = (2, 3, 4, 5, 6)


@pytest.fixture
def unlock(tmp_path, protection):
    """Make a copy of a document's bytes, and give its path."""

    def make(content: bytes, *passwords: bytes):
        source, target = tmp_path / "locked.pdf", tmp_path / "rasters" / "unlocked.pdf"
        source.write_bytes(content)
        target.parent.mkdir(exist_ok=True)
        try:
            Unlocker(lambda: passwords, 4_000_000_000, protection).unlock(source, target, TIMEOUT)
        finally:
            assert [path.name for path in target.parent.iterdir()] == ["unlocked.pdf"] * target.exists()
            assert source.read_bytes() == content
        return target

    return make


def locked(revision: int = 6, user: str = "secret", owner: str = "other", pages: int = 2) -> bytes:
    buffer = io.BytesIO()
    modern = revision >= 4
    with warnings.catch_warnings(), pikepdf.open(io.BytesIO(born_digital(pages))) as pdf:
        warnings.simplefilter("ignore")  # the fifth revision is deprecated, and met all the same
        pdf.save(buffer, encryption=pikepdf.Encryption(user=user, owner=owner, R=revision, aes=modern, metadata=modern))
    return buffer.getvalue()


def code(call, *arguments):
    with pytest.raises(PdfocrError) as caught:
        call(*arguments)
    return caught.value.code


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize("password", ["secret", "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ss"])
def test_every_kind_of_encryption_is_opened_by_the_password(unlock, rasterizer, revision, password):
    copy = unlock(locked(revision, password), b"wrong", password.encode())
    assert len(rasterizer.inspect(copy, 10, TIMEOUT)) == 2
    with pikepdf.open(copy) as pdf, pikepdf.open(io.BytesIO(born_digital(2))) as plain:
        assert not pdf.is_encrypted
        texts = [b"".join(page.Contents.read_bytes() for page in document.pages) for document in (pdf, plain)]
        assert texts[0] == texts[1]


def test_the_owners_password_does_as_well(unlock, rasterizer):
    assert len(rasterizer.inspect(unlock(locked(), b"other"), 10, TIMEOUT)) == 2


def test_the_copy_is_for_the_daemon_alone(unlock):
    assert unlock(locked(), b"secret").stat().st_mode & 0o777 == 0o600


def test_without_the_right_password_there_is_no_copy_and_the_advice_says_where_to_put_it(unlock):
    with pytest.raises(PdfocrError) as caught:
        unlock(locked(), b"wrong", b"Secret", b"secret ")
    assert caught.value.code is ErrorCode.PDF_ENCRYPTED
    assert "None of the 3 passwords" in str(caught.value)
    assert "render.passwords_file" in str(caught.value)


def test_a_document_that_is_none_is_damaged(unlock):
    assert code(unlock, damaged(), b"secret") is ErrorCode.PDF_DAMAGED


def test_passwords_that_cannot_be_had_are_the_documents_trouble_and_not_told_there(tmp_path):
    def passwords():
        raise PdfocrError(ErrorCode.CONFIG_INVALID, "/etc/keys cannot be read.")

    with pytest.raises(PdfocrError) as caught:
        Unlocker(passwords, 4_000_000_000).unlock(tmp_path / "any.pdf", tmp_path / "unlocked.pdf", TIMEOUT)
    assert caught.value.code is ErrorCode.PDF_ENCRYPTED
    assert "/etc/keys" not in str(caught.value)


def test_the_passwords_stand_in_no_command_line_and_no_environment(unlock, monkeypatch):
    started = []
    start = bounded._deaf_start

    def watch(args, environment, source):
        started.append((*args, *environment.values(), str(Path(f"/proc/self/fd/{source}").readlink())))
        return start(args, environment, source)

    monkeypatch.setattr(bounded, "_deaf_start", watch)
    unlock(locked(), b"wrong", b"secret")
    assert len(started) == 1
    assert not [word for word in started[0] if "secret" in word or "wrong" in word]


def test_a_copy_that_grows_without_end_is_given_up(unlock, monkeypatch):
    monkeypatch.setattr(unlocking, "_GROWTH", 0)
    monkeypatch.setattr(unlocking, "_SPARE_BYTES", 1000)
    assert code(unlock, locked(pages=30), b"secret") is ErrorCode.PDF_DAMAGED

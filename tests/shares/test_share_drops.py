"""PDFs that come over a real SMB share: each becomes one result, byte for byte what was sent, and never a part of it.

The daemon's waits are far shorter than the pauses of the copies.
"""

import random
import threading
import time
from pathlib import Path

import pytest

from tests.end_to_end.harness import Site, wait_for
from tests.pdfs import born_digital
from tests.shares.conftest import MakeOffice, Office
from tests.shares.windows import OLD_DATE, SHARE_MODES, Computer

#: Longer than both waits of the daemon.
PAUSE = 0.6
#: Time enough to do something while a file settles.
SETTLING = {"inbox": {"settle_seconds": 1.5, "unmarked_settle_seconds": 3.0, "rescan_interval": 0.3}}

NAMES = [
    "Müllers Straße, größer.pdf", "zwei  Leerzeichen und .pdf", "履歴書 令和8年.pdf", "отчёт.pdf", "😀 smile.pdf",
    "Mu\u0308ller, Ä und ä.pdf", "100% #1 & [so] {weiter}; 'ja'.PDF", "x" * 200 + ".pdf",
]  # fmt: skip


def pdf(mark: object = "") -> bytes:
    """A PDF of two pages that differs from all with another mark."""
    return born_digital(2) + f"%% {mark}\n".encode()


def sent(tmp_path: Path, content: bytes, name: str = "local.pdf") -> Path:
    """A local file for smbclient to send."""
    path = tmp_path / name
    path.write_bytes(content)
    return path


def assert_done(site: Site, source: str, content: bytes) -> None:
    """One result of the source, complete, and nothing left of the drop."""
    job = site.result(source)
    assert job.status["status"] == "completed"
    assert (job.status["filename"], job.status["bytes"]) == (source.rpartition("/")[2], len(content))
    assert (job.folder / "input.pdf").read_bytes() == content
    assert job.text().count("<--- Page Split --->") == job.status["total_pages"]
    assert not (site.inbox / source).exists()


def test_a_file_that_is_put_belongs_to_the_daemons_user_and_is_done(office: Office, tmp_path: Path) -> None:
    content = pdf("put")
    office.samba.smbclient("cd inbox", f'put "{sent(tmp_path, content)}" put.pdf')
    assert_done(office.site, "put.pdf", content)
    found = (office.site.result("put.pdf").folder / "input.pdf").stat()
    assert (found.st_uid, found.st_mode & 0o777) == (office.site.root.stat().st_uid, 0o660)


def test_a_file_under_a_temporary_name_is_done_once_it_has_its_own(office: Office, tmp_path: Path) -> None:
    content = pdf("renamed")
    office.samba.smbclient("cd inbox", f'put "{sent(tmp_path, content)}" scan.pdf.part')
    time.sleep(2 * PAUSE)
    assert (office.site.inbox / "scan.pdf.part").read_bytes() == content
    office.samba.smbclient("cd inbox", "rename scan.pdf.part scan.pdf")
    assert_done(office.site, "scan.pdf", content)


def test_a_sub_folder_is_made_filled_and_kept_in_the_results_path(office: Office, tmp_path: Path) -> None:
    content = pdf("below")
    folder = "inbox/Eingang/März"
    office.samba.smbclient(
        "mkdir inbox/Eingang", f"mkdir {folder}", f"cd {folder}", f'put "{sent(tmp_path, content)}" a.pdf'
    )
    assert_done(office.site, "Eingang/März/a.pdf", content)
    assert office.site.result("Eingang/März/a.pdf").folder.parent == office.site.outbox / "Eingang/März"


def test_names_of_all_kinds(office: Office) -> None:
    computer = office.computer()
    for name in NAMES:
        computer.copy(f"inbox/{name}", pdf(name))
    for name in NAMES:
        assert_done(office.site, name, pdf(name))
        # The result is found again by who dropped the file.
        folder = office.site.result(name).folder.relative_to(office.site.root).as_posix()
        assert computer.read(f"{folder}/input.pdf") == pdf(name)


@pytest.mark.parametrize("sharing", SHARE_MODES)
def test_a_copy_by_explorer_with_long_pauses_is_taken_when_it_is_whole(office: Office, sharing: str | None) -> None:
    name, content = f"explorer-{sharing}.pdf", pdf(sharing)

    def nothing_claimed() -> None:
        found = (office.site.inbox / name).stat()
        # At its final size all the time.
        assert found.st_size == len(content)
        assert not office.site.in_work()
        assert not office.site.results(name)

    office.computer().copy(f"inbox/{name}", content, sharing, pause=PAUSE, meanwhile=nothing_claimed)
    assert_done(office.site, name, content)
    # The date of its source did not make it look older than it was.
    assert (office.site.result(name).folder / "input.pdf").stat().st_mtime == OLD_DATE.timestamp()


def test_a_scanner_that_makes_an_empty_file_first_and_comes_back_later(make_office: MakeOffice) -> None:
    office = make_office({"inbox": {"settle_seconds": 0.1, "unmarked_settle_seconds": 4.0}})
    computer, content = office.computer(), pdf("scanner")
    computer.open("inbox/scan.pdf", "wb").close()
    time.sleep(1.5)
    with computer.open("inbox/scan.pdf", "wb") as file:
        file.write(content)
    assert_done(office.site, "scan.pdf", content)
    assert len(office.site.results()) == 1


def test_a_file_that_is_overwritten_while_it_settles_is_done_once_as_it_was_last(
    make_office: MakeOffice, tmp_path: Path
) -> None:
    office = make_office(SETTLING)
    contents = [pdf("first"), pdf("second, and a little longer"), pdf("third")]
    for number, content in enumerate(contents):
        office.samba.smbclient("cd inbox", f'put "{sent(tmp_path, content, f"{number}.pdf")}" letter.pdf')
        time.sleep(0.3)
    assert_done(office.site, "letter.pdf", contents[-1])
    assert len(office.site.results()) == 1


def test_a_file_that_is_deleted_before_it_is_claimed_leaves_nothing(make_office: MakeOffice, tmp_path: Path) -> None:
    office = make_office(SETTLING)
    content = pdf("stays")
    office.samba.smbclient("cd inbox", f'put "{sent(tmp_path, content)}" regretted.pdf')
    time.sleep(0.5)
    office.samba.smbclient("cd inbox", "rm regretted.pdf", f'put "{sent(tmp_path, content)}" stays.pdf')
    assert_done(office.site, "stays.pdf", content)
    assert [job.status["source"] for job in office.site.results()] == ["stays.pdf"]
    assert not list(office.site.jobs.glob("2*"))


@pytest.mark.parametrize("final_size_first", [True, False], ids=["final size first", "growing"])
def test_a_computer_that_dies_in_the_middle_and_starts_over(make_office: MakeOffice, *, final_size_first: bool) -> None:
    office = make_office({"inbox": {"settle_seconds": 0.1, "unmarked_settle_seconds": 6.0}})
    content = pdf("started over")
    computer = office.computer()
    file = computer.open("inbox/letter.pdf", "wb", None)
    if final_size_first:
        file.truncate(len(content))
    file.write(content[: len(content) // 2])
    computer.vanish()
    time.sleep(2 * PAUSE)
    assert not office.site.in_work()
    office.computer().copy("inbox/letter.pdf", content, pause=PAUSE)
    assert_done(office.site, "letter.pdf", content)
    assert len(office.site.results()) == 1


def test_files_that_are_renamed_while_the_daemon_wants_them_are_done_once_each(office: Office) -> None:
    """Each rename comes at another moment around the claim; one that comes too late finds nothing to rename."""
    computer, moments = office.computer(), random.Random(20261123)  # noqa: S311 - moments, not secrets
    contents = {f"renamed-{number}.pdf": pdf(f"renamed {number}") for number in range(25)}
    too_late = 0
    for name, content in contents.items():
        computer.copy(f"inbox/{name}", content, pieces=1)
        time.sleep(moments.uniform(0.0, 0.35))
        try:
            computer.rename(f"inbox/{name}", f"inbox/new-{name}")
        except OSError:
            too_late += 1
    assert 0 < too_late < len(contents), "the renames met the claims"

    def of_these() -> list[bytes]:
        found = [job for job in office.site.results() if "renamed-" in job.status["source"]]
        return [(job.folder / "input.pdf").read_bytes() for job in found]

    wait_for(lambda: len(of_these()) >= len(contents), "a result for each")
    time.sleep(2 * PAUSE)
    assert sorted(of_these()) == sorted(contents.values())


def test_a_viewer_that_holds_a_pdf_open_does_not_keep_it_from_being_done(office: Office) -> None:
    """Without the right to delete being shared, as old viewers open a file: the server's own renames go through."""
    computer, content = office.computer(), pdf("viewed")
    computer.copy("inbox/viewed.part", content)
    with computer.open("inbox/viewed.part", sharing="r") as viewer:
        (office.site.inbox / "viewed.part").rename(office.site.inbox / "viewed.pdf")
        assert_done(office.site, "viewed.pdf", content)
        assert viewer.readall() == content


def test_a_writer_that_never_lets_go_holds_up_nobody_else(office: Office) -> None:
    computer, content = office.computer(), pdf("held")
    with computer.begun_copy("inbox/held.pdf", len(content), "rwd") as file:
        file.write(content)
        other = office.computer()
        other.copy("inbox/other.pdf", pdf("other"))
        assert_done(office.site, "other.pdf", pdf("other"))
        time.sleep(PAUSE)
        assert not office.site.results("held.pdf")
    assert_done(office.site, "held.pdf", content)


def test_several_computers_copy_at_a_time(office: Office) -> None:
    def work(computer: Computer, person: int) -> None:
        moments = random.Random(person)  # noqa: S311 - moments, not secrets
        computer.make_folder(f"inbox/person-{person}")
        for number in range(4):
            name, mark = f"person-{person}/{number}.pdf", f"{person} {number}"
            computer.copy(f"inbox/{name}", pdf(mark), moments.choice(SHARE_MODES), pause=moments.uniform(0.0, 0.4))

    threads = [threading.Thread(target=work, args=(office.computer(), person)) for person in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for person in range(4):
        for number in range(4):
            assert_done(office.site, f"person-{person}/{number}.pdf", pdf(f"{person} {number}"))

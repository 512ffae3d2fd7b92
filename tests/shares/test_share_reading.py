"""What people see over a real SMB share while the daemon works: always whole, and their looking never stops it."""

import errno
import json
import threading
from collections.abc import Callable

import jsonschema
import pytest
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    RequestedOplockLevel,
    ShareAccess,
)

from tests.end_to_end.harness import LIMIT, ONE_BY_ONE, Job, read_json, shipped_schema, wait_for
from tests.pdfs import born_digital, with_figure
from tests.shares.conftest import MakeOffice, Office
from tests.shares.windows import Computer

#: So many seconds of work, with a second's progress at a time told of a job that lies elsewhere.
PAGES = 45
#: The last one names a job folder inside the share, as by default; the recipe puts the jobs beside it.
LAYOUTS = {"the recipe's": {}, "jobs on the share": {"folders": {"jobs": "jobs"}}}


def on_share(office: Office, job: Job) -> str:
    """Where a job's folder lies below the share."""
    return job.folder.relative_to(office.site.root).as_posix()


def status_names(office: Office) -> list[str]:
    """Where the status of jobs in work is to be found below the share."""
    inside = office.site.jobs.is_relative_to(office.site.root)
    if inside:
        return [f"{on_share(office, job)}/status.json" for job in office.site.in_work()]
    return [f"status/{path.name}" for path in (office.site.root / "status").glob("[!.]*.json")]


def read_if_there(computer: Computer, name: str) -> bytes | None:
    """A file's content; None if it has gone, for a job that is delivered takes its status along."""
    try:
        return computer.read(name)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise


@pytest.mark.parametrize("layout", LAYOUTS)
def test_status_and_health_are_whole_and_valid_at_every_look(make_office: MakeOffice, layout: str) -> None:
    office = make_office({**ONE_BY_ONE, **LAYOUTS[layout]})
    computer, schema = office.computer(), shipped_schema("status.schema.json")
    computer.copy("inbox/book.pdf", born_digital(PAGES))
    seen: list[tuple[str, int]] = []

    def looked() -> bool:
        for name in status_names(office):
            data = read_if_there(computer, name)
            if data is not None:
                status = json.loads(data)
                jsonschema.validate(status, schema)
                seen.append((status["status"], status["processed_pages"]))
        jsonschema.validate(json.loads(computer.read("health.json")), shipped_schema("health.schema.json"))
        # Nobody meets a file that is not finished.
        assert not [name for name in computer.names("") if name.startswith(".pdfocr-")]
        return bool(office.site.results("book.pdf"))

    wait_for(looked, "the result")
    pages = [done for _, done in seen]
    assert pages == sorted(pages)
    # Of a job that lies elsewhere progress is told once a second.
    least = PAGES // 3 if office.site.jobs.is_relative_to(office.site.root) else 2
    assert len(set(pages)) > least, "it counts up before the eyes of who looks"
    job = office.site.result("book.pdf")
    final = json.loads(computer.read(f"{on_share(office, job)}/status.json"))
    assert (final["status"], final["processed_pages"]) == ("completed", PAGES)


def test_a_status_that_somebody_keeps_to_himself_stops_nothing(make_office: MakeOffice) -> None:
    office = make_office(ONE_BY_ONE)
    computer, other = office.computer(), office.computer()
    computer.copy("inbox/book.pdf", born_digital(PAGES))
    office.site.processed(1)
    (name,) = wait_for(lambda: status_names(office), "a status on the share")
    with computer.open(name, sharing=None) as kept:
        before = json.loads(kept.readall())
        office.site.processed(before["processed_pages"] + 2)
        shown = office.site.root / name
        wait_for(lambda: (read_json(shown) or {}).get("processed_pages") != before["processed_pages"], "a newer one")
        # The others see the newer ones meanwhile.
        data = read_if_there(other, name)
        assert data is None or json.loads(data)["processed_pages"] > before["processed_pages"]
        job = office.site.result("book.pdf")
    assert job.status["status"] == "completed"
    assert not [line for line in office.daemon.logged() if line["event"] in {"mirror.refused", "status.refused"}]


def test_a_folder_in_work_that_somebody_keeps_open_is_delivered_all_the_same(make_office: MakeOffice) -> None:
    office = make_office({**ONE_BY_ONE, **LAYOUTS["jobs on the share"]})
    computer = office.computer()
    computer.copy("inbox/book.pdf", born_digital(8))
    office.site.processed(1)
    (name,) = status_names(office)
    with computer.open(name, sharing=None):
        assert office.site.result("book.pdf").status["status"] == "completed"


def test_results_are_read_over_the_share_as_they_lie_on_the_disk(make_office: MakeOffice) -> None:
    office = make_office({"engine": {"name": "rapidocr", "threads": 1}, "render": {"dpi": 100}})
    computer = office.computer()
    computer.make_folder("inbox/figures")
    computer.copy("inbox/figures/drawing.pdf", with_figure())
    job = office.site.result("figures/drawing.pdf", 3 * LIMIT)
    folder = on_share(office, job)
    assert sorted(computer.names(folder)) == sorted(path.name for path in job.folder.iterdir())
    outputs = ["output.mmd", "output_det.mmd", "output_layouts.pdf", "input.pdf", "status.json"]
    images = [f"images/{name}" for name in computer.names(f"{folder}/images")]
    assert images == [f"images/{path.name}" for path in (job.folder / "images").iterdir()]
    for name in (*outputs, *images):
        assert computer.read(f"{folder}/{name}") == (job.folder / name).read_bytes(), name


def test_results_that_are_renamed_moved_and_deleted_are_missed_by_nobody(make_office: MakeOffice) -> None:
    office = make_office({"inbox": {"on_duplicate": "reuse"}})
    computer = office.computer()
    for number in range(3):
        computer.copy(f"inbox/{number}.pdf", born_digital(number + 1))
    folders = [on_share(office, office.site.result(f"{number}.pdf")) for number in range(3)]
    computer.rename(folders[0], "outbox/done by Anna")
    computer.make_folder("archive")
    computer.rename(folders[1], "archive/1")
    computer.remove_tree(folders[2])
    # The same content again: whether its earlier result can be found or not, it is done.
    for number in range(3):
        computer.copy(f"inbox/again-{number}.pdf", born_digital(number + 1))
        assert office.site.result(f"again-{number}.pdf").status["status"] == "completed"
    assert office.site.health()["state"] == "running"
    assert sorted(computer.names("archive/1")) == sorted(computer.names("outbox/done by Anna"))


def test_a_result_that_a_program_holds_open_for_reading_can_be_held_for_long(office: Office) -> None:
    computer = office.computer()
    computer.copy("inbox/long.pdf", born_digital())
    folder = on_share(office, office.site.result("long.pdf"))
    with computer.open(f"{folder}/output.mmd", sharing=None) as held:
        computer.copy("inbox/next.pdf", born_digital())
        assert office.site.result("next.pdf").status["status"] == "completed"
        assert held.readall()


def test_many_readers_at_a_time_see_whole_files_only(make_office: MakeOffice) -> None:
    office = make_office(ONE_BY_ONE)
    over, failures = threading.Event(), []

    def read_on(computer: Computer, find: Callable[[], list[str]]) -> None:
        try:
            while not over.is_set():
                for name in find():
                    # The daemon's own state is always there, whatever becomes of a job.
                    data = computer.read(name) if name == "health.json" else read_if_there(computer, name)
                    assert data is None or json.loads(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says it
            failures.append(error)

    finders: list[Callable[[], list[str]]] = [
        lambda: status_names(office),
        lambda: ["health.json"],
        lambda: [f"{on_share(office, job)}/status.json" for job in office.site.results()],
    ]
    threads = [threading.Thread(target=read_on, args=(office.computer(), find)) for find in finders]
    for thread in threads:
        thread.start()
    try:
        computer = office.computer()
        for number in range(4):
            computer.copy(f"inbox/{number}.pdf", born_digital(number + 1))
        for number in range(4):
            assert office.site.result(f"{number}.pdf").status["status"] == "completed"
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_no_client_is_allowed_a_copy_of_its_own(office: Office) -> None:
    """A client with an oplock would go on showing the status that it read first, for the daemon does not ask smbd."""
    computer = office.computer()
    session = next(iter(computer._connection.session_table.values()))
    computer.read("health.json")
    tree = next(iter(session.tree_connect_table.values()))
    opened = Open(tree, "health.json")
    opened.create(
        ImpersonationLevel.Impersonation,
        FilePipePrinterAccessMask.GENERIC_READ,
        FileAttributes.FILE_ATTRIBUTE_NORMAL,
        ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE | ShareAccess.FILE_SHARE_DELETE,
        CreateDisposition.FILE_OPEN,
        CreateOptions.FILE_NON_DIRECTORY_FILE,
        oplock_level=RequestedOplockLevel.SMB2_OPLOCK_LEVEL_BATCH,
    )
    assert opened.oplock_level == RequestedOplockLevel.SMB2_OPLOCK_LEVEL_NONE
    opened.close()

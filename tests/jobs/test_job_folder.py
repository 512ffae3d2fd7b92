"""Names inside a job's folder, and the name of its result: always valid, always below their root."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdfocr_watcher.jobs.folder import JobFolder, displayable, is_job_id, result_folder, result_name

#: The bytes of names that a directory listing may give.
NAMES = st.binary(min_size=1, max_size=255).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."}
)


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("letter.pdf", "input.pdf"),
        ("LETTER.PDF", "input.pdf"),
        ("archive.tar.pdf", "input.pdf"),
        ("letter", "input"),
        ("letter.p d", "input"),
        ("letter.ä", "input"),
        ("letter." + "x" * 17, "input"),
        ("letter.p\nf", "input"),
        ("letter.tiff", "input.tiff"),
    ],
)
def test_the_claimed_file_is_called_input_and_keeps_a_plain_suffix(tmp_path, filename, name):
    assert JobFolder(tmp_path).input(filename) == tmp_path / name


def test_the_claimed_file_is_found_without_its_status(tmp_path):
    folder = JobFolder(tmp_path)
    assert folder.found_input() is None
    for name in ("status.json", "inputs.pdf", ".pdfocr-input.pdf.1-1.tmp", "output.mmd"):
        (tmp_path / name).touch()
    (tmp_path / "input.d").mkdir()
    (tmp_path / "input").symlink_to("output.mmd")
    assert folder.found_input() is None
    (tmp_path / "input.pdf").touch()
    assert folder.found_input() == tmp_path / "input.pdf"


def test_checkpoints_are_counted_from_0_and_other_files_are_none(tmp_path):
    folder = JobFolder(tmp_path)
    assert folder.checkpointed() == set()
    folder.pages.mkdir()
    for name in ("0000.json", "0007.json", "12345.json", "0001.jpg", "1.json", "0002.json.tmp"):
        (folder.pages / name).touch()
    assert folder.checkpointed() == {0, 7, 12_345}
    assert folder.checkpoint(7).name == "0007.json"
    assert folder.layout_picture(12_345).name == "12345.jpg"


def test_leftovers_go_and_everything_else_stays(tmp_path, names_below):
    folder = JobFolder(tmp_path)
    for path in (folder.pages, folder.images, folder.rasters):
        path.mkdir()
        (path / ".pdfocr-x.1-1.tmp").touch()
        (path / "kept").touch()
    (tmp_path / ".pdfocr-status.json.1-1.tmp").touch()
    folder.remove_leftovers()
    assert names_below(tmp_path) == ["images", "images/kept", "pages", "pages/kept"]
    folder.remove_work()
    assert names_below(tmp_path) == ["images", "images/kept"]
    folder.remove_leftovers()
    folder.remove_work()


@pytest.mark.parametrize(
    ("filename", "stem"),
    [
        ("letter.pdf", "letter"),
        ("a.b.c.PDF", "a.b.c"),
        ("größe 漢字.pdf", "größe 漢字"),
        (" blank .pdf", "blank"),
        ("dots...pdf", "dots"),
        (".hidden.pdf", "hidden"),
        ("..pdf", "document"),
        ("...pdf", "document"),
        (".pdf", "pdf"),
        ("a\\b.pdf", "a_b"),
        ("x" * 251 + ".pdf", "x" * 120),
        ("😀" * 60 + ".pdf", "😀" * 30),
        ("a." + "x" * 250, "a"),
    ],
)
def test_a_result_is_called_by_its_stem_and_the_short_id(make_status, filename, stem):
    assert result_name(make_status(filename=filename)) == f"{stem}.3f9a1c2b"


def test_a_results_sub_folder_is_that_of_the_drop(make_status, tmp_path):
    status = make_status(source="2026/invoices/a.pdf")
    assert result_folder(tmp_path, status) == tmp_path / "2026/invoices/a.3f9a1c2b"


@pytest.mark.parametrize(
    "source", ["../../etc/a.pdf", "/etc/a.pdf", "//etc/a.pdf", "x/../../../etc/a.pdf", "./etc/a.pdf", ".."]
)
def test_no_status_file_leads_a_result_out_of_its_root(make_status, tmp_path, source):
    folder = result_folder(tmp_path, make_status(source=source, filename="a.pdf"))
    assert folder.is_relative_to(tmp_path)
    assert ".." not in folder.parts
    assert folder.name == "a.3f9a1c2b"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(NAMES, min_size=1, max_size=4))
def test_any_path_that_a_file_system_takes_gives_a_result_that_it_takes(make_status, tmp_path, parts):
    status = make_status(source=displayable("/".join(map(os.fsdecode, parts))))
    folder = result_folder(tmp_path, status)
    assert folder.is_relative_to(tmp_path)
    assert not folder.name.startswith((".", " "))
    folder.mkdir(parents=True, exist_ok=True)
    assert JobFolder(folder).input(status.filename).parent == folder


def test_a_sub_folder_whose_name_grows_by_its_escapes_still_fits(make_status, tmp_path):
    source = displayable(os.fsdecode(b"\xff" * 255 + b"/a.pdf"))
    folder = result_folder(tmp_path, make_status(source=source))
    folder.mkdir(parents=True)
    assert folder.parent.name.startswith("_xff_xff")


def test_a_path_of_the_greatest_depth_still_has_room_for_the_result(make_status, tmp_path):
    source = "/".join(["ä" * 127] * 20) + "/a.pdf"
    folder = result_folder(tmp_path, make_status(source=source))
    assert len(os.fsencode(folder)) < 4096 - 300
    folder.mkdir(parents=True)
    (folder / "status.json").touch()


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"plain.pdf", "plain.pdf"), ("größe.pdf".encode(), "größe.pdf"), (b"gr\xf6\xdfe.pdf", "gr\\xf6\\xdfe.pdf")],
)
def test_a_name_that_is_no_utf_8_is_written_with_escapes(raw, text):
    assert displayable(os.fsdecode(raw)) == text
    text.encode()


@pytest.mark.parametrize("name", ["", ".lock", "20261123T125045Z-3f9a1c2b ", "20261123T125045Z-3F9A1C2B", "x" * 25])
def test_what_is_no_job_id_is_none(name):
    assert is_job_id("20261123T125045Z-3f9a1c2b")
    assert not is_job_id(name)

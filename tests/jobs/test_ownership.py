"""What follows from who dropped the PDF and where the result goes: decided without a file or a user at hand."""

import pytest

from pdfocr_watcher.jobs.ownership import (
    Daemon,
    Dropped,
    GroupRule,
    OwnerRule,
    Policy,
    may_hold,
    result_rights,
    subfolder_rights,
    working_rights,
)
from pdfocr_watcher.jobs.rights import Entry, Rights, Tag, packed, parsed

ANN, BEN, OFFICE, OCR = 1001, 1002, 2000, 900
ROOT = Daemon(0, 0, frozenset({0}), gives=True)
PLAIN = Daemon(OCR, OCR, frozenset({OCR, OFFICE}), gives=False)
OPEN = Rights(ANN, ANN, 0o644)
PRIVATE = Rights(ANN, ANN, 0o600)
OUTBOX = Rights(0, 0, 0o755)
SHARED = Rights(OCR, OFFICE, 0o2770)


def names(rights):
    return rights.uid, rights.gid, f"{rights.mode:o}"


@pytest.mark.parametrize(
    ("daemon", "dropped", "parent", "folder"),
    [
        (ROOT, OPEN, OUTBOX, (ANN, ANN, "755")),
        (ROOT, PRIVATE, OUTBOX, (ANN, ANN, "700")),
        (ROOT, OPEN, SHARED, (ANN, OFFICE, "2770")),
        (ROOT, Rights(ANN, OFFICE, 0o640), OUTBOX, (ANN, OFFICE, "750")),
        (ROOT, Rights(ANN, BEN, 0o640), SHARED, (ANN, OFFICE, "2700")),
        (PLAIN, OPEN, OUTBOX, (OCR, OCR, "755")),
        (PLAIN, OPEN, SHARED, (OCR, OFFICE, "2770")),
        (PLAIN, Rights(ANN, OFFICE, 0o660), SHARED, (OCR, OFFICE, "2770")),
        (PLAIN, Rights(OCR, OCR, 0o600), OUTBOX, (OCR, OCR, "700")),
        (ROOT, OPEN, Rights(0, 0, 0o1777), (ANN, ANN, "755")),
        (ROOT, OPEN, Rights(0, 0, 0o500), (ANN, ANN, "700")),
    ],
)
def test_a_result_is_as_open_as_its_place_and_no_more_than_the_pdf(daemon, dropped, parent, folder):
    granted = result_rights(Policy(), daemon, Dropped(dropped), parent)
    assert names(granted.folder) == folder
    assert names(granted.file) == (*folder[:2], f"{int(folder[2], 8) & 0o666:o}")


def test_one_closed_folder_on_the_way_closes_the_result():
    folders = (Rights(ANN, ANN, 0o755), Rights(ANN, ANN, 0o700), Rights(ANN, ANN, 0o755))
    assert names(result_rights(Policy(), ROOT, Dropped(OPEN, folders), OUTBOX).folder) == (ANN, ANN, "700")


def test_a_group_that_is_not_the_pdfs_is_not_let_in_by_the_pdfs_group_bits():
    dropped = Dropped(Rights(ANN, ANN, 0o660), (Rights(ANN, ANN, 0o2770),))
    granted = result_rights(Policy(group=OFFICE), ROOT, dropped, OUTBOX)
    assert names(granted.folder) == (ANN, OFFICE, "700")


def test_who_may_not_give_a_private_result_away_lets_its_owner_in_by_name():
    granted = result_rights(Policy(), PLAIN, Dropped(PRIVATE), OUTBOX)
    assert Entry(Tag.USER, ANN, 7) in granted.folder.acl
    assert granted.folder.acl == granted.folder.default
    assert Entry(Tag.MASK, 0, 6) in granted.file.acl
    assert not result_rights(Policy(owner=OwnerRule.DAEMON), PLAIN, Dropped(PRIVATE), OUTBOX).folder.acl


def test_a_group_that_the_daemon_is_not_in_cannot_be_given():
    dropped = Dropped(Rights(ANN, BEN, 0o644))
    assert result_rights(Policy(group=GroupRule.DROPPER), PLAIN, dropped, OUTBOX).folder.gid == OCR
    assert result_rights(Policy(group=GroupRule.DROPPER), ROOT, dropped, OUTBOX).folder.gid == BEN


def test_a_sub_folder_keeps_what_can_be_given_and_loses_what_would_mean_another_group():
    shared = Rights(ANN, OFFICE, 0o2770)
    assert names(subfolder_rights(Policy(), ROOT, shared)) == (ANN, OFFICE, "2770")
    assert names(subfolder_rights(Policy(), PLAIN, shared)) == (OCR, OFFICE, "2770")
    foreign = subfolder_rights(Policy(), PLAIN, Rights(ANN, BEN, 0o2770))
    assert names(foreign) == (OCR, OCR, "2700")
    assert Entry(Tag.USER, ANN, 7) in foreign.acl


@pytest.mark.parametrize(
    ("existing", "wanted", "may"),
    [
        (Rights(BEN, BEN, 0o755), Rights(ANN, ANN, 0o700), False),
        (Rights(ANN, ANN, 0o755), Rights(ANN, ANN, 0o700), True),
        (Rights(0, 0, 0o755), Rights(ANN, ANN, 0o700), True),
        (Rights(BEN, OFFICE, 0o2770), Rights(ANN, OFFICE, 0o2770), True),
        (Rights(BEN, BEN, 0o2770), Rights(ANN, OFFICE, 0o2770), False),
        (Rights(BEN, BEN, 0o755), Rights(ANN, ANN, 0o777), True),
    ],
)
def test_a_strangers_folder_takes_nothing_private(existing, wanted, may):
    assert may_hold(existing, wanted, OUTBOX, ROOT) is may


def test_a_job_in_work_can_be_changed_by_the_daemon_alone():
    made = Rights(0, 0, 0o2775)
    assert names(working_rights(ROOT, made, Dropped(OPEN))) == (0, 0, "2755")
    assert names(working_rights(ROOT, made, Dropped(PRIVATE))) == (0, 0, "700")
    assert names(working_rights(ROOT, made, Dropped(Rights(ANN, OFFICE, 0o660)))) == (0, OFFICE, "2750")


def test_an_acl_lets_nobody_else_change_a_job_in_work():
    acl = (Entry(Tag.OWNER, 0, 7), Entry(Tag.OWNING_GROUP, 0, 5), Entry(Tag.GROUP, OFFICE, 7), Entry(Tag.MASK, 0, 7))
    rights = working_rights(ROOT, Rights(0, 0, 0o775, acl, acl), Dropped(OPEN))
    assert names(rights) == (0, 0, "755")
    assert rights.default == ()
    assert {entry.tag: entry.allowed for entry in rights.acl} == {
        Tag.OWNER: 7, Tag.OWNING_GROUP: 5, Tag.GROUP: 5, Tag.MASK: 5,
    }  # fmt: skip


def test_the_mask_holds_back_whom_an_acl_names():
    acl = (
        Entry(Tag.OWNER, 0, 7), Entry(Tag.USER, BEN, 7), Entry(Tag.OWNING_GROUP, 0, 0), Entry(Tag.GROUP, OFFICE, 7),
        Entry(Tag.MASK, 0, 1), Entry(Tag.OTHERS, 0, 0),
    )  # fmt: skip
    rights = Rights(ANN, ANN, 0o710, acl)
    assert not rights.lets_in_user(BEN, 4)
    assert not rights.lets_in_group(OFFICE, 4)
    assert rights.lets_in_group(OFFICE, 1)
    assert not rights.lets_in_group(ANN, 1), "the mode's group bits are the mask, not the group's"


def test_an_acl_survives_its_bytes_and_garbage_is_none():
    acl = (Entry(Tag.OWNER, 0, 7), Entry(Tag.USER, BEN, 5), Entry(Tag.OWNING_GROUP, 0, 5), Entry(Tag.OTHERS, 0, 0))
    assert parsed(packed(acl)) == acl
    assert [parsed(data) for data in (b"", b"\1\0\0\0", packed(acl)[:-1], b"\2\0\0\0" + b"\xff" * 8)] == [()] * 4

"""Which file system a path lies on is read as the kernel resolves it."""

import pytest

from pdfocr_watcher.jobs import mounts
from pdfocr_watcher.jobs.mounts import file_system_type, mount_of, needs_polling, parse_mountinfo

TABLE = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime shared:2 - devtmpfs devtmpfs rw
25 24 0:23 / /dev/shm rw,relatime shared:3 master:1 - tmpfs tmpfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /srv/inbox rw shared:9 - cifs //nas/scans rw
41 40 0:51 / /srv/inbox/local rw - xfs /dev/vdb rw
42 27 0:52 / /srv/in\040box\134\043\011 rw - nfs4 nas:/x rw
43 27 0:53 /sub /data/a/b rw - fuse.sshfs host: rw
44 27 0:54 / /data/a rw - btrfs /dev/vdc rw
45 25 0:55 / /dev/shm rw - ramfs ramfs rw
this line is none
46 27 0:56 / /broken rw -
"""


def type_of(path, table=TABLE):
    mount = mount_of(parse_mountinfo(table), path)
    return mount.file_system if mount else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", "ext4"),
        ("/srv", "ext4"),
        ("/srv/inbox", "cifs"),
        ("/srv/inbox/a.pdf", "cifs"),
        ("/srv/inboxes/a.pdf", "ext4"),
        ("/srv/inbox/local/a.pdf", "xfs"),
        ("/srv/in box\\#\t/a.pdf", "nfs4"),
        ("/proc/self", "proc"),
    ],
)
def test_the_nearest_mount_above_a_path_serves_it(path, expected):
    assert type_of(path) == expected


def test_the_last_mount_on_a_point_wins():
    assert type_of("/dev/shm/x") == "ramfs"  # noqa: S108 - a row of the table above


def test_the_last_of_two_with_one_parent_and_point_wins():
    table = TABLE + "60 27 0:60 / /srv/inbox rw - vfat /dev/sdz rw\n"
    assert type_of("/srv/inbox/a", table) == "vfat"


def test_a_mount_hidden_by_a_later_one_above_it_does_not_count():
    assert type_of("/data/a/b/c.pdf") == "btrfs"


def test_a_table_without_a_root_still_answers_for_what_it_covers():
    table = "40 27 0:50 / /srv/inbox rw - cifs //nas/scans rw\n"
    assert type_of("/srv/inbox/a", table) == "cifs"
    assert type_of("/home", table) is None


def test_a_root_that_is_its_own_parent_still_carries_others():
    table = "1 1 0:1 / / rw - ext4 a rw\n2 1 0:2 / /srv rw - cifs b rw\n"
    assert type_of("/srv/a", table) == "cifs"


def test_of_two_roots_the_last_lies_on_top():
    table = "5 1 0:1 / / rw - rootfs a rw\n6 2 0:2 / / rw - ext4 b rw\n"
    assert type_of("/srv", table) == "ext4"


def test_a_table_that_goes_in_circles_ends():
    assert type_of("/x", "1 2 0:1 / / rw - ext4 a rw\n2 1 0:2 / / rw - xfs b rw\n") is None


def test_the_real_table_knows_proc_and_the_folder_of_a_file_that_is_not_there_yet(tmp_path):
    assert file_system_type(mounts.MOUNTINFO) == "proc"
    assert file_system_type(tmp_path / "not" / "yet.pdf") == file_system_type(tmp_path) != ""


def test_a_link_is_followed_to_where_the_file_lies(tmp_path):
    (tmp_path / "link").symlink_to("/proc/self")
    assert file_system_type(tmp_path / "link" / "status") == "proc"


def test_a_table_that_cannot_be_read_gives_no_type(monkeypatch, tmp_path):
    monkeypatch.setattr(mounts, "MOUNTINFO", tmp_path / "missing")
    assert file_system_type(tmp_path) == ""


@pytest.mark.parametrize(
    "name",
    ["cifs", "smb3", "nfs", "nfs4", "fuse.sshfs", "fuse", "9p", "vboxsf", "ceph", "glusterfs", "virtiofs", "autofs"],
)
def test_file_systems_that_change_elsewhere_are_polled(name):
    assert needs_polling(name)


@pytest.mark.parametrize("name", ["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "fuseblk", "ntfs3", "vfat", ""])
def test_local_file_systems_are_watched(name):
    assert not needs_polling(name)

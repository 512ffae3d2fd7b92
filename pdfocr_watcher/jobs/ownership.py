"""Whose a result is and who may read it: decided from who dropped the PDF where, and from where the result goes.

The rule: a result has the rights of the folder that it appears in, as what is made there by hand has them; it
belongs to who dropped the PDF where the daemon may give files away; and nobody can read it who could not read the
PDF in the inbox. A sub-folder of the outbox has the rights of its namesake in the inbox. Decisions only; what they
are made of is `jobs.rights`, and `jobs.granting` carries them out.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from pdfocr_watcher.jobs.rights import ENTER, READ, WRITE, Acl, Entry, Rights, Tag

_ALL = READ | WRITE | ENTER
_LIST = READ | ENTER
_SET_GROUP_ID, _STICKY = 0o2000, 0o1000
#: CAP_CHOWN, CAP_DAC_OVERRIDE and CAP_FOWNER: to give a file away, and still to be able to work with it.
_GIVING = 1 << 0 | 1 << 1 | 1 << 3


class OwnerRule(StrEnum):
    """Whose the results are."""

    #: Who dropped the PDF, where the daemon may give files away; else the daemon's user.
    DROPPER = "dropper"
    DAEMON = "daemon"


class GroupRule(StrEnum):
    """Which group the results have."""

    #: That of the folder where it is set-group-id, else that of the dropped PDF where the daemon may set it.
    INHERIT = "inherit"
    DROPPER = "dropper"
    DAEMON = "daemon"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration says.

    Attributes:
        owner: whose the results are.
        group: a rule, or the gid that all have.
        mode: of the folders, set-group-id included; None for that of the folder that the result appears in.
        keep_private: whether nobody may read a result who could not read the PDF in the inbox.
    """

    owner: OwnerRule = OwnerRule.DROPPER
    group: GroupRule | int = GroupRule.INHERIT
    mode: int | None = None
    keep_private: bool = True


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the daemon is allowed.

    Attributes:
        uid, gid: what it makes belongs to them.
        groups: those it may give its files to.
        gives: whether it may give files away to other users.
    """

    uid: int
    gid: int
    groups: frozenset[int]
    gives: bool

    def may_set(self, gid: int) -> bool:
        """Whether it may give a file of its own to a group."""
        return self.gives or gid in self.groups


def this_process() -> Daemon:
    """What this process is allowed."""
    uid, gid = os.geteuid(), os.getegid()
    return Daemon(uid, gid, frozenset({gid, *os.getgroups()}), _capabilities() & _GIVING == _GIVING)


def _capabilities() -> int:
    """The capabilities in effect, as the kernel counts them; capabilities(7)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


@dataclass(frozen=True, slots=True)
class Dropped:
    """The rights of what was dropped, as they were when it was claimed.

    Attributes:
        file: those of the PDF.
        folders: those of the sub-folders of the inbox that led to it, the uppermost first.
    """

    file: Rights
    folders: tuple[Rights, ...] = ()

    def readable_by_others(self) -> bool:
        """Whether everybody could read the PDF."""
        return self.file.lets_in_others(READ) and all(folder.lets_in_others(_LIST) for folder in self.folders)

    def readable_by_group(self, gid: int) -> bool:
        """Whether the members of a group could read the PDF."""
        return self.file.lets_in_group(gid, READ) and all(folder.lets_in_group(gid, _LIST) for folder in self.folders)

    def readable_by_user(self, uid: int) -> bool:
        """Whether a user could read the PDF who is in no group that we know of."""
        return self.file.lets_in_user(uid, READ) and all(folder.lets_in_user(uid, _LIST) for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Granted:
    """The rights that a result gets: its folders', and its files'."""

    folder: Rights
    file: Rights


def result_rights(policy: Policy, daemon: Daemon, dropped: Dropped, parent: Rights) -> Granted:
    """The rights of a result.

    Args:
        policy: what the configuration says.
        daemon: what the daemon is allowed.
        dropped: who dropped the PDF, and who could read it.
        parent: the rights of the folder that the result appears in.
    """
    uid = dropped.file.uid if policy.owner is OwnerRule.DROPPER and daemon.gives else daemon.uid
    gid = _group(policy, daemon, dropped, parent)
    mode = policy.mode if policy.mode is not None else parent.mode & ~_STICKY
    if policy.mode is None and parent.mode & _STICKY:
        mode &= ~0o022  # a sticky folder says that people may not touch each other's things
    acl = parent.default if policy.mode is None else ()
    others, group = True, True
    if policy.keep_private:
        others, group = dropped.readable_by_others(), dropped.readable_by_group(gid)
        acl = tuple(_still_let_in(acl, dropped))
    mode = mode & ~(0 if group else 0o070) & ~(0 if others else 0o007) | 0o700
    entries = [_entry_of(entry, group=group, others=others) for entry in acl]
    if policy.owner is OwnerRule.DROPPER and uid != dropped.file.uid and not (others or group):
        # It would be nobody's but the daemon's: who dropped the PDF is let in by name.
        entries = _with_user(entries or _plain(mode), dropped.file.uid)
    folder = tuple(entries)
    file = tuple(_for_file(entry, has_mask=_has_mask(folder)) for entry in folder)
    return Granted(
        Rights(uid, gid, mode & (_SET_GROUP_ID | 0o777), folder, folder), Rights(uid, gid, mode & 0o666, file)
    )


def _group(policy: Policy, daemon: Daemon, dropped: Dropped, parent: Rights) -> int:
    match policy.group:
        case GroupRule.INHERIT if parent.mode & _SET_GROUP_ID:
            wanted = parent.gid
        case GroupRule.INHERIT | GroupRule.DROPPER:
            wanted = dropped.file.gid
        case GroupRule.DAEMON:
            wanted = daemon.gid
        case gid:
            wanted = gid
    return wanted if daemon.may_set(wanted) else daemon.gid


def subfolder_rights(policy: Policy, daemon: Daemon, dropped: Rights) -> Rights:
    """The rights of a sub-folder of the outbox: those of its namesake in the inbox, as far as they can be given.

    Args:
        policy: what the configuration says.
        daemon: what the daemon is allowed.
        dropped: the rights of the namesake.
    """
    given = daemon.gives and policy.owner is OwnerRule.DROPPER
    uid = dropped.uid if given else daemon.uid
    same_group = daemon.may_set(dropped.gid)
    gid = dropped.gid if same_group else daemon.gid
    others = dropped.lets_in_others(_LIST)
    # The bits of a group are not for another one.
    mode = dropped.mode | 0o700 if same_group or others or dropped.acl else (dropped.mode | 0o700) & ~0o070
    acl = [_entry_of(entry, group=same_group or others, others=True) for entry in dropped.acl]
    default = [_entry_of(entry, group=same_group or others, others=True) for entry in dropped.default]
    if policy.owner is OwnerRule.DROPPER and uid != dropped.uid and not (same_group or others):
        acl = _with_user(acl or _plain(mode), dropped.uid)
    return Rights(uid, gid, mode, tuple(acl), tuple(default))


def may_hold(existing: Rights, wanted: Rights, parent: Rights, daemon: Daemon) -> bool:
    """Whether a sub-folder that is in the outbox already may take what belongs into one with the wanted rights.

    One that a stranger has made may not, unless they could have made its namesake as well, or own the folder around
    it: its owner can rename and remove what is in it.
    """
    shared = wanted.mode & 0o020 and existing.gid == wanted.gid
    return existing.uid in {0, daemon.uid, wanted.uid, parent.uid} or bool(shared) or bool(wanted.mode & 0o002)


def working_rights(daemon: Daemon, made: Rights, dropped: Dropped) -> Rights:
    """The rights of a job's folder while it is worked on: those it was made with, less what the PDF denies.

    Only the daemon may change what is in it. A group that could read the PDF takes the place of one that could not.

    Args:
        daemon: what the daemon is allowed.
        made: the rights that the folder was made with.
        dropped: who could read the PDF.
    """
    if dropped.readable_by_others():
        acl = tuple(e if e.tag is Tag.OWNER else replace(e, allowed=e.allowed & ~WRITE) for e in made.acl)
        return replace(made, mode=made.mode & ~0o022, acl=acl, default=())
    candidates = [made.gid, *(folder.gid for folder in reversed(dropped.folders)), dropped.file.gid]
    gid = next((gid for gid in candidates if daemon.may_set(gid) and dropped.readable_by_group(gid)), None)
    if gid is None:
        return Rights(made.uid, made.gid, 0o700)
    return Rights(made.uid, gid, made.mode & _SET_GROUP_ID | 0o750)


def _still_let_in(acl: Acl, dropped: Dropped) -> Iterable[Entry]:
    for entry in acl:
        if entry.tag is Tag.USER and not dropped.readable_by_user(entry.who):
            continue
        if entry.tag is Tag.GROUP and not dropped.readable_by_group(entry.who):
            continue
        yield entry


def _entry_of(entry: Entry, *, group: bool, others: bool) -> Entry:
    if entry.tag is Tag.OWNER:
        return replace(entry, allowed=_ALL)
    denied = (entry.tag is Tag.OWNING_GROUP and not group) or (entry.tag is Tag.OTHERS and not others)
    return replace(entry, allowed=0) if denied else entry


def _plain(mode: int) -> list[Entry]:
    """The entries that say what a mode says."""
    return [
        Entry(tag, 0, mode >> shift & _ALL) for tag, shift in ((Tag.OWNER, 6), (Tag.OWNING_GROUP, 3), (Tag.OTHERS, 0))
    ]


def _with_user(entries: list[Entry], uid: int) -> list[Entry]:
    rest = [entry for entry in entries if (entry.tag, entry.who) != (Tag.USER, uid) and entry.tag is not Tag.MASK]
    return [*rest, Entry(Tag.USER, uid, _ALL), Entry(Tag.MASK, 0, _ALL)]


def _has_mask(acl: Acl) -> bool:
    return any(entry.tag is Tag.MASK for entry in acl)


def _for_file(entry: Entry, *, has_mask: bool) -> Entry:
    """An entry as a file inherits it that is made without the right to run: named ones are held back by the mask."""
    limited = {Tag.OWNER, Tag.OTHERS, Tag.MASK if has_mask else Tag.OWNING_GROUP}
    return replace(entry, allowed=entry.allowed & ~ENTER) if entry.tag in limited else entry

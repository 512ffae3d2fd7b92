"""The section `permissions` as the rooms below take it: names of groups become numbers, octal texts become modes."""

import grp
import re

from pdfocr_watcher.config.model import Permissions
from pdfocr_watcher.jobs.ownership import GroupRule, Policy

_INHERIT = "inherit"
_OCTAL = re.compile(r"0?[0-7]{3,4}")


def policy_of(permissions: Permissions) -> Policy:
    """What the section says.

    Raises:
        ValueError: a group or a mode means nothing; the text says which, in words that follow the key's name.
    """
    group, mode = group_of(permissions.group), folder_mode(permissions.mode)
    return Policy(permissions.owner, group, mode, permissions.keep_private)


def folder_mode(text: str) -> int | None:
    """A folder's mode from octal digits; None for `inherit`.

    Raises:
        ValueError: it is none, it shuts the owner out, or it asks for more than permissions and set-group-id.
    """
    if text == _INHERIT:
        return None
    if not _OCTAL.fullmatch(text):
        raise ValueError(f"must be {_INHERIT} or an octal number such as 2770, not {text!r}")
    mode = int(text, 8)
    if mode & ~0o2777:
        raise ValueError(f"may have no more than permissions and set-group-id (2777), not {text!r}")
    if ~mode & 0o700:
        raise ValueError(f"must let its owner in (700), unlike {text!r}")
    return mode


def file_mode(text: str) -> int:
    """A file's mode from octal digits.

    Raises:
        ValueError: it is none, or shuts the owner out.
    """
    if not _OCTAL.fullmatch(text) or int(text, 8) & ~0o666 or ~int(text, 8) & 0o600:
        raise ValueError(f"must be an octal number from 600 to 666 that lets nobody run it, not {text!r}")
    return int(text, 8)


def group_of(text: str) -> GroupRule | int:
    """A group from its name or number, or the rule by which it is found.

    Raises:
        ValueError: there is no such group.
    """
    if text in set(GroupRule):
        return GroupRule(text)
    if text.isascii() and text.isdecimal():
        return int(text)
    try:
        return grp.getgrnam(text).gr_gid
    except (KeyError, ValueError):
        rules = ", ".join(GroupRule)
        raise ValueError(f"there is no group {text!r} on this machine, nor is it one of {rules}") from None

"""Links from the dashboard to what lies in the same share: relative, so that they hold wherever that is mounted."""

import os
from pathlib import Path, PurePosixPath
from urllib.parse import quote


def link_to(target: Path, page: Path, root: Path) -> str | None:
    """A relative link.

    It begins with `../`, so no name makes another scheme or host of it, and each part is percent-encoded byte by byte.

    Args:
        target: the file or folder, absolute.
        page: the folder that the page lies in, below the root.
        root: what is shared; what lies outside of it cannot be linked to.

    Returns:
        The link; None where there can be none.
    """
    if not (target.is_relative_to(root) and page.is_relative_to(root)) or ".." in target.parts:
        return None
    up = [".."] * len(page.relative_to(root).parts)
    return "/".join([*up, *(quote(os.fsencode(part), safe="") for part in target.relative_to(root).parts)])


def below(folder: str, path: str) -> str | None:
    """The link to a file in a folder that is linked to.

    Args:
        folder: the link to the folder.
        path: the file, relative to the folder, as somebody says.

    Returns:
        The link; None if the path leads out of the folder, or nowhere.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        return None
    return "/".join([folder, *(quote(part.encode(errors="backslashreplace"), safe="") for part in parts)])

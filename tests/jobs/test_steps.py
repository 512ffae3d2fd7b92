"""Every durable operation is a step with its crash points: none can be added that the crash tests would not meet."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pdfocr_watcher
from pdfocr_watcher.jobs import durable, steps
from pdfocr_watcher.jobs.durable import make_folder, remove_file, remove_folder, remove_tree, rename, write_durably
from pdfocr_watcher.jobs.steps import Point, Step

_PACKAGE = Path(pdfocr_watcher.__file__).parent
_DURABLE = Path(durable.__file__)

#: What changes names or makes things durable; `replace` with one argument is a path's, with two a text's.
_OPERATIONS = {
    "fsync", "link", "link_to", "makedirs", "mkdir", "removedirs", "rename", "renames", "replace", "rmdir", "rmtree",
    "symlink", "symlink_to", "unlink", "hardlink_to", "fdatasync", "copyfile", "copytree", "move",
}  # fmt: skip
#: Rooms in which no job's file is changed for good, and why.
_ELSEWHERE = {
    "pipeline/rendering": "rasters and launchers: of no worth after a crash",
    "pipeline/ranges.py": "the folders of rasters",
    "pipeline/page_work.py": "a raster that was read, a picture for a model",
    "pipeline/generating/host.py": "where an engine's processes meet",
    "pipeline/generating/host_process.py": "where an engine's processes meet",
    "pipeline/process.py": "a raster that was read",
    "weights/installing.py": "files of a person's command, who sees whether they are there",
    "cli": "commands of a person, who sees whether they came to their end",
    "config/__main__.py": "the reference page",
    "service/installing.py": "units of a person's command, who sees whether they are there",
    "service/units/__main__.py": "the units in the repository",
}


def _operations(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _OPERATIONS:
            of_a_path = len(node.args) == 1 and all(keyword.arg is not None for keyword in node.keywords)
            if node.func.attr != "replace" or of_a_path or getattr(node.func.value, "id", None) == "os":
                yield node


def _is_elsewhere(path: Path) -> bool:
    name = path.relative_to(_PACKAGE).as_posix()
    return any(name == room or name.startswith(f"{room}/") for room in _ELSEWHERE)


def _in_steps(tree: ast.AST) -> set[ast.AST]:
    """All that stands inside `with step(...)`."""
    inside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(_is_step(item.context_expr) for item in node.items):
            inside.update(ast.walk(node))
    return inside


def _is_step(expression: ast.AST) -> bool:
    return isinstance(expression, ast.Call) and getattr(expression.func, "id", None) == "step"


def _naked(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = _in_steps(tree)
    return [f"{path}:{call.lineno}: {ast.unparse(call)}" for call in _operations(tree) if call not in inside]


def test_no_durable_operation_stands_outside_a_step():
    naked = [line for path in sorted(_PACKAGE.rglob("*.py")) if not _is_elsewhere(path) for line in _naked(path)]
    assert naked == []


def test_a_naked_operation_would_be_found(tmp_path):
    source = tmp_path / "naked.py"
    naked = ["os.replace(a, b)", "b.replace(a)", "os.fsync(1)"]
    source.write_text("\n".join(["with step(a, b):", "    a.rename(b)", "'x'.replace('a', 'b')", *naked]))
    assert [line.rpartition(": ")[2] for line in _naked(source)] == naked


def test_nobody_watches_unless_a_test_does():
    assert steps.watcher is None


def test_a_step_is_watched_on_both_sides(monkeypatch, tmp_path):
    seen: list[tuple[Step, Point, str]] = []
    monkeypatch.setattr(steps, "watcher", lambda step, point, path: seen.append((step, point, path.name)))
    rename(tmp_path, tmp_path)
    make_folder(tmp_path / "a")
    assert seen == [
        (Step.RENAME, Point.BEFORE, tmp_path.name),
        (Step.RENAME, Point.AFTER, tmp_path.name),
        (Step.MAKE_FOLDER, Point.BEFORE, "a"),
        (Step.MAKE_FOLDER, Point.AFTER, "a"),
    ]


def test_a_step_that_failed_has_no_point_after_it(monkeypatch, tmp_path):
    seen: list[Point] = []
    monkeypatch.setattr(steps, "watcher", lambda _step, point, _path: seen.append(point))
    with pytest.raises(FileNotFoundError):
        remove_file(tmp_path / "none")
    assert seen == [Point.BEFORE]


def test_what_is_made_of_steps_meets_each(monkeypatch, tmp_path):
    seen: list[Step] = []
    monkeypatch.setattr(
        steps, "watcher", lambda step, point, _path: seen.append(step) if point is Point.AFTER else None
    )
    write_durably(tmp_path / "a.json", b"{}")
    assert seen == [Step.WRITE, Step.SYNC_FILE, Step.RENAME, Step.SYNC_FOLDER]
    seen.clear()
    (tmp_path / "folder").mkdir()
    remove_folder(tmp_path / "folder")
    assert seen == [Step.RENAME, Step.SYNC_FOLDER, Step.REMOVE_TREE]


def test_to_remove_what_is_worthless_and_gone_is_no_failure(tmp_path):
    remove_tree(tmp_path / "none", worthless=True)
    with pytest.raises(FileNotFoundError):
        remove_tree(tmp_path / "none")

"""A raster file is whole or it is no page."""

import errno

import pytest
from PIL import Image

from pdfocr_watcher.errors import ErrorCode, PdfocrError
from pdfocr_watcher.pipeline.rendering import keep_raster_memory, load_raster, ppm

WHOLE = b"P6\n3 2\n255\n" + bytes(range(18))


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (WHOLE, True),
        (WHOLE[:-1], False),
        (WHOLE + b"x", False),
        (WHOLE[:11], False),
        (WHOLE[:5], False),
        (b"", False),
        (b"P5\n3 2\n255\n" + bytes(18), False),
        (b"P6\n3 2\n65535\n" + bytes(36), False),
        (b"P6\n0 2\n255\n", False),
        (b"P6\n1234567 2\n255\n", False),
    ],
)
def test_a_file_is_whole_when_it_is_as_long_as_its_header_says(tmp_path, data, whole):
    path = tmp_path / "0000.ppm"
    path.write_bytes(data)
    assert ppm.is_whole(path) is whole
    if whole:
        load_raster(path).close()
    else:
        with pytest.raises(ValueError, match="not a whole PPM raster"):
            load_raster(path)


def test_a_missing_file_is_not_whole(tmp_path):
    assert not ppm.is_whole(tmp_path / "0000.ppm")


def test_a_sample_that_looks_like_white_space_belongs_to_the_picture(tmp_path):
    path = tmp_path / "0000.ppm"
    path.write_bytes(b"P6\n2 1\n255\n" + b"\n\n\n   ")
    assert load_raster(path).tobytes() == b"\n\n\n   "


def test_a_raster_is_loaded_in_rgb(tmp_path):
    path = tmp_path / "0000.ppm"
    path.write_bytes(WHOLE)
    image = load_raster(path)
    assert (image.mode, image.size) == ("RGB", (3, 2))
    assert image.getpixel((2, 1)) == (15, 16, 17)
    image.putpixel((0, 0), (9, 9, 9))
    assert path.read_bytes() == WHOLE


def test_a_raster_is_loaded_for_good_though_its_file_is_removed(tmp_path):
    path = tmp_path / "0000.ppm"
    path.write_bytes(WHOLE)
    image = load_raster(path)
    path.unlink()
    assert image.tobytes() == bytes(range(18))


def test_a_raster_that_cannot_be_mapped_is_read(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENODEV, "No such device")

    path = tmp_path / "0000.ppm"
    path.write_bytes(b"P6\n30 40\n255\n" + bytes(range(240)) * 15)
    monkeypatch.setattr(ppm.mmap, "mmap", refuse)
    assert load_raster(path).tobytes() == bytes(range(240)) * 15


def test_only_whole_rasters_of_the_pages_asked_for_are_taken(tmp_path):
    folder = tmp_path / "rasters"
    folder.mkdir()
    with ppm.scratch_folder(folder) as scratch:
        (scratch / "page-4.ppm").write_bytes(WHOLE)
        (scratch / "page-05.ppm").write_bytes(WHOLE[:-1])
        (scratch / "page-006.ppm").write_bytes(WHOLE)
        (scratch / "page-9.ppm").write_bytes(WHOLE)
        (scratch / "notes.ppm").write_bytes(WHOLE)
        taken = ppm.take_pages(scratch, folder, range(3, 8))
    assert taken == {3: folder / "0003.ppm", 5: folder / "0005.ppm"}
    assert sorted(path.name for path in folder.iterdir()) == ["0003.ppm", "0005.ppm"]


def test_the_scratch_folder_goes_with_all_that_is_in_it_also_after_an_error(tmp_path):
    def write_and_fail() -> None:
        with ppm.scratch_folder(tmp_path) as scratch:
            (scratch / "page-1.ppm").write_bytes(WHOLE)
            raise KeyError

    with pytest.raises(KeyError):
        write_and_fail()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_the_storage_s_failure(tmp_path):
    with pytest.raises(PdfocrError) as caught, ppm.scratch_folder(tmp_path / "missing"):
        pass
    assert caught.value.code is ErrorCode.STORAGE_FAILED


def test_rasters_are_equal_only_when_every_byte_is(tmp_path):
    size = 3 * 400 * 400
    first, second = tmp_path / "a.ppm", tmp_path / "b.ppm"
    for position in (None, 0, size // 2, size - 1):
        pixels = bytearray(size)
        first.write_bytes(b"P6\n400 400\n255\n" + pixels)
        if position is not None:
            pixels[position] = 1
        second.write_bytes(b"P6\n400 400\n255\n" + pixels)
        assert ppm.are_equal(first, second) is (position is None)
    second.write_bytes(WHOLE)
    assert not ppm.are_equal(first, second)


def test_raster_memory_is_kept_for_the_next_image(tmp_path):
    path = tmp_path / "0000.ppm"
    path.write_bytes(b"P6\n1700 2200\n255\n" + bytes(3 * 1700 * 2200))
    before = Image.core.get_blocks_max()
    try:
        keep_raster_memory()
        Image.core.clear_cache()
        load_raster(path).copy()
        Image.core.reset_stats()
        load_raster(path).copy()
        stats = Image.core.get_stats()
        assert stats["reused_blocks"] >= 1
        assert stats["allocated_blocks"] == 0
    finally:
        Image.core.set_blocks_max(before)

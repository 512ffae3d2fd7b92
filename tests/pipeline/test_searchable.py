"""The searchable PDF: the text is where the ink is, however the page lies; all else of the original stays as it is."""

import io
import subprocess
from dataclasses import dataclass

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pdfocr_watcher.document.model import Page, TextLine
from pdfocr_watcher.engines.uprighting import Uprighting, straighten
from pdfocr_watcher.pipeline import searchable
from pdfocr_watcher.pipeline.searchable import LayerFile, SearchLimits, make_searchable
from tests.pdfs import born_digital, damaged, owner_locked

LIMITS = SearchLimits(60, 500_000_000)
#: The word's place on the sheet, in points from its top left corner.
WORD = "harbour"


def scan(**entries):
    """A sheet of 400 x 600 points with one word on it, in the pixels only."""
    picture = Image.new("L", (800, 1200), 255)
    ImageDraw.Draw(picture).text((260, 330), WORD, fill=0, font=ImageFont.load_default(60))
    buffer = io.BytesIO()
    picture.save(buffer, "PDF", resolution=144, quality=90)
    with pikepdf.open(buffer) as pdf:
        for name, value in entries.items():
            pdf.pages[0].obj[f"/{name}"] = value
        buffer = io.BytesIO()
        pdf.save(buffer, static_id=True)
    return buffer.getvalue()


def shown(content):
    """The first page as it is seen."""
    with pypdfium2.PdfDocument(content) as pdf:
        return pdf[0].render(scale=150 / 72).to_pil().convert("RGB")


def ink(image):
    left, top, right, bottom = ImageOps.invert(image.convert("L").point(lambda level: 255 * (level > 128))).getbbox()
    return left, top, right, bottom


@dataclass
class Made:
    reason: str
    content: bytes


@pytest.fixture
def make(tmp_path):
    def made(content, *pages, limits=LIMITS):
        paths = [tmp_path / name for name in ("input.pdf", "layers", "made.pdf")]
        paths[0].write_bytes(content)
        with paths[1].open("w", encoding="utf-8") as stream:
            layers = LayerFile(stream)
            for page, reading in pages:
                layers.add(page, reading)
        reason = make_searchable(*paths, limits)
        return Made(reason, paths[2].read_bytes() if paths[2].exists() else b"")

    return made


def page(*lines, size=(833, 1250), reading=None):
    return Page(0, *size, 150.0, (), lines), reading or {}


def line(text=WORD, box=(300, 400, 500, 440)):
    return TextLine(box, text, 0.9)


def text_of(content, tmp_path, *options):
    path = tmp_path / "text.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdftotext", *options, path, "-"], check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("skew", [0.0, 3.0, -7.0])
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize(
    "entries",
    [
        {},
        {"Rotate": 90, "UserUnit": 2},
        {"Rotate": 180, "CropBox": pikepdf.Array([50, 250, 380, 590])},
        {"Rotate": -90, "CropBox": pikepdf.Array([380, 590, 50, -100])},
    ],
    ids=["plain", "rotated", "cropped", "rotated and cropped beyond the sheet"],
)
def test_the_text_is_where_the_ink_is(make, entries, turn, skew):
    """The word is read on the upright picture, and found again where it is on the page as it is shown."""
    content = scan(**entries)
    before = shown(content)
    upright = straighten(before, Uprighting(turn, skew))
    made = make(content, page(line(box=ink(upright)), size=upright.size, reading={"turn": turn, "skew": skew}))
    assert made.reason == ""
    assert shown(made.content).tobytes() == before.tobytes(), "nothing of the layer is seen"
    left, top, right, bottom = place_of_text(made.content)
    wanted = ink(before)
    grown = 4 + 0.13 * (wanted[2] - wanted[0] + wanted[3] - wanted[1]) * bool(skew)  # a level box around a skewed word
    assert (left, top, right, bottom) == pytest.approx(wanted, abs=grown)


def place_of_text(content):
    """The box of all characters on the page as it is shown at 150 dpi."""
    with pypdfium2.PdfDocument(content) as pdf:
        sheet, raw = pdf[0], pypdfium2.raw
        text, size = sheet.get_textpage(), sheet.render(scale=150 / 72).to_pil().size
        assert sorted(text.get_text_range().strip()) == sorted(WORD)
        points = []
        for index in range(text.count_chars()):
            left, bottom, right, top = text.get_charbox(index, loose=True)
            for x, y in ((left, bottom), (right, top)):
                across, down = raw.c_int(), raw.c_int()
                raw.FPDF_PageToDevice(sheet, 0, 0, *size, 0, x, y, across, down)
                points.append((across.value, down.value))
    return tuple(edge(axis) for edge in (min, max) for axis in ([x for x, _ in points], [y for _, y in points]))


@pytest.mark.parametrize(
    "text",
    [
        "Minutes of the board",
        "Straße, naïve — 5 €",
        "Протокол",
        "日本語のテキスト",
        "مرحبا بالعالم",
        "שלום עולם",
        "\U0001d49c \U0001d4d1",
    ],
)
def test_text_of_every_script_comes_out_as_it_was_read(make, tmp_path, text):
    made = make(scan(), page(line(text, (100, 400, 100 + 20 * len(text), 440))))
    said = text_of(made.content, tmp_path)
    assert "".join(one for one in said if one not in "\u202a\u202b\u202c\n\f") == text


def test_it_is_a_sound_pdf(make, tmp_path):
    made = make(scan(), page(line()))
    (tmp_path / "sound.pdf").write_bytes(made.content)
    assert subprocess.run(["qpdf", "--check", tmp_path / "sound.pdf"], check=False, capture_output=True).returncode == 0


def test_a_broken_pdf_that_can_be_mended_is_a_sound_one(make, tmp_path):
    """Its end is missing, and with it the table of its objects."""
    content = scan()
    made = make(content[: content.index(b"\nxref")], page(line()))
    assert made.reason == ""
    (tmp_path / "sound.pdf").write_bytes(made.content)
    assert subprocess.run(["qpdf", "--check", tmp_path / "sound.pdf"], check=False, capture_output=True).returncode == 0


def test_the_same_pages_give_the_same_bytes(make):
    content = scan()
    assert make(content, page(line())).content == make(content, page(line())).content


def test_pictures_metadata_bookmarks_and_links_stay_as_they_are(make):
    with pikepdf.open(io.BytesIO(scan())) as pdf:
        pdf.docinfo["/Title"] = "Minutes"
        with pdf.open_outline() as outline:
            outline.root.append(pikepdf.OutlineItem("First", 0))
        link = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9],
            A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("https://example.org")),
        )  # fmt: skip
        pdf.pages[0].obj.Annots = pdf.make_indirect(pikepdf.Array([pdf.make_indirect(link)]))
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), page(line()))
    with pikepdf.open(buffer) as given, pikepdf.open(io.BytesIO(made.content)) as pdf:
        assert raw_pictures(pdf) == raw_pictures(given)
        assert str(pdf.docinfo["/Title"]) == "Minutes"
        with pdf.open_outline() as outline:
            assert [item.title for item in outline.root] == ["First"]
        assert str(pdf.pages[0].obj.Annots[0].A.URI) == "https://example.org"


def raw_pictures(pdf):
    return [picture.read_raw_bytes() for picture in pdf.pages[0].get_images().values()]


def test_a_page_with_text_of_its_own_gets_no_second_one(make, tmp_path):
    made = make(born_digital(), page(line("The quick brown fox jumps"), size=(1241, 1754)))
    assert made.reason == ""
    assert text_of(made.content, tmp_path).count("brown fox") == 1


def test_a_scan_with_a_stamp_gets_a_layer(make, tmp_path):
    with pikepdf.open(io.BytesIO(scan())) as pdf:
        pdf.pages[0].contents_add(b"BT (p. 1) Tj ET")
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), page(line("Seventeen boats had asked for a berth")))
    assert "Seventeen boats" in text_of(made.content, tmp_path)


def test_text_in_a_form_on_the_page_is_the_pages_own(make, tmp_path):
    with pikepdf.open(io.BytesIO(born_digital())) as pdf:
        form = pdf.pages[0].as_form_xobject()
        name = pdf.pages[0].add_resource(form, pikepdf.Name.XObject)
        pdf.pages[0].contents_coalesce()
        pdf.pages[0].obj.Contents = pdf.make_stream(f"{name} Do".encode())
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), page(line("The quick brown fox jumps"), size=(1241, 1754)))
    assert text_of(made.content, tmp_path).count("brown fox") == 1


@pytest.mark.parametrize("content", [b"q q q 0.1 0 0 0.1 5 5 cm", b"Q Q Q", b"q 0 0 1 rg ("])
def test_a_page_whose_own_content_is_out_of_balance_does_not_move_the_layer(make, content):
    with pikepdf.open(io.BytesIO(scan())) as pdf:
        pdf.pages[0].contents_add(content, prepend=True)
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), page(line(box=(300, 400, 500, 440))))
    assert place_of_text(made.content) == pytest.approx((300, 400, 500, 440), abs=3)


def test_pages_that_share_their_resources_and_have_no_content_get_their_layers(make, tmp_path):
    with pikepdf.new() as pdf:
        for _ in range(3):
            pdf.add_blank_page(page_size=(400, 600))
        shared = pdf.make_indirect(pikepdf.Dictionary())
        for sheet in pdf.pages:
            del sheet.obj["/Contents"]
            sheet.obj.Resources = shared
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), *(page(line(f"sheet {number}")) for number in (1, 2, 3)))
    assert [text.strip() for text in text_of(made.content, tmp_path).split("\f")[:3]] == [
        "sheet 1",
        "sheet 2",
        "sheet 3",
    ]


def test_a_page_that_is_broken_costs_itself(make, tmp_path):
    with pikepdf.open(io.BytesIO(scan())) as pdf:
        pdf.pages.append(pdf.pages[0])
        pdf.pages[0].obj.MediaBox = pikepdf.Array([0, 0, pikepdf.Name.Wide])
        pdf.pages[0].obj.Contents = pikepdf.Array([pikepdf.Dictionary(), 7])
        pdf.pages[0].obj.Resources = 8
        pdf.save(buffer := io.BytesIO())
    made = make(buffer.getvalue(), page(line("sheet 1")), page(line("sheet 2")))
    assert made.reason == ""
    assert "sheet 2" in text_of(made.content, tmp_path)


def test_a_file_that_becomes_too_long_is_left_out(make, monkeypatch):
    monkeypatch.setattr(searchable, "_SPARE_BYTES", -30_000)
    assert "too long" in make(scan(), page(line())).reason


def test_a_page_without_lines_stays_as_it_is(make):
    made = make(scan(), page())
    with pikepdf.open(io.BytesIO(made.content)) as pdf:
        assert [str(name) for name in pdf.pages[0].obj.Resources.XObject] == ["/image"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(owner_locked(), "encrypted"), (damaged(), "damaged"), (born_digital(2), "number of pages")],
)
def test_a_pdf_with_which_it_cannot_be_done_is_named(make, content, reason):
    assert reason in make(content, page(line())).reason


def test_it_is_bounded_in_time_and_memory(make):
    assert "longer than" in make(scan(), page(line()), limits=SearchLimits(0.01, 500_000_000)).reason
    assert "memory" in make(scan(), page(line("x" * 60_000_000)), limits=SearchLimits(60, 60_000_000)).reason


def test_a_disk_that_refuses_is_an_error_of_the_file_system(tmp_path):
    paths = [tmp_path / name for name in ("input.pdf", "layers", "made.pdf")]
    paths[0].write_bytes(scan())
    with paths[1].open("w", encoding="utf-8") as stream:
        LayerFile(stream).add(*page(line()))
    paths[2].symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        make_searchable(*paths, LIMITS)

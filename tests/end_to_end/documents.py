"""Documents that only these tests need: a page that no renderer finishes, and names that people give to files."""

import io

import pikepdf

from tests.pdfs import born_digital

#: A program that a shading runs for each of its samples: poppler and PDFium both need minutes for the page.
_ENDLESS = b"{ add " + b"dup mul 0.31 add sin abs 57 mul " * 20_000 + b"sin abs }"

#: Names that a shell, a URL, a format string or an option parser would trip over, and stems of 200 bytes.
ODD_NAMES = (
    "two words.pdf",
    'it\'s "quoted".pdf',
    "100%.pdf",
    "%s %d {} {0}.pdf",
    "#1 & more; $(id) `id`.pdf",
    "-rf.pdf",
    "--help.pdf",
    "[brackets] *?.pdf",
    "back\\slash.pdf",
    "line\nbreak.pdf",
    " spaces at the ends .pdf",
    "Überweisung für Zoë – Größe.pdf",  # noqa: RUF001 - a dash, as people type it
    "請求書 二月.pdf",
    "عقد الإيجار.pdf",
    "📄🖨️.pdf",
    "two.dots.pdf",
    "no.pdf.pdf",
    "LOUD.PDF",
    "Mixed.Pdf",
    f"{'long ' * 40}.pdf",
    f"{'ü' * 100}.pdf",
)


def with_endless_page(pages: int, endless: int) -> bytes:
    """Pages like those of `born_digital`, of which one, counted from 1, takes longer than anybody waits."""
    with pikepdf.open(io.BytesIO(born_digital(pages))) as pdf:
        function = pdf.make_stream(_ENDLESS, FunctionType=4, Domain=[0, 1, 0, 1], Range=[0, 1])
        shading = pikepdf.Dictionary(
            ShadingType=1,
            ColorSpace=pikepdf.Name.DeviceGray,
            Function=function,
            Matrix=[500, 0, 0, 700, 0, 0],
        )
        page = pdf.pages[endless - 1]
        page.Resources = pikepdf.Dictionary(Shading=pikepdf.Dictionary(Endless=pdf.make_indirect(shading)))
        page.Contents = pdf.make_stream(b"/Endless sh")
        buffer = io.BytesIO()
        pdf.save(buffer)
    return buffer.getvalue()

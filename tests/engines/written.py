"""Pages in the scripts of the world, drawn when asked for."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

DEJAVU = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
#: The only font of the tests with Hangul.
MICRO_HEI = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"

ENGLISH = ("The committee met on Tuesday in the old library", "and went through the list of the boats again.")
RUSSIAN = (
    "Комитет собрался во вторник в старой библиотеке",
    "и снова просмотрел список всех лодок в гавани.",
    "Никто не возражал, и заседание скоро закрыли.",
)
UKRAINIAN = (
    "Комітет зібрався у вівторок у старій бібліотеці",
    "і знову переглянув перелік усіх човнів у гавані.",
    "Ніхто не заперечував, і засідання скоро закрили.",
)
GREEK = (
    "Η επιτροπή συνεδρίασε την Τρίτη στη βιβλιοθήκη",
    "και εξέτασε πάλι τον κατάλογο με όλες τις βάρκες.",
    "Κανείς δεν διαφώνησε και η συνεδρίαση έκλεισε.",
)
ARABIC = (
    "اجتمعت اللجنة يوم الثلاثاء في المكتبة القديمة",
    "وراجعت قائمة القوارب كلها مرة أخرى قبل المساء",
    "ولم يعترض أحد على ذلك وانتهت الجلسة بعد قليل",
)
KOREAN = ("위원회는 화요일에 오래된 도서관에서 회의를 열고", "배의 목록을 다시 살펴보았으며 아무도 반대하지 않았다.")


def page(texts: Sequence[str], *, font: str = DEJAVU, em: int = 36, size: tuple[int, int] = (1240, 900)) -> Image.Image:
    """Texts below each other, those of Arabic from the right margin."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for number, text in enumerate(texts):
        arabic = "\u0600" <= text[0] <= "\u06ff"
        draw.text(
            (size[0] - 120 if arabic else 120, 120 + 2 * em * number),
            text,
            fill="black",
            font=ImageFont.truetype(font, em),
            direction="rtl" if arabic else None,
            anchor="ra" if arabic else "la",
        )
    return image

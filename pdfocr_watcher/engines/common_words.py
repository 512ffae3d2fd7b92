"""Which language some text is in, told by the words that every text has."""

import re
from collections.abc import Iterable

#: The words that make up a third and more of what is written in a language; those of one letter only where they are
#: hardly anything else.
_COMMON = {
    "de": "der die das den dem des ein eine einen einem einer und oder aber nicht ist sind war wird werden "
    "wurde hat haben ich er sie es wir ihr sich mit von zu zum zur im in am an auf aus bei für durch nach "
    "über unter vor als wie dass daß auch nur noch so wenn mein meine seine ihre kein",
    "en": "the of and to a in is it that was he for as with his on be at by i this had not are but from or have "
    "an they which you were her she all would there been if more when will who no out so their what my me "
    "him up do can our we",
    "es": "el la los las un una unos unas de del al y o que en a por para con sin sobre es son fue era ser ha "
    "han he se su sus lo le les me mi no si como más pero este esta esto yo tu muy ya cuando donde hasta "
    "desde",
    "fr": "le la les un une des de du au aux et ou que qui dont en à par pour avec sans sur dans est sont fut "
    "était être a ont ai se sa son ses ce cette ces il elle ils nous vous je me ma mon mes ne pas si "
    "comme plus mais tout leur",
    "it": "il lo la i gli le un una uno di del della dei delle al alla e o che in a da dal dalla per con su nel "
    "nella è sono fu era essere ha hanno ho si suo sua mi mio mia non se come più ma questo questa anche "
    "io ci quando",
    "nl": "de het een en of van in op te ten ter aan bij voor met door uit om naar over als dat die dit deze is "
    "zijn was werd worden wordt heeft hebben had ik hij zij ze wij we mijn haar hem niet geen ook maar "
    "nog er dan zo wel tot",
    "pt": "o a os as um uma uns umas de do da dos das ao à e ou que em no na nos nas por para pelo pela com sem "
    "sobre é são foi era ser há tem se seu sua eu me meu minha não mais mas como este esta isso já quando "
    "até também",
}
COMMON_WORDS = {language: frozenset(words.split()) for language, words in _COMMON.items()}
_WORD = re.compile(r"[^\W\d_]+")
#: A text is of a language of whose words it has so many, which are such a share of all, and so many times as many as of
#: any other's. Wills that the embedded engine misreads by half have .19 to .31 of French, and 1.4 times as many as of
#: Italian; print in four languages has .2 to .5, and twice as many.
MIN_WORDS, MIN_SHARE, MIN_LEAD = 8, 0.12, 1.25


def likely_language(texts: Iterable[str]) -> str | None:
    """The language of some text that may be badly read, by its code of two letters; None where it is not sure."""
    words = [word for text in texts for word in _WORD.findall(text.lower())]
    met = {language: sum(word in common for word in words) for language, common in COMMON_WORDS.items()}
    (best, most), (_, second) = sorted(met.items(), key=lambda one: -one[1])[:2]
    return best if most >= max(MIN_WORDS, MIN_SHARE * len(words), MIN_LEAD * second) else None

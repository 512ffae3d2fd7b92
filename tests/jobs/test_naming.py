"""Names that every system shows, and texts that a terminal shows as they are."""

import json
import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdfocr_watcher.jobs.naming import printable, printable_json, safe_name

LENGTH = 120


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("letter", "letter"),
        ("größe 漢字 🧾", "größe 漢字 🧾"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("می\u200cخم", "می\u200cخم"),
        ("全角\uff1aコロン", "全角\uff1aコロン"),
        ("-rf", "-rf"),
        ("$(touch x)`id`;&'%2e", "$(touch x)`id`;&'%2e"),
        ('a<b>c:d"e|f?g*h\\i/j', "a_b_c_d_e_f_g_h_i_j"),
        ("line\nbreak\ttab\x1b[31m\x7f\x9b", "line_break_tab_[31m__"),
        ("fdp\u202eexe", "fdp_exe"),
        ("a\u2028b\u2029c", "a_b_c"),
        ("samba\uf022\uf025", "samba__"),
        ("\ud800\udcff", "__"),
        ("a\u2215b\uff0fc\uff3cd", "a_b_c_d"),
        ("  both ends . . ", "both ends"),
        ("...", "nameless"),
        ("..", "nameless"),
        (" ", "nameless"),
        ("CON", "CON_"),
        ("nul.tar", "nul_.tar"),
        ("Com1 .x", "Com1_.x"),
        ("lpt³", "lpt³_"),
        ("console", "console"),
        ("COM10", "COM10"),
    ],
)
def test_a_name_stays_as_it_is_where_every_system_shows_it(name, safe):
    assert safe_name(name, LENGTH, "nameless") == safe


@pytest.mark.parametrize(("name", "length"), [("é" * 200, 120), ("😀" * 60, 120), ("a" * 119 + "é", 119)])
def test_a_long_name_is_cut_between_characters(name, length):
    assert len(safe_name(name, LENGTH, "nameless").encode()) == length


@given(st.text(st.characters(codec=None), min_size=0, max_size=150))
def test_whatever_the_name_is_it_becomes_one_part_of_a_path_on_linux_and_on_windows(name):
    safe = safe_name(name, LENGTH, "nameless")
    assert PurePosixPath(safe).parts == (safe,)
    assert PureWindowsPath(safe).parts == (safe,)
    assert not PureWindowsPath(safe).is_reserved()
    assert safe not in {"", ".", ".."}
    assert safe == safe.strip(" .") or safe == "nameless"
    assert len(safe.encode()) <= LENGTH + 1
    assert not any(unicodedata.category(character) in {"Cc", "Cs", "Co", "Zl", "Zp"} for character in safe)
    assert safe_name(safe, LENGTH + 1, "nameless") == safe, "a name that is safe stays as it is"


def test_two_spellings_of_one_accent_stay_two_names():
    composed, decomposed = "Caf\u00e9", "Cafe\u0301"
    assert safe_name(composed, LENGTH, "x") != safe_name(decomposed, LENGTH, "x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("größe 漢字 🧾\u3000x", "größe 漢字 🧾\u3000x"),
        ("a\nFAKE line", "a\\nFAKE line"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("\udce9", "\\udce9"),
    ],
)
def test_a_terminal_is_shown_escapes_for_what_it_would_obey(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters(codec=None), max_size=40))
def test_a_json_text_says_the_same_and_holds_nothing_that_a_terminal_obeys(text):
    shown = printable_json(json.dumps({"name": text}, ensure_ascii=False, indent=2))
    assert json.loads(shown) == {"name": text}
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown.replace("\n", ""))
    assert not set(shown) & set("\x9b\u202e\u2028\u2066")

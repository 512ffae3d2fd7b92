"""The list of profiles in docs/models.md is the one that is made from them."""

from pathlib import Path

import pytest

from pdfocr_watcher.config.__main__ import write_reference
from pdfocr_watcher.config.profile_page import BEGIN, END, profile_list, with_profiles
from pdfocr_watcher.engines.profiles import Picture, Profile, Retry, ServerMessage, builtin_profiles

PAGE = Path(__file__).parents[2] / "docs" / "models.md"


def test_the_list_in_the_page_is_the_generated_one():
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_profiles(page), "run python -m pdfocr_watcher.config"


def test_every_profile_is_listed_with_its_model_its_sources_and_what_was_seen():
    made = profile_list()
    for name, profile in builtin_profiles().items():
        part = made.partition(f"### {name}\n")[2].partition("\n### ")[0]
        assert f"| [`{name}`](#{name}) | {profile.model} | " in made
        assert all(source.replace("|", "\\|") in part for source in profile.sources.values())
        assert (profile.seen or "Never seen running with the model's weights.") in part
        assert profile.note in part


def test_the_tables_have_as_many_cells_in_every_row():
    rows = [line.replace("\\|", "") for line in profile_list().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {4, 5}
    assert all(row.endswith("|") for row in rows)


def test_a_page_is_only_changed_between_the_marks():
    page = f"before\n{BEGIN}\nformer-list\n{END}\nafter\n"
    made = with_profiles(page)
    assert made.startswith("before\n")
    assert made.endswith(f"{END}\nafter\n")
    assert "former-list" not in made
    assert with_profiles(made) == made


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END}{BEGIN}"])
def test_a_page_without_its_marks_is_an_error(page):
    with pytest.raises(ValueError, match="lacks"):
        with_profiles(page)


def test_the_module_brings_the_page_up_to_date_where_there_is_one(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "models.md").write_text(f"{BEGIN}\n{END}\n")
    write_reference(tmp_path)
    assert (tmp_path / "docs" / "models.md").read_text(encoding="utf-8") == with_profiles(f"{BEGIN}\n{END}\n")


def test_the_page_explains_every_key_of_a_profile():
    text = PAGE.read_text(encoding="utf-8").partition("| key | what it means |")[2]
    keys = {key for model in (Profile, Picture, Retry) for key in model.model_fields} - {"name", "server", "sampling"}
    keys |= {f"server.{key}" for key in ServerMessage.model_fields} | {"sampling.temperature", ".max_tokens"}
    assert [key for key in sorted(keys) if f"{key}`" not in text] == []

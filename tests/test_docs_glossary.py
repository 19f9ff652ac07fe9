"""The glossary: every link of a notebook leads to a term, and the terms are in order."""

import re
from pathlib import Path

import pytest

from aicontainer import syllabus, workspace

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ANCHORS = re.findall(r'<a id="([a-z0-9-]+)"></a>', TEXT)
TERMS = re.findall(r"^\*\*(.+?)\*\*: ", TEXT, re.M)
SOURCES = syllabus.files(ROOT / "notebooks" / "source", ".md")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_link_to_the_glossary_leads_to_a_term(source: Path) -> None:
    up = "../../" if source.parent.name == syllabus.CASES else "../"
    links = re.findall(r"\(([^()\s]*glossary\.md[^()\s]*)\)", source.read_text(encoding="utf-8"))
    wrong = [
        link for link in links if not link.startswith(f"{up}docs/glossary.md#") or link.split("#")[1] not in ANCHORS
    ]
    assert wrong == []


def test_each_anchor_stands_once_and_right_before_a_term() -> None:
    assert len(set(ANCHORS)) == len(ANCHORS)
    assert len(re.findall(r'^(<a id="[a-z0-9-]+"></a>)+\n\n\*\*.+?\*\*: ', TEXT, re.M)) == len(TERMS)


def test_the_terms_are_in_order_and_short() -> None:
    assert len(TERMS) >= 60
    assert sorted(TERMS, key=lambda term: term.lower().replace("²", "2")) == TERMS
    texts = re.findall(r"^\*\*.+?\*\*: ((?:.+\n)+)", TEXT, re.M)
    assert [text for text in texts if len(text.split()) > 45] == []


@pytest.mark.parametrize("form", ["", "solutions"])
def test_the_links_of_a_working_copy_lead_to_the_glossary_beside_it(form: str, tmp_path: Path) -> None:
    mine = tmp_path / "notebooks" / form
    copies = workspace.hand_out(ROOT / "notebooks" / form, mine)
    workspace.lay_glossary(ROOT, tmp_path)
    links = 0
    for copied in copies:
        for link in re.findall(r"\(([^()\s]*glossary\.md)#", copied.path.read_text(encoding="utf-8")):
            assert (copied.path.parent / link).resolve() == tmp_path / "docs" / "glossary.md"
            links += 1
    assert links > 20

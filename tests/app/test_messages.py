"""Words from outside are shown as text."""

import pytest

from app.messages import WORD_JOINER, as_text


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("![x](//example.org/a.png)", r"!\[x\](//example.org/a.png)"),
        ("<b>`x`</b> $y$ ~z~ **w**", r"\<b\>\`x\`\</b\> \$y\$ \~z\~ \*\*w\*\*"),
        ("_a_ __b__ my_photo_1.jpg FER_DATA", r"\_a\_ \_\_b\_\_ my_photo_1.jpg FER_DATA"),
        ("&copy; &#33; Jack & Jill", r"\&copy; \&#33; Jack & Jill"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("62.7 % of 3,589", "62.7 % of 3,589"),
        ("a\n\n# head\n    code", "a # head code"),
        ("fer2013.csv, line 1: expected emotion", "fer2013.csv, line 1: expected emotion"),
    ],
)
def test_markup_gets_a_backslash_and_other_words_stay(words: str, shown: str) -> None:
    assert as_text(words) == shown


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (":material/home: :smile:", ":|material/home: :|smile:"),
        ("https://example.org HTTP://example.org", "https:|//example.org HTTP:|//example.org"),
        ("www.example.org a@example.org", "www|.example.org a@|example.org"),
        ("a--b", "a-|-b"),
        ("a -> b", r"a -|\> b"),
        ("a <- b", r"a \<|- b"),
    ],
)
def test_what_no_backslash_turns_into_text_is_parted(words: str, shown: str) -> None:
    assert as_text(words).replace(WORD_JOINER, "|") == shown

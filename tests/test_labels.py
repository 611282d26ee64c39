"""Names of classes, as people write them."""

import pytest

from fer_core.errors import UserError
from fer_core.labels import EXPRESSIONS, class_number, expression_index


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_classes_are_named_in_any_case(name: str) -> None:
    number = EXPRESSIONS.index(name)
    for written in (name, name.upper(), name.title(), f" {name}\n"):
        assert expression_index(written) == class_number(written) == number


def test_synonyms_are_for_datasets_alone() -> None:
    assert [class_number(name) for name in ("Joy", "ANGER", "contempt", "")] == [3, 0, None, None]
    for name in ("joy", "", "0", None):
        with pytest.raises(UserError, match=r"unknown expression class .*; choose one of angry"):
            expression_index(name)  # type: ignore[arg-type]

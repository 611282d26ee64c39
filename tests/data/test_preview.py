"""Augmentation, one change at a time."""

import numpy as np
import pytest

from fer_core.data.augmentation import Augmentation
from fer_core.data.preview import (
    NO_AUGMENTATION,
    augmentation_of_recipe,
    random_draws,
    scale_augmentation,
    strongest_of_each,
)
from fer_core.errors import UserError
from fer_core.geometry import warp

WHOLE = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


@pytest.fixture
def face() -> np.ndarray:
    """Gray that rises to the right, (48, 48)."""
    return np.tile(np.arange(60, 156, 2, dtype=np.uint8), (48, 1))


def test_each_change_is_applied_alone_and_at_its_strongest(face: np.ndarray) -> None:
    options = Augmentation(far=0.2)
    changes = strongest_of_each(face, WHOLE, 48, options)
    assert list(changes) == [
        *("rotation", "scale", "shift", "far", "flip"),
        *("brightness", "contrast", "blur", "noise", "erase"),
    ]
    assert (changes["flip"] == warp(face, WHOLE, 48)[:, ::-1]).all()
    assert (changes["brightness"] == (face + 25.5).astype(np.uint8)).all()
    assert np.ptp(changes["contrast"]) == pytest.approx(np.ptp(face) * np.exp(0.2), abs=1)
    hidden = (changes["erase"] == 255).mean()
    assert hidden == pytest.approx(0.2, abs=0.02), "a fifth of the face"
    assert (changes["shift"][:, 10] - face[:, 10].astype(int)).mean() == pytest.approx(
        -2.9, abs=0.3
    )
    assert (
        np.abs(changes["far"].astype(int) - face).mean()
        > np.abs(changes["rotation"].astype(int) - face).mean()
    )


def test_changes_that_are_off_are_not_shown(face: np.ndarray) -> None:
    assert strongest_of_each(face, WHOLE, 48, NO_AUGMENTATION) == {}
    assert (random_draws(face, WHOLE, 48, NO_AUGMENTATION, number=1, seed=0)[0] == face).all()


def test_random_draws_depend_on_the_seed_only(face: np.ndarray) -> None:
    first, again, other = (
        random_draws(face, WHOLE, 48, Augmentation(), number=4, seed=s) for s in (1, 1, 2)
    )
    assert len(first) == 4 and first[0].shape == (48, 48)
    assert (np.array(first) == np.array(again)).all() and (np.array(first) != np.array(other)).any()


def test_an_augmentation_out_of_range_is_refused() -> None:
    for table, message in ((5, "must be a table"), ({"flip": 2}, "between 0 and 1")):
        with pytest.raises(UserError, match=message):
            augmentation_of_recipe({"augmentation": table})


def test_the_augmentation_is_read_from_the_recipe() -> None:
    assert augmentation_of_recipe({"augmentation": {"rotation": 20.0, "new": 1}}) == Augmentation(
        rotation=20.0
    )
    assert augmentation_of_recipe({}) == Augmentation()
    doubled = scale_augmentation(Augmentation(), 2)
    assert doubled.rotation == 12 and doubled.contrast == 0.4 and doubled.erase == 0.1

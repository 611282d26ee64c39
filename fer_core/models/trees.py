"""Decision trees in LightGBM's text format, checked before LightGBM reads them.

LightGBM trusts its files: it crashes on a child or a feature that is not there, and never ends in a tree that
leads back to itself.
"""

import lzma
import re
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EXPRESSIONS

Number = TypeVar("Number", np.int64, np.float64)

MAX_MEGABYTES: Final = 64
"""Largest text of trees, in 10^6 bytes; those of the models here have 7."""
MAX_LEAF: Final = 1e30
"""Values of leaves are smaller, so that their sum is finite."""

SPLITS: Final = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
"""Lines of a tree with one number for each of its splits."""


def unpack(packed: bytes) -> str:
    """Return the text of compressed trees.

    Raises:
        ValueError: if it is damaged or larger than ``MAX_MEGABYTES``.
    """
    limit = int(MAX_MEGABYTES * 1e6)
    try:
        decompressor = lzma.LZMADecompressor(memlimit=4 * limit)
        content = decompressor.decompress(packed, limit)
    except (lzma.LZMAError, EOFError, MemoryError) as error:
        raise ValueError(f"they are damaged: {error}") from None
    if not decompressor.eof:
        raise ValueError(f"they are cut off, or larger than {MAX_MEGABYTES} MB")
    return content.decode()


def checked_trees(text: str, features: int) -> str:
    """Return trees as LightGBM may read them: what a prediction needs, and nothing else.

    Args:
        text: trees in LightGBM's text format.
        features: number of features of a face.

    Raises:
        ValueError: if they are not trees of the seven classes over these features.
    """
    head, *trees = text.partition("end of trees")[0].split("\nTree=")
    expected = {
        "num_class": len(EXPRESSIONS),
        "num_tree_per_iteration": len(EXPRESSIONS),
        "max_feature_idx": features - 1,
    }
    stored = _lines(head)
    for key, number in expected.items():
        if stored.get(key) != str(number):
            raise ValueError(f"{key} must be {number}")
    if not trees or len(trees) % len(EXPRESSIONS):
        raise ValueError("there must be as many trees for each class")
    lines = [_lines(tree) for tree in trees]
    if any(tree.get("num_cat") != "0" or tree.get("is_linear", "0") != "0" for tree in lines):
        raise ValueError("their splits and leaves must be numbers")
    leaves = _numbers(" ".join(tree.get("num_leaves", "x") for tree in lines), np.int64)
    if len(leaves) != len(trees) or leaves.min() < 1:
        raise ValueError("a tree has at least one leaf")
    columns = {
        key: [tree.get(key, "").strip() for tree in lines] for key in (*SPLITS, "leaf_value")
    }
    _check_numbers(columns, leaves, features)
    _check_children(columns, leaves)
    parts = [_head(features)]
    for number, count in enumerate(leaves.tolist()):
        rows = "\n".join(f"{key}={column[number]}" for key, column in columns.items())
        parts.append(
            f"Tree={number}\nnum_leaves={count}\nnum_cat=0\n{rows}\nis_linear=0\nshrinkage=1\n\n"
        )
    return "\n".join((*parts, "end of trees\n"))


def _lines(text: str) -> dict[str, str]:
    """Return the lines ``key=value`` of a text."""
    return dict(re.findall(r"^(\w+)=([^\n]*)$", text, re.MULTILINE))


def _head(features: int) -> str:
    classes = len(EXPRESSIONS)
    return (
        f"tree\nversion=v4\nnum_class={classes}\nnum_tree_per_iteration={classes}\nlabel_index=0\n"
        f"max_feature_idx={features - 1}\nobjective=multiclass num_class:{classes}\n"
        f"feature_names={' '.join(f'Column_{n}' for n in range(features))}\n"
        f"feature_infos={' '.join(['[-1e308:1e308]'] * features)}\n\n"
    )


def _numbers(text: str, kind: type[Number]) -> NDArray[Number]:
    """Return the numbers of a text; those of Python are written with digits alone."""
    if re.search(r"[^\d\s.eE+-]", text, re.ASCII):
        raise ValueError("their values must be finite numbers")
    return np.array(text.split(), kind)


def _check_numbers(columns: dict[str, list[str]], leaves: NDArray[np.int64], features: int) -> None:
    """Check how many numbers the lines of all trees have, and which."""
    for key, column in columns.items():
        counts = [len(line.split()) for line in column]
        if counts != (leaves if key == "leaf_value" else leaves - 1).tolist():
            raise ValueError(f"{key} must have a number for each split or leaf")
    used = _numbers(" ".join(columns["split_feature"]), np.int64)
    kinds = _numbers(" ".join(columns["decision_type"]), np.int64)
    if ((used < 0) | (used >= features)).any() or ((kinds < 0) | (kinds > 10) | (kinds & 1)).any():
        raise ValueError(f"a split must compare one of {features} features")
    thresholds = _numbers(" ".join(columns["threshold"]), np.float64)
    values = _numbers(" ".join(columns["leaf_value"]), np.float64)
    if not np.isfinite(thresholds).all() or not (np.abs(values) < MAX_LEAF).all():
        raise ValueError("thresholds and leaves must be finite")


def _check_children(columns: dict[str, list[str]], leaves: NDArray[np.int64]) -> None:
    """Check that each split but the first, and each leaf, is the child of one split.

    Then no way down from the first split leads back. Splits are numbered from 0; -1 is the first leaf.
    """
    splits = leaves - 1
    last_split, last_leaf = np.repeat(splits - 1, splits), -np.repeat(leaves, splits)
    first = np.repeat(np.cumsum(splits) - splits, splits)
    first_leaf = np.repeat(np.cumsum(leaves) - leaves, splits)
    is_child, is_leaf_of = [], []
    for key in ("left_child", "right_child"):
        children = _numbers(" ".join(columns[key]), np.int64)
        if ((children == 0) | (children > last_split) | (children < last_leaf)).any():
            raise ValueError("a child must be another split or a leaf of its tree")
        is_child.append((first + children)[children > 0])
        is_leaf_of.append((first_leaf - children - 1)[children < 0])
    # A tree of one leaf has no split that could have it as a child.
    children, leaf_children = np.concatenate(is_child), np.concatenate(is_leaf_of)
    distinct = len(np.unique(children)) == len(children)
    if not (distinct and len(np.unique(leaf_children)) == len(leaf_children)):
        raise ValueError("a split or leaf must have one parent")

"""Cards and weight files that cannot be used: one sentence, before memory or time is taken."""

import hashlib
import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save

from fer_core.errors import UserError
from fer_core.faces.hog import Hog
from fer_core.faces.landmarks import load_landmarker
from fer_core.models import load_model
from fer_core.models.trees import MAX_MEGABYTES, checked_trees, unpack
from fer_core.weights import (
    HOG,
    LANDMARKS,
    WEIGHTS,
    WeightsError,
    damaged_cards,
    list_models,
    load_card,
)

Change = Callable[..., Path]


def merged(table: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return a table with some values replaced, at any depth."""
    return {
        **table,
        **{
            key: merged(table[key], value) if isinstance(value, dict) and key in table else value
            for key, value in changes.items()
        },
    }


@pytest.fixture
def copy(tmp_path: Path) -> Change:
    """``copy("plain", temperature=0)``: a folder with a model, some fields of its card changed."""

    def copied(name: str, /, **changes: Any) -> Path:
        table = json.loads((WEIGHTS / f"{name}.json").read_text())
        for file in (f"{name}.safetensors", *table.get("graphs", ())):
            shutil.copy(WEIGHTS / file, tmp_path)
        (tmp_path / f"{name}.json").write_text(json.dumps(merged(table, changes)))
        return tmp_path

    return copied


def replace_weights(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> None:
    """Store other arrays for a model, and their hash in its card."""
    content, card = save(arrays), folder / f"{name}.json"
    (folder / f"{name}.safetensors").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    card.write_text(json.dumps({**json.loads(card.read_text()), "sha256": sha256}))


# Cards --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../plain"}, "name must be a name of letters"),
        ({"input_size": 10**6}, "input_size must be between 1 and 1024, not 1000000"),
        ({"temperature": float("nan")}, "temperature must be a finite number, not nan"),
        ({"temperature": 0}, "temperature must be between 0.001 and 1000"),
        ({"aligned": "yes"}, "aligned must be true or false, not 'yes'"),
        ({"classes": ["happy"]}, "classes must be angry, disgust, fear"),
        ({"class_shares": [0.1] * 6}, "class_shares must be a number above 0 for each class"),
        ({"class_shares": [0.0] * 7}, "class_shares must be a number above 0 for each class"),
        ({"graphs": {"../plain.onnx": ""}}, "graphs must lie beside the card"),
        (
            {"figures": {"PrivateTest": 0.7}},
            "figures must be a table whose values are each a table",
        ),
        ({"family": ["plain"] * 1000}, "family must be a text, not .'plain', .*…"),
    ],
)
def test_a_value_of_another_type_or_out_of_range_is_named(
    copy: Change, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(WeightsError, match=f"plain.json is not a model card .{message}") as caught:
        load_card("plain", copy("plain", **changes))
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[]", b"\xff\xfe", b'{"name": "plain"}', b""])
def test_a_file_that_is_not_a_card_is_named_and_the_other_models_go_on(
    copy: Change, content: bytes
) -> None:
    folder = copy("plain")
    (folder / "stray.json").write_bytes(content)
    assert list_models(folder) == ("plain",)
    (sentence,) = damaged_cards(folder)
    assert "stray.json is not a model card" in sentence and "\n" not in sentence
    with pytest.raises(WeightsError, match=r"stray\.json is not a model card"):
        load_model("stray", folder=folder)
    assert load_model("plain", folder=folder).probabilities(np.zeros((48, 48), np.uint8)).shape


def test_a_model_of_another_kind_is_refused(copy: Change) -> None:
    with pytest.raises(UserError, match="eyes is a model of eyes, not of expression classes"):
        load_model("eyes")
    with pytest.raises(WeightsError, match="classes must be angry"):
        load_model("eyes", folder=copy("eyes", kind="expressions"))


def network(**options: Any) -> dict[str, Any]:
    """Return the changes of a card whose timm backbone gets other options."""
    return {"network": {"backbone": {"options": options}}}


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("plain", network(layers=[100_000] * 4), "it is far larger than its weights"),
        ("plain", network(channels=[10**6] * 4), "it is far larger than its weights"),
        ("plain", network(x=1), "timm cannot build the feature maps of resnet18"),
        ("plain", {"network": {"dropout": 7}}, "no network that can be built .dropout probability"),
        ("plain", {"network": {"input_size": 96}}, "two sizes, input_size 48 and .* 96"),
        ("plain", {"family": "vgg"}, "unknown network family 'vgg'"),
        ("plain", {"family": "dnn"}, "describes no network that can be built"),
        ("svm_hog", {"network": {"centres": 10**9}}, "it is far larger than its weights"),
        ("lgbm_pixels", {"network": {"side": 10**6}}, "max_feature_idx must be 999999999999"),
    ],
)
def test_a_network_that_the_weights_do_not_fit_is_not_built(
    copy: Change, name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(WeightsError, match=rf"{name}\.json.*{message}"):
        load_model(name, folder=copy(name, **changes), runtime="torch")


@pytest.mark.parametrize(
    ("backbone", "message"),
    [({"name": "hf_hub:a/b"}, "timm has no architecture 'hf_hub:a/b'"), ({"name": 5}, "no arch")],
)
def test_a_card_fetches_nothing(copy: Change, backbone: dict[str, Any], message: str) -> None:
    folder = copy(LANDMARKS, network={"backbone": backbone})
    with pytest.raises(WeightsError, match=message):
        load_landmarker(folder=folder, runtime="torch")


def test_initial_weights_are_neither_fetched_nor_unpickled(copy: Change, tmp_path: Path) -> None:
    pickled = tmp_path / "initial.pth"
    pickled.write_bytes(b"no checkpoint")
    options = {"pretrained": True, "checkpoint_path": str(pickled)}
    load_landmarker(folder=copy(LANDMARKS, network={"backbone": options}), runtime="torch")
    load_model("plain", folder=copy("plain", **network(**options)), runtime="torch")


def test_a_card_whose_size_is_not_the_graphs_is_refused(copy: Change) -> None:
    with pytest.raises(WeightsError, match="do not make a model that runs"):
        load_model("plain", folder=copy("plain", input_size=64, network={"input_size": 64}))


@pytest.mark.parametrize("window", [0, -64, 10**9, "64", 60])
def test_a_window_that_would_crash_opencv_is_refused(copy: Change, window: object) -> None:
    with pytest.raises(WeightsError, match="does not fit its card"):
        Hog(folder=copy(HOG, network={"window": window}))


# Weights and graphs -------------------------------------------------------------------------------


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(copy: Change, runtime: str, value: float) -> None:
    folder = copy("plain")
    arrays = load_file(folder / "plain.safetensors")
    arrays["classifier.votes.weight"][0, 0] = value
    replace_weights(folder, "plain", arrays)
    with pytest.raises(WeightsError, match="holds values that are not finite, in classifier"):
        load_model("plain", folder=folder, runtime=runtime)


def test_weights_whose_outputs_are_not_finite_are_refused(copy: Change) -> None:
    folder = copy("plain", graphs={})
    arrays = {n: a.astype(np.float32) for n, a in load_file(folder / "plain.safetensors").items()}
    arrays["classifier.expressions.weight"].fill(3e38)
    replace_weights(folder, "plain", arrays)
    with pytest.raises(WeightsError, match="its output logits is not finite"):
        load_model("plain", folder=folder, runtime="torch")


def test_numbers_of_another_kind_are_refused(copy: Change) -> None:
    folder = copy("plain")
    arrays = load_file(folder / "plain.safetensors")
    arrays["classifier.votes.weight"] = arrays["classifier.votes.weight"].astype(np.int8)
    replace_weights(folder, "plain", arrays)
    with pytest.raises(WeightsError, match="first difference: classifier"):
        load_model("plain", folder=folder, runtime="torch")


def test_a_graph_that_cannot_run_is_named(copy: Change) -> None:
    folder = copy("plain")
    content = (folder / "plain.onnx").read_bytes()[:-100]
    (folder / "plain.onnx").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    folder = copy("plain", graphs={"plain.onnx": sha256})
    (folder / "plain.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"plain\.onnx is not a graph that ONNX Runtime can run"):
        load_model("plain", folder=folder)


# Trees --------------------------------------------------------------------------------------------

TREE = """
num_leaves=3
num_cat=0
split_feature=0 1
threshold=0.5 1.5
decision_type=2 2
left_child=1 -1
right_child=-3 -2
leaf_value=0.1 0.2 -0.3
"""
HEAD = "tree\nnum_class=7\nnum_tree_per_iteration=7\nmax_feature_idx=1\n\n"
TREES = HEAD + "".join(f"Tree={number}{TREE}\n" for number in range(7)) + "end of trees\n"


def test_whole_trees_are_read_by_lightgbm() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    booster = lightgbm.Booster(model_str=checked_trees(TREES, 2))
    scores = booster.predict(np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 0.0]]), raw_score=True)
    assert scores == pytest.approx(np.repeat([[0.1], [0.2], [-0.3]], 7, axis=1))


@pytest.mark.parametrize(
    ("line", "damaged", "message"),
    [
        ("left_child=1 -1", "left_child=0 -1", "a child must be another split or a leaf"),
        ("left_child=1 -1", "left_child=2 -1", "a child must be another split or a leaf"),
        ("left_child=1 -1", "left_child=1 -4", "a child must be another split or a leaf"),
        ("left_child=1 -1", "left_child=1 1", "a split or leaf must have one parent"),
        ("right_child=-3 -2", "right_child=-3 -1", "a split or leaf must have one parent"),
        ("split_feature=0 1", "split_feature=0 2", "a split must compare one of 2 features"),
        ("split_feature=0 1", "split_feature=0 -1", "a split must compare one of 2 features"),
        ("decision_type=2 2", "decision_type=2 1", "a split must compare one of 2 features"),
        ("threshold=0.5 1.5", "threshold=0.5", "threshold must have a number for each split"),
        ("threshold=0.5 1.5", "threshold=0.5 nan", "must be finite"),
        ("leaf_value=0.1 0.2", "leaf_value=0.1 1e39", "must be finite"),
        ("num_leaves=3", "num_leaves=4", "must have a number for each split or leaf"),
        ("num_leaves=3", "num_leaves=0", "at least one leaf"),
        ("num_cat=0", "num_cat=1", "must be numbers"),
        ("num_class=7", "num_class=70", "num_class must be 7"),
        ("max_feature_idx=1", "max_feature_idx=2", "max_feature_idx must be 1"),
        ("Tree=6", "Tree6", "as many trees for each class"),
    ],
)
def test_trees_that_would_crash_lightgbm_or_never_end_are_refused(
    line: str, damaged: str, message: str
) -> None:
    assert TREES.count(line)
    with pytest.raises(ValueError, match=message):
        checked_trees(TREES.replace(line, damaged, 1), 2)


def test_trees_that_unpack_to_more_than_memory_bears_are_refused() -> None:
    packed = lzma.compress(bytes(int((MAX_MEGABYTES + 1) * 1e6)), preset=0)
    with pytest.raises(ValueError, match=f"larger than {MAX_MEGABYTES} MB"):
        unpack(packed)


def test_every_card_that_ships_is_whole() -> None:
    assert damaged_cards() == ()

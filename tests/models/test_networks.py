"""What every network family promises, and what prior attention adds."""

import numpy as np
import pytest
import torch

from fer_core.models import Classifier, build_network, list_families
from fer_core.regions import block
from fer_core.training.recipe import read_recipe


def test_families_are_listed_and_unknown_ones_named() -> None:
    assert list_families() == ("plain", "prior_attention")
    with pytest.raises(ValueError, match="choose one of plain, prior_attention"):
        build_network("vgg", {})


def test_output_shapes_and_a_map_of_six_by_six(classifier: Classifier, faces: np.ndarray) -> None:
    output = classifier.forward(faces)
    assert output.logits.shape == (5, 7) and output.votes.shape == (5, 8)
    assert output.features["face"].shape[-2:] == (6, 6)
    for region in classifier.network.regions:
        rows, columns = block(region, 6)
        assert output.features[region].shape[-2:] == (
            rows.stop - rows.start,
            columns.stop - columns.start,
        )


@pytest.mark.parametrize("family", list_families())
def test_a_head_for_affect_is_an_option(family: str, faces: np.ndarray) -> None:
    options = read_recipe(family).network
    torch.manual_seed(0)
    network = build_network(family, {**options, "affect": True}).eval()
    output = network(torch.from_numpy(faces)[:, None])
    assert output.affect is not None and output.affect.shape == (5, 2)
    assert output.affect.abs().max() < 1
    if output.region_heads is not None:
        assert output.region_attention is not None
        branches = torch.stack([heads.affect for heads in output.region_heads.values()], dim=2)
        weighted = (branches * output.region_attention[:, None]).sum(2)
        assert torch.allclose(weighted, output.affect, atol=1e-6)
    without = build_network(family, options)
    added = network.state_dict().keys() - without.state_dict().keys()
    assert added and all(".affect." in name for name in added)
    assert without.eval()(torch.from_numpy(faces)[:, None]).affect is None


def test_evidence_sums_to_the_logits_less_their_bias(
    classifier: Classifier, faces: np.ndarray
) -> None:
    output = classifier.forward(faces)
    evidence = classifier.network.evidence(output)
    assert evidence is not None
    if output.region_attention is None:
        bias = classifier.network.classifier.expressions.bias
    else:
        heads = classifier.network.classifiers
        biases = torch.stack([heads[r].expressions.bias for r in classifier.network.regions])
        bias = output.region_attention @ biases
    assert torch.allclose(evidence.sum((2, 3)) + bias, output.logits, atol=1e-5)


def test_faces_of_a_batch_do_not_touch_each_other(
    classifier: Classifier, faces: np.ndarray
) -> None:
    together, alone = classifier.logits(faces)[0], classifier.logits(faces[2:3])[0]
    assert together[2] == pytest.approx(alone[0], abs=1e-4)


@pytest.mark.parametrize("classifier", ["prior_attention"], indirect=True)
class TestPriorAttention:
    def test_weights_of_the_three_regions_sum_to_one(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        attention = classifier.forward(faces).region_attention
        assert attention is not None and attention.shape == (5, 3)
        assert attention.sum(1).numpy() == pytest.approx(np.ones(5), abs=1e-6)
        assert attention.min() > 0

    def test_the_upper_branch_sees_nothing_of_the_mouth(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        covered = faces.copy()
        covered[(slice(None), *block("lower", 48))] = 0
        before, after = (classifier.forward(f).features for f in (faces, covered))
        assert torch.equal(before["upper"], after["upper"])
        assert not torch.equal(before["lower"], after["lower"])
        assert not torch.equal(before["face"], after["face"])

    def test_branches_share_convolutions_but_not_norms(self, classifier: Classifier) -> None:
        face, upper = (classifier.network.backbones[r] for r in ("face", "upper"))
        modules = dict(upper.named_modules())
        for name, module in face.named_modules():
            if isinstance(module, torch.nn.Conv2d):
                assert modules[name] is module
            if isinstance(module, torch.nn.BatchNorm2d):
                assert modules[name] is not module

    def test_logits_are_the_weighted_mean_of_the_branches(
        self, classifier: Classifier, faces: np.ndarray
    ) -> None:
        output = classifier.forward(faces)
        assert output.region_heads is not None and output.region_attention is not None
        parts = [
            output.region_attention[:, i, None] * output.region_heads[region][0]
            for i, region in enumerate(classifier.network.regions)
        ]
        assert torch.allclose(sum(parts), output.logits, atol=1e-5)

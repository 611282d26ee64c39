"""The list of explanation methods."""

import pytest

from fer_core.explain import METHODS, get_method, list_methods


def test_every_method_is_listed() -> None:
    assert list_methods() == (
        "gradcam",
        "gradcam++",
        "layercam",
        "hirescam",
        "eigencam",
        "scorecam",
        "ablationcam",
        "guided_backprop",
        "integrated_gradients",
        "occlusion",
    )


def test_only_eigencam_ignores_the_class() -> None:
    assert [method.name for method in METHODS if not method.class_dependent] == ["eigencam"]


def test_signed_methods_are_listed() -> None:
    assert [method.name for method in METHODS if method.signed] == [
        "gradcam",
        "hirescam",
        "ablationcam",
        "guided_backprop",
        "integrated_gradients",
        "occlusion",
    ]


def test_methods_with_a_backward_pass_are_listed() -> None:
    assert {method.name: method.needs_backward for method in METHODS} == {
        "gradcam": True,
        "gradcam++": True,
        "layercam": True,
        "hirescam": True,
        "eigencam": False,
        "scorecam": False,
        "ablationcam": False,
        "guided_backprop": True,
        "integrated_gradients": True,
        "occlusion": False,
    }


def test_unknown_method_lists_the_valid_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown method 'gradcam-'.*gradcam\+\+.*scorecam"):
        get_method("gradcam-")

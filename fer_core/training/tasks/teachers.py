"""Teachers: trained models that label each face as it is trained on, augmented and mixed."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fer_core.models import load_model
from fer_core.training.recipe import RecipeError


class Teachers:
    """The mean probabilities of trained models (knowledge distillation, Hinton et al. 2015).

    They see the same augmented view as the network that learns from them ("A good teacher is patient and
    consistent", Beyer et al. 2022, https://arxiv.org/abs/2106.05237).

    Args:
        models: names of trained models, or paths of their cards.
        aligned: whether the faces are aligned by five points.

    Raises:
        RecipeError: if a teacher was trained on faces that are framed otherwise.
        UserError: if there is no such model.
    """

    def __init__(self, models: Sequence[str], *, aligned: bool) -> None:
        classifiers = [load_model(name) for name in models]
        for classifier in classifiers:
            if classifier.card.aligned != aligned or not classifier.network.has_maps:
                raise RecipeError(
                    f"{classifier.name} cannot be a teacher here; choose networks that read faces "
                    f"{'aligned' if aligned else 'as they are'}"
                )
        self.networks = [
            (each.network.to(memory_format=torch.channels_last), each.card.temperature)
            for each in classifiers
        ]

    @torch.no_grad()
    def __call__(self, faces: Tensor) -> Tensor:
        """Return the (N, 15) mean probabilities of (N, 1, S, S) faces: seven classes, then eight of FER+."""
        parts = []
        for network, temperature in self.networks:
            side = network.input_size
            views = faces.float()
            if views.shape[-1] != side:
                views = F.interpolate(views, (side, side), mode="bilinear", antialias=True)
            output = network.to(faces.device)(views)
            classes = (output.logits.float() / temperature).softmax(dim=1)
            parts.append(torch.cat([classes, output.votes.float().softmax(dim=1)], dim=1))
        return torch.stack(parts).mean(dim=0)

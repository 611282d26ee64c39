"""Whether the timm architecture of a network fits its family and the size of its faces."""

from typing import Final

import torch
from torch import Tensor

from fer_core.errors import UserError
from fer_core.geometry import block, grid_side
from fer_core.models.architecture import check_folding, run
from fer_core.models.base import Backbone, Network, trunk_override

MIN_CELLS: Final = 3
"""Smallest side of the last feature map, in cells: a map of fewer says nothing about parts of the face."""


def check_network(network: Network, family: str) -> None:
    """Check the feature maps of a network on a timm architecture, and that its batch norms can be folded.

    Other networks are not checked: their families fix what fits.

    Raises:
        UserError: if the architecture does not fit; one sentence names it and the problem.
    """
    trunks = [trunk for trunk in network.trunks.values() if isinstance(trunk, Backbone)]
    if not trunks:
        return
    name = trunks[0].arguments["name"]
    check_folding(trunks[0].body, name)
    modes = {module: module.training for module in network.modules()}
    blank = torch.zeros(1, 1, network.input_size, network.input_size)
    with torch.no_grad(), trunk_override(lambda trunk, faces: run(trunk.body, faces, name)):
        maps = network.eval().features(blank)
    for module, mode in modes.items():
        module.training = mode
    where = f"{name} on faces of {network.input_size}x{network.input_size}"
    for feature_map in maps.values():
        _check_channels(feature_map, trunks[0].channels, where)
    if network.regions == ("face",):
        _check_cells(maps["face"], where)
    else:
        _check_blocks(network, maps, where, family)


def _check_channels(feature_map: Tensor, channels: int, where: str) -> None:
    """Check that a map is (1, C, h, w)."""
    if feature_map.ndim != 4 or feature_map.shape[1] != channels:
        raise UserError(
            f"{where} gives features that are not maps with their channels first; choose another architecture"
        )


def _check_cells(feature_map: Tensor, where: str) -> None:
    """Check that a map has enough cells."""
    rows, columns = feature_map.shape[-2:]
    if min(rows, columns) < MIN_CELLS:
        raise UserError(
            f"the last map of {where} has {rows}x{columns} cells, fewer than {MIN_CELLS}x{MIN_CELLS}; choose "
            "an earlier stage or a larger input_size"
        )


def _check_blocks(network: Network, maps: dict[str, Tensor], where: str, family: str) -> None:
    """Check that the maps of the prior blocks lie on one grid whose side is a multiple of six."""
    sides = set()
    for region in network.regions:
        rows, columns = maps[region].shape[-2:]
        side = grid_side(region, rows)
        expected = tuple(part.stop - part.start for part in block(region, side))
        sides.add(side if (rows, columns) == expected else 0)
    if len(sides) != 1 or min(sides) % 6 or not min(sides):
        shapes = ", ".join(
            f"{region} {tuple(maps[region].shape[-2:])}" for region in network.regions
        )
        raise UserError(
            f"{where} gives maps that {family} cannot cut into its blocks ({shapes} cells): the side must be "
            "a multiple of six, so choose another stage or input_size"
        )

"""Forward passes of networks: arrays in, arrays out, whatever computes them.

``OnnxPass`` runs a graph by ONNX Runtime, which on a CPU takes half to a sixth of torch's time for networks
as small as these. ``TorchPass`` calls torch: on a GPU, for models without a graph, and where gradients or
layers are needed. Nothing here knows a network, and importing this package imports neither library.
"""

from fer_core.runtime.base import RUNTIMES, ForwardPass, Trial, open_passes

__all__ = ["RUNTIMES", "ForwardPass", "Trial", "open_passes"]

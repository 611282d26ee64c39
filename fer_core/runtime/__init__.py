"""Forward passes of networks: arrays in, arrays out, whatever computes them.

``OnnxPass`` runs a graph by ONNX Runtime, which on a CPU takes half to a sixth of torch's time for networks
as small as these. ``TorchPass`` calls torch: on a GPU, for models without a graph, and where gradients or
layers are needed. ``RemotePass`` asks an engine on other processes or machines. Nothing here knows a network,
and importing this package imports none of the libraries.
"""

from fer_core.runtime.base import RUNTIMES, ForwardPass, Trial, open_passes
from fer_core.runtime.remote import Engine, EngineError, RemotePass, engine_from_environment

__all__ = [
    "RUNTIMES",
    "Engine",
    "EngineError",
    "ForwardPass",
    "RemotePass",
    "Trial",
    "engine_from_environment",
    "open_passes",
]

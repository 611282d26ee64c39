"""The engine: networks on several processes or machines, for many viewers at once (the extra ``scale``).

``expression-lens serve`` starts it by ``start_engine``; ``fer_core.runtime.remote`` is its client. Importing
this package does not import Ray.
"""

from fer_core.serving.start import EngineOptions, start_engine

__all__ = ["EngineOptions", "start_engine"]

"""Faces a second on a GPU: ``python -m benchmarks.gpu``.

The network alone with faces and results on the GPU, with the maps of all seven classes, and the whole way
from aligned crops in memory to probabilities and maps there. Beside it stands what the card allows: its
matrix rate and its bandwidth, both measured in the same run, over what one face needs at least: its
multiplications, and every feature map written and read once. The last column compares probabilities with
those of the CPU.
"""

import argparse
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fer_core.devices import has_gpu_driver
from fer_core.models.classifier import Classifier, load_model
from fer_core.types import Image

BATCHES = (1, 64, 1024, 4096)
REPEATS = 30
MATRIX_SIDE = 8192
COPIED = 1 << 30
"""Bytes of the copy that measures the bandwidth."""
CHECKED = 512
"""Faces whose probabilities are compared with the CPU's."""


def median_seconds(work: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Return the median time of some work, the GPU's included."""
    for _ in range(3):
        work()
    times = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        started = perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(perf_counter() - started)
    return float(np.median(times))


def matrix_rate() -> float:
    """Return floating-point operations a second of a large matrix product in bf16."""
    a, b = (torch.randn(MATRIX_SIDE, MATRIX_SIDE, device="cuda").bfloat16() for _ in range(2))
    return 2 * MATRIX_SIDE**3 / median_seconds(lambda: a @ b)


def bandwidth() -> float:
    """Return bytes a second, read and written, of a large copy within the GPU's memory."""
    source = torch.randint(0, 255, (COPIED,), dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * COPIED / median_seconds(lambda: target.copy_(source))


def needs_of_a_face(classifier: Classifier) -> tuple[float, float]:
    """Return floating-point operations, and bytes of all feature maps in bf16, written and read once."""
    face = torch.zeros(1, 1, classifier.input_size, classifier.input_size, dtype=torch.uint8)
    sizes: list[int] = []

    def count(module: nn.Module, inputs: Any, output: Tensor) -> None:
        sizes.append(output.numel())

    network = classifier.network
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_hook(count) for module in convolutions]
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(face)
    for hook in hooks:
        hook.remove()
    return float(counter.get_total_flops()), 2.0 * 2 * sum(sizes)


def rates(classifier: Classifier, aligned: Image) -> dict[str, float]:
    """Return faces a second of the network alone, with maps, and of the whole way."""
    network, count = classifier.network, len(aligned)
    faces = torch.from_numpy(aligned[:, None].copy()).cuda()

    @torch.inference_mode()
    def run(function: Callable[[Tensor], Any]) -> None:
        with torch.autocast("cuda", torch.bfloat16):
            function(faces)

    return {
        "alone": count / median_seconds(lambda: run(network)),
        "with maps": count / median_seconds(lambda: run(network.predictions)),
        "whole way": count
        / median_seconds(lambda: classifier.calibrate(classifier.forward(aligned).logits)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", action="append", help="a name or a card")
    options = parser.parse_args()
    if not (has_gpu_driver() and torch.cuda.is_available()):
        print("left out: there is no GPU of NVIDIA here")
        return
    rate, bytes_a_second = matrix_rate(), bandwidth()
    print(
        f"{torch.cuda.get_device_name()}: {rate / 1e12:.0f} TFLOP/s in bf16, "
        f"{bytes_a_second / 1e12:.2f} TB/s\n"
    )
    columns = ("alone", "with maps", "whole way")
    print(f"{'model':18}{'batch':>7}" + "".join(f"{name:>12}" for name in columns), end="")
    print(f"{'of matrix rate':>16}{'of bandwidth':>14}{'differs by':>12}")
    random = np.random.default_rng(0)
    for name in options.model or ("default", "plain"):
        classifier = load_model(name, "cuda")
        side = classifier.input_size
        on_cpu = load_model(name, "cpu", runtime="torch")
        operations, moved = needs_of_a_face(on_cpu)
        for batch in BATCHES:
            aligned = random.integers(0, 255, (batch, side, side), dtype=np.uint8)
            found = rates(classifier, aligned)
            checked = aligned[:CHECKED]
            ours = classifier.calibrate(classifier.forward(checked).logits)
            theirs = on_cpu.calibrate(on_cpu.forward(checked).logits)
            cells = "".join(f"{found[column]:12,.0f}" for column in columns)
            print(
                f"{classifier.name:18}{batch:7}{cells}"
                f"{found['alone'] * operations / rate:16.1%}"
                f"{found['alone'] * moved / bytes_a_second:14.1%}"
                f"{np.abs(ours - theirs).max():12.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()

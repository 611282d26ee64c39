"""What predicting does without: torch, and memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fer_core import devices
from fer_core.types import Image

ROOT = Path(__file__).resolve().parents[2]

PREDICT = """
import json, sys
from pathlib import Path
from fer_core.cli import main
sys.argv = ["expression-lens", "predict", *sys.argv[1:]]
try:
    main()
finally:
    heavy = [name for name in ("torch", "timm", "torchvision", "pandas") if name in sys.modules]
    status = Path("/proc/self/status")  # getrusage counts the memory of the process that forked this one
    lines = status.read_text().splitlines() if status.exists() else []
    peak = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    megabytes = peak[0] / 1024 if peak else 0
    print(json.dumps({"heavy": heavy, "megabytes": megabytes}), file=sys.stderr)
"""
MAX_MEGABYTES = 300


@pytest.mark.parametrize("options", [[], ["--json"], ["--model", "plain"]])
def test_predict_needs_neither_torch_nor_much_memory(
    options: list[str], astronaut: Image, tmp_path: Path
) -> None:
    import cv2

    picture = tmp_path / "astronaut.png"
    cv2.imwrite(str(picture), cv2.cvtColor(astronaut, cv2.COLOR_RGB2BGR))
    command = [sys.executable, "-c", PREDICT, *options, str(picture)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    report = json.loads(ran.stderr.splitlines()[-1])
    assert "happy" in ran.stdout
    assert report["heavy"] == []
    assert report["megabytes"] < MAX_MEGABYTES


def test_without_a_driver_the_cpu_is_chosen_and_torch_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "has_gpu_driver", lambda: False)
    monkeypatch.setattr(devices, "list_devices", lambda: pytest.fail("torch was asked"))
    assert devices.choose_device("auto") == devices.choose_device("cpu") == "cpu"


def test_with_a_driver_torch_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "has_gpu_driver", lambda: True)
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu", "cuda", "cuda:0"))
    assert devices.choose_device("auto") == "cuda"
    monkeypatch.setattr(devices, "list_devices", lambda: ("cpu",))
    assert devices.choose_device("auto") == "cpu"


def test_a_machine_without_the_library_has_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("ctypes.CDLL", missing)
    monkeypatch.setattr(devices, "AMD_DRIVER", Path("/nowhere"))
    devices.has_gpu_driver.cache_clear()
    try:
        assert not devices.has_gpu_driver()
        monkeypatch.setattr(devices, "AMD_DRIVER", Path("/"))
        devices.has_gpu_driver.cache_clear()
        assert devices.has_gpu_driver(), "torch names AMD's GPUs cuda as well"
    finally:
        devices.has_gpu_driver.cache_clear()

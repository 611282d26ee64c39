"""A process that forks while threads work: the child can use models and detectors that the parent loaded."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys
from threading import Event, Thread
import numpy as np
from fer_core.faces import load_detector
from fer_core.models import load_model

face = np.zeros((64, 48, 48), np.uint8)
picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
work = {
    "torch": lambda: load_model("plain", runtime="torch").forward,
    "onnx": lambda: load_model("plain", runtime="onnx").forward,
    "haar": lambda: load_detector("haar").detect,
}[sys.argv[1]]()
inputs = picture if sys.argv[1] == "haar" else face
working, stop = Event(), Event()

def loop():
    while not stop.is_set():
        work(inputs)
        working.set()

threads = [Thread(target=loop) for _ in range(2)]
for thread in threads:
    thread.start()
failed = []
for _ in range(4):
    working.clear()
    working.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # ends a child that waits forever
        work(inputs)
        os._exit(0)
    failed.append(os.waitpid(child, 0)[1])
stop.set()
for thread in threads:
    thread.join()
assert failed == [0] * 4, failed
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("what", ["torch", "onnx", "haar"])
def test_a_child_can_use_what_threads_of_its_parent_were_using(what: str) -> None:
    command = [sys.executable, "-c", PROGRAM, what]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]

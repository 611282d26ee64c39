"""Commands that share their work among processes, or on a Ray cluster."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core.errors import UserError
from fer_core.serving.workers import Workers
from fer_core.types import Image
from fer_core.video import Clip
from tests.conftest import Run


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """Write five pictures with one face each, one without, and a file that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(5):
        Pillow.fromarray(np.roll(astronaut, 8 * number, axis=1)).save(folder / f"{number}.png")
    Pillow.new("RGB", (80, 60)).save(folder / "5.png")
    (folder / "6.png").write_bytes(b"no picture")
    return folder


@pytest.mark.parametrize("form", [("--csv", "out.csv"), ("--json",)])
def test_predict_by_two_processes_prints_and_writes_the_same(
    run: Run, pictures: Path, tmp_path: Path, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one = run("predict", pictures, *form)
    table = Path("out.csv").read_text() if form[0] == "--csv" else ""
    two = run("predict", pictures, *form, "--processes", 2)
    assert two == one and one[0] == 0 and "6.png is not an image" in one[2]
    assert form[0] != "--csv" or Path("out.csv").read_text() == table != ""


def test_predict_by_two_processes_ends_as_by_one_for_mistakes(run: Run, pictures: Path) -> None:
    for wrong in (("--model", "vgg"), (pictures / "6.png",), ("--neutral", pictures / "5.png")):
        one = run("predict", pictures, *wrong)
        assert run("predict", pictures, *wrong, "--processes", 2) == one and one[0] == 2
    code, _, err = run("predict", pictures, "--engine", "spark")
    assert code == 2 and "unknown engine 'spark'; choose local or ray" in err


def test_evaluate_by_two_processes_measures_the_same(
    run: Run, tmp_path: Path, astronaut: Image
) -> None:
    face = np.array(Pillow.fromarray(astronaut[40:190, 150:300]).convert("L").resize((48, 48)))
    rows = [
        f"{number % 7},{' '.join(map(str, np.roll(face, number, axis=1).ravel()))},PrivateTest"
        for number in range(300)
    ]
    table = tmp_path / "fer2013.csv"
    table.write_text("\n".join(["emotion,pixels,Usage", *rows]))
    one = run("evaluate", "--data", table, "--tta", "--json")
    assert run("evaluate", "--data", table, "--tta", "--json", "--processes", 2) == one
    assert one[0] == 0
    code, _, err = run("evaluate", "--data", table, "--all", "--processes", 2)
    assert code == 2 and "leave out" in err
    code, _, err = run("evaluate", "--data", table, "--model", "landmarks", "--processes", 2)
    assert code == 2 and "landmarks is measured in one process" in err


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory, astronaut: Image) -> Path:
    """Write a clip of six frames in which a face sways."""
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(6):
            image = np.ascontiguousarray(astronaut[:240, 60 + number : 380 + number])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def test_video_by_two_processes_prints_and_writes_the_same(
    run: Run, clip: Path, tmp_path: Path
) -> None:
    clips = [clip, tmp_path / "b.mp4", tmp_path / "c.mp4"]
    shutil.copy(clip, clips[1])
    clips[2].write_bytes(b"no clip")
    one = run("video", *clips, "--csv", tmp_path / "one", "--annotated", tmp_path / "one")
    two = run(
        *("video", *clips, "--csv", tmp_path / "two", "--annotated", tmp_path / "two"),
        *("--processes", 2),
    )
    assert two == one and one[0] == 2 and one[1].count("6 frames read") == 2
    for name in ("a.csv", "b.csv"):
        assert (tmp_path / "two" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    for name in ("a-annotated.mp4", "b-annotated.mp4"):  # x264 makes no film twice
        with Clip(tmp_path / "two" / name) as film:
            assert len(list(film.frames())) == 6


def _children(pid: int) -> Iterator[int]:
    for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(number)
        yield from _children(int(number))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="lists processes as Linux does")
def test_ctrl_c_keeps_what_was_read_and_ends_all_processes(pictures: Path, tmp_path: Path) -> None:
    many = [str(pictures / f"{number % 5}.png") for number in range(2000)]
    command = [sys.executable, "-m", "fer_core", "predict", *many, "--processes", "2"]
    printed = tmp_path / "printed.txt"
    with printed.open("w") as file:
        process = subprocess.Popen(
            [*command, "--csv", str(tmp_path / "out.csv")],
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    while not printed.stat().st_size:
        assert process.poll() is None
        sleep(0.02)
    children = list(_children(process.pid))
    assert len(children) >= 2
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "of 2,000 images" in err and "Traceback" not in err
    rows = (tmp_path / "out.csv").read_text().splitlines()[1:]
    lines = printed.read_text().splitlines()
    assert len(rows) - len(lines) in (0, 1)  # Ctrl-C may come between writing and printing
    assert [row.split(",")[0] for row in rows[: len(lines)]] == [
        line.split(": ")[0] for line in lines
    ]
    deadline = monotonic() + 30
    while any(Path(f"/proc/{child}/stat").exists() for child in children):
        assert monotonic() < deadline
        sleep(0.05)


def _crash(item: int) -> int:
    if item == 3:
        os._exit(9)
    return item


def test_a_process_that_ends_by_itself_is_an_error_in_words() -> None:
    with pytest.raises(UserError, match="a process ended unexpectedly"):
        list(Workers(2).map(_crash, range(10)))


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(Workers(2).map(abs, range(-50, 0))) == list(range(50, 0, -1))
    assert list(Workers(2).map(abs, [])) == []


def test_predict_by_ray_prints_the_same(run: Run, pictures: Path) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80 * 2**20,
        logging_level="ERROR",
        log_to_driver=False,
    )
    try:
        one = run("predict", pictures, "--json")
        two = run("predict", pictures, "--json", "--engine", "ray", "--processes", 2)
    finally:
        ray.shutdown()
    assert two[:2] == one[:2]

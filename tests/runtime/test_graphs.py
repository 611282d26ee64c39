"""Graphs and exported files against torch, and what they say of themselves."""

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from fer_core.cli import main
from fer_core.errors import UserError
from fer_core.faces.eyes import load_eye_reader
from fer_core.faces.landmarks import load_landmarker
from fer_core.faces.mtcnn import MTCNN
from fer_core.models import get_family, list_families, load_model
from fer_core.models.export import export_onnx, write_graphs
from fer_core.models.predictions import FacePredictions
from fer_core.types import Image
from fer_core.weights import (
    EYES,
    LANDMARKS,
    WEIGHTS,
    WeightsError,
    list_models,
    load_card,
    load_graphs,
)
from fer_core.weights import (
    MTCNN as DETECTOR,
)

TOLERANCE = 1e-4
EXPORTED = [n for n in list_models() if not get_family(load_card(n).family).network.unexportable]
WITH_GRAPH = [name for name in EXPORTED if name != "svm_landmarks"]
"""The SVM on landmarks contains the landmark network, whose weights are in another file."""


def faces(number: int, size: int) -> Image:
    return np.random.default_rng(number).integers(0, 256, (number, size, size), np.uint8)


def arrays(predictions: FacePredictions) -> Iterator[tuple[str, np.ndarray]]:
    for field in dataclasses.fields(predictions):
        if (values := getattr(predictions, field.name)) is not None:
            yield field.name, values


@pytest.mark.parametrize("name", WITH_GRAPH)
def test_a_graph_computes_what_torch_does(name: str) -> None:
    by_graph, by_torch = (load_model(name, runtime=runtime) for runtime in ("onnx", "torch"))
    assert by_graph.regions == by_torch.regions
    for number in (1, 2, 5):
        aligned = faces(number, by_graph.input_size)
        expected = dict(arrays(by_torch.forward(aligned)))
        computed = dict(arrays(by_graph.forward(aligned)))
        assert set(computed) == set(expected)
        for field, values in computed.items():
            assert values.dtype == np.float32
            assert values == pytest.approx(expected[field], abs=TOLERANCE), field


def test_landmarks_and_eyes_are_those_of_torch() -> None:
    by_graph, by_torch = (load_landmarker(runtime=runtime) for runtime in ("onnx", "torch"))
    aligned = faces(3, by_graph.input_size)
    for values, expected in zip(by_graph(aligned), by_torch(aligned), strict=True):
        assert values == pytest.approx(expected, abs=1e-3)
    graph_reader, torch_reader = (load_eye_reader(runtime=runtime) for runtime in ("onnx", "torch"))
    eyes = faces(4, graph_reader.input_size)
    assert graph_reader(eyes) == pytest.approx(torch_reader(eyes), abs=TOLERANCE)


def test_the_detector_finds_the_faces_that_it_finds_by_torch(astronaut: Image) -> None:
    by_graph, by_torch = (MTCNN(runtime=runtime).detect(astronaut) for runtime in ("onnx", "torch"))
    assert len(by_graph) == len(by_torch) == 1
    assert by_graph[0].box == pytest.approx(by_torch[0].box, abs=1e-2)
    assert by_graph[0].points == pytest.approx(by_torch[0].points, abs=1e-2)


@pytest.mark.parametrize("name", [*WITH_GRAPH, LANDMARKS, EYES, DETECTOR])
def test_shipped_graphs_hold_no_weights_and_have_the_hash_of_their_card(name: str) -> None:
    card = load_card(name)
    assert len(card.graphs) == (3 if name == DETECTOR else 1)
    for path in load_graphs(name).values():
        assert path.stat().st_size < 120_000
        assert hashlib.sha256(path.read_bytes()).hexdigest() == card.graphs[path.name]
        graph = onnx.load(path, load_external_data=False).graph
        outside = [each for each in graph.initializer if each.external_data]
        assert {each.external_data[0].value for each in outside} == {f"{card.name}.safetensors"}
        inside = sum(len(each.raw_data) for each in graph.initializer)
        assert inside < 16_384, "grids, and zeros where a convolution has no bias"


@pytest.mark.parametrize("name", ["prior_attention", LANDMARKS, EYES])
def test_weights_are_folded_on_loading(name: str, tmp_path: Path) -> None:
    (graph,) = load_graphs(name).values()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    left = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert "BatchNormalization" not in left and left.count("Cast") == 1, "of the input alone"


def test_git_never_changes_line_ends_in_hashed_files() -> None:
    rules = (WEIGHTS.parent / ".gitattributes").read_text(encoding="utf-8").splitlines()
    assert {"*.onnx binary", "*.safetensors binary"} <= set(rules)


def test_graphs_are_within_their_size() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.glob("*.onnx")) < 4e6


# Missing and altered graphs ------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for suffix in ("json", "safetensors", "onnx"):
        shutil.copy(WEIGHTS / f"plain.{suffix}", tmp_path)
    return tmp_path


def test_without_its_graph_a_model_runs_by_torch(copied: Path) -> None:
    expected = load_model("plain", folder=copied).forward(faces(1, 48)).logits
    (copied / "plain.onnx").unlink()
    assert load_model("plain", folder=copied).forward(faces(1, 48)).logits == pytest.approx(
        expected, abs=TOLERANCE
    )
    with pytest.raises(UserError, match="plain has no graph for the runtime onnx"):
        load_model("plain", folder=copied, runtime="onnx")


@pytest.mark.parametrize("suffix", ["onnx", "safetensors"])
def test_altered_files_are_refused(copied: Path, suffix: str) -> None:
    path = copied / f"plain.{suffix}"
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match=rf"plain\.{suffix} does not match the hash"):
        load_model("plain", folder=copied)


def test_a_graph_can_be_written_again(copied: Path) -> None:
    (copied / "plain.onnx").unlink()
    card = write_graphs(str(copied / "plain.json"))
    assert set(card.graphs) == {"plain.onnx"}
    again = load_model("plain", folder=copied, runtime="onnx")
    assert again.forward(faces(2, 48)).logits == pytest.approx(
        load_model("plain").forward(faces(2, 48)).logits, abs=TOLERANCE
    )


@pytest.mark.parametrize(
    ("runtime", "device", "message"),
    [
        ("fast", "cpu", "unknown runtime 'fast'; choose one of auto, onnx, torch"),
        ("onnx", "cuda", "the runtime onnx runs on the CPU, not on cuda"),
    ],
)
def test_runtimes_that_cannot_run_are_refused(runtime: str, device: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_model("plain", device, runtime=runtime)


# Exported files -----------------------------------------------------------------------------------

BARE = """
import json, sys
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(source,) = session.get_inputs()
names = [each.name for each in session.get_outputs()]
values = session.run(names, {source.name: np.load(sys.argv[2])})
np.savez(sys.argv[3], **dict(zip(names, values)))
heavy = [name for name in ("torch", "fer_core", "onnx", "cv2") if name in sys.modules]
print(json.dumps({"facts": session.get_modelmeta().custom_metadata_map, "heavy": heavy}))
"""


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_file_needs_onnx_runtime_and_numpy_alone(name: str, tmp_path: Path) -> None:
    exported, inputs, outputs = (tmp_path / each for each in ("m.onnx", "faces.npy", "out.npz"))
    export_onnx(name, exported)
    model = load_model(name, runtime="torch")
    aligned = faces(3, model.input_size)
    np.save(inputs, aligned[:, None])
    command = [sys.executable, "-I", "-c", BARE, *map(str, (exported, inputs, outputs))]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    report = json.loads(ran.stdout)
    assert report["heavy"] == []
    facts, card = report["facts"], load_card(name)
    assert facts["classes"].split(",") == list(card.classes)
    assert float(facts["temperature"]) == card.temperature
    assert str(card.input_size) in facts["input"] and facts["preprocessing"] == card.preprocessing
    with np.load(outputs) as computed:
        expected = dict(arrays(model.forward(aligned)))
        assert set(computed) == set(expected)
        for field, values in expected.items():
            assert computed[field] == pytest.approx(values, abs=TOLERANCE), field


def test_every_family_is_exported_or_says_why_not() -> None:
    refused = {name for name in list_families() if get_family(name).network.unexportable}
    assert refused == {
        *("hybrid", "lgbm_pixels", "lgbm_autoencoder"),
        *("svm_hog", "svm_hog_landmarks", "svm_sliding_hog"),
    }


# The command --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "hybrid"], "hybrid cannot be written as ONNX, since OpenCV computes"),
        (["--model", "lgbm_pixels"], "lgbm_pixels cannot be written as ONNX, since LightGBM runs"),
        (["--model", "hog"], "hog has no network"),
        (["--model", "nobody"], "unknown model 'nobody'"),
        (["--model", "plain", "--format", "tflite"], "unknown format 'tflite'"),
        (["--model", "plain", "--format", "graph", "--out", "x.onnx"], "leave out --out"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["expression-lens", "export", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 2 and message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_the_file_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "net.onnx"
    monkeypatch.setattr(
        sys, "argv", ["expression-lens", "export", "--model", "dnn", "--out", str(out)]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and f"wrote {out}" in capsys.readouterr().out
    onnx.checker.check_model(str(out))

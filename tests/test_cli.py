"""The command line, as users call it."""

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from fer_core import EXPRESSIONS, __version__, cli, list_models, load_card
from fer_core.data import FaceSet, read_faces
from fer_core.evaluation.averages import read_averages
from fer_core.evaluation.leaderboard import read_leaderboard
from fer_core.export import CSV_COLUMNS, DETAIL_COLUMNS
from fer_core.labels import PRIORS
from fer_core.models import Classifier
from fer_core.models.base import PooledNetwork
from fer_core.types import Image
from fer_core.weights import WEIGHTS, WeightsError
from tests.conftest import Run


@pytest.fixture
def table(tmp_path: Path, astronaut: Image) -> tuple[Path, Path]:
    """Write a FER2013 table and its votes: three happy faces of PrivateTest."""
    gray = np.array(Pillow.fromarray(astronaut[40:190, 150:300]).convert("L").resize((48, 48)))
    pixels = " ".join(map(str, gray.ravel()))
    faces, votes = tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv"
    faces.write_text("emotion,pixels,Usage\n" + f"3,{pixels},PrivateTest\n" * 3)
    votes.write_text(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"
        + "PrivateTest,a.png,0,10,0,0,0,0,0,0,0,0\n" * 3
    )
    return faces, votes


def test_predict_prints_json(run: Run, photo: Path) -> None:
    code, out, _ = run("predict", photo, "--json")
    (record,) = json.loads(out)
    assert code == 0 and (record["width"], record["height"]) == (512, 512)
    (face,) = record["faces"]
    assert set(face) == {
        *("box", "score", "top", "unsure", "probabilities"),
        *("region_attention", "attention", "valence", "arousal"),
        *("prior", "pose", "gaze", "action_units", "actions", "landmarks"),
    }
    assert face["prior"] == load_card("default").prior
    assert face["top"] == "happy" and tuple(face["probabilities"]) == EXPRESSIONS
    assert sum(face["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_predict_assumes_the_class_shares_that_are_asked_for(run: Run, photo: Path) -> None:
    faces = {}
    for prior in PRIORS:
        code, out, _ = run("predict", photo, "--prior", prior, "--json")
        (faces[prior],) = json.loads(out)[0]["faces"]
        assert code == 0 and faces[prior]["prior"] == prior
    happy = [face["probabilities"]["happy"] for face in faces.values()]
    assert happy[0] > happy[1] > happy[2], "happy is the most frequent class in training"


def test_an_unknown_prior_is_a_mistake_of_the_caller(run: Run, photo: Path) -> None:
    for command in ("predict", "video"):
        code, out, err = run(command, photo, "--prior", "fair")
        assert (code, out) == (2, "") and "own, half, equal" in err


def test_predict_writes_csv(run: Run, photo: Path, tmp_path: Path) -> None:
    table = tmp_path / "out.csv"
    code, out, _ = run("predict", photo, "--csv", table, "--model", "plain")
    with table.open() as file:
        (row,) = csv.DictReader(file)
    assert code == 0 and row["top"] == "happy" and float(row["happy"]) > 0.5
    assert "face 1: happy" in out


def test_a_mistake_leaves_yesterdays_results_as_they_are(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    table = tmp_path / "out.csv"
    table.write_text("yesterday")
    for words in (["--model", "nobody"], ["--detector", "nobody"], ["--prior", "fair"]):
        code, _, err = run("predict", photo, "--csv", table, *words)
        assert code == 2 and err.startswith("error: ")
    code, _, err = run("predict", photo, "--csv", photo)
    assert code == 2 and "is read for this; name another file" in err
    assert table.read_text() == "yesterday"
    code, _, err = run("predict", photo, "--csv", tmp_path / "missing" / "out.csv")
    assert code == 2 and "cannot be written: No such file" in err


def test_predict_keeps_what_was_read_when_it_is_stopped(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_core.analyzer import Analyzer

    table = tmp_path / "out.csv"
    read: list[int] = []
    analyze = Analyzer.analyze

    def stopped(self: Analyzer, *arguments: Any, **options: Any) -> Any:
        if read:
            raise KeyboardInterrupt
        read.append(1)
        return analyze(self, *arguments, **options)

    monkeypatch.setattr(Analyzer, "analyze", stopped)
    code, out, err = run("predict", photo, photo, photo, "--csv", table)
    assert code == 130 and "stopped after 1 of 3 images" in out + err
    with table.open() as file:
        assert [row["top"] for row in csv.DictReader(file)] == ["happy"]


def test_predict_writes_pose_gaze_units_actions_and_landmarks(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    table = tmp_path / "out.csv"
    code, out, _ = run("predict", photo, "--csv", table, "--details", "--json")
    with table.open() as file:
        (row,) = csv.DictReader(file)
    assert code == 0 and tuple(row) == (*CSV_COLUMNS, *DETAIL_COLUMNS)
    (face,) = json.loads(out)[0]["faces"]
    assert abs(face["pose"]["yaw"]) < 10 and abs(face["pose"]["roll"]) < 10
    assert float(row["yaw"]) == face["pose"]["yaw"]
    assert abs(face["gaze"]["horizontal"]) < 0.3
    assert float(row["AU12"]) == face["action_units"]["AU12"] > 0.8, "a smile"
    assert float(row["mouthSmileLeft"]) == face["actions"]["mouthSmileLeft"]
    nose = face["landmarks"][30]
    assert [float(row["x_30"]), float(row["y_30"])] == nose
    x0, y0, x1, y1 = face["box"]
    assert x0 < nose[0] < x1 and y0 < nose[1] < y1


def test_an_unreadable_named_file_is_reported_and_the_others_are_read(
    run: Run, photo: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8 no picture")
    code, out, err = run("predict", broken, photo, tmp_path / "missing.png", "--json")
    records = json.loads(out)
    assert code == 2 and [("error" in r) for r in records] == [True, False, True]
    assert err.count("error: ") == 2 and "broken.jpg" in err and "Traceback" not in err


def test_predict_says_what_is_not_as_in_the_file(run: Run, photo: Path, astronaut: Image) -> None:
    cut = photo.with_name("cut.jpg")
    Pillow.fromarray(astronaut).save(cut)
    cut.write_bytes(cut.read_bytes()[:-2])
    code, out, err = run("predict", cut, photo, "--json")
    damaged, whole = json.loads(out)
    note = "The file ends too early, but all of its pixels are there."
    assert code == 0 and f"note: {cut}: {note}" in err
    assert damaged["notes"] == [note] and damaged["faces"][0]["top"] == "happy"
    assert "notes" not in whole


def test_one_bad_file_takes_no_other_with_it(
    run: Run, photo: Path, shared: Callable[[str], Path]
) -> None:
    folder = photo.parent
    for name in ("image_50mp_46bytes.webp", "planar-rgb16.tif", "exif-make-as-float.jpg"):
        shutil.copy(shared(f"cases/{name}"), folder)
    Pillow.new("RGB", (9, 9)).save(folder / "script.eps")
    (folder / "script.eps").rename(folder / "script.png")
    code, out, err = run("predict", folder, "--json")
    records = {Path(record["path"]).name: record for record in json.loads(out)}
    assert code == 0 and len(records) == 5 and err.count("error: ") == 3
    for name in ("astronaut.png", "exif-make-as-float.jpg"):
        assert [face["top"] for face in records[name]["faces"]] == ["happy"]
    assert "is not an image" in records["script.png"]["error"]


def test_an_unreadable_file_in_a_folder_is_reported_and_skipped(run: Run, photo: Path) -> None:
    (photo.parent / "notes.txt").write_text("hello")
    code, out, err = run("predict", photo.parent, "--json")
    assert code == 0 and len(json.loads(out)) == 2 and "notes.txt" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "{photo}", "--model", "vgg"], "unknown model 'vgg'; choose one of default"),
        (["predict", "{photo}", "--detector", "eye"], "choose one of"),
        (["explain", "{photo}", "--out", "{out}", "--target", "joy"], "choose one of angry"),
        (["explain", "{photo}", "--out", "{out}", "--method", "x"], "choose one of"),
        (["evaluate", "--data", "{out}/none.csv"], "does not exist"),
        (["evaluate", "--data", "{photo}", "--all", "--tta"], "in a single pass"),
        (["predict", "{photo}", "--device", "tpu"], "unknown device 'tpu'; choose one of auto"),
        (["explain", "{photo}", "--out", "{out}", "--device", "tpu"], "unknown device 'tpu'"),
        (["evaluate", "--data", "{photo}", "--device", "tpu"], "unknown device 'tpu'"),
        (["averages", "--data", "{photo}", "--device", "tpu"], "unknown device 'tpu'"),
        (["train", "plain", "--data", "{photo}", "--device", "tpu"], "unknown device 'tpu'"),
        (
            ["train", "plain", "--data", "{photo}", "--device", "cpu", "--precision", "16-mixed"],
            "cpu does not train in precision '16-mixed'; choose one of auto, 32-true",
        ),
        (["train", "vgg", "--data", "{photo}"], "no recipe 'vgg'"),
        (["train", "plain", "--data", "{photo}", "--resume"], "--resume needs --out"),
        (["train", "plain", "--data", "{photo}", "--processes", "0"], "--processes"),
        (["train", "eyes", "--data", "{photo}", "--start", "plain"], "--start is for networks of"),
        (["train", "svm_hog", "--data", "{photo}", "--teacher", "plain"], "--teacher is for"),
        (["train", "plain", "--data", "{photo}", "--unlabeled", "{photo}"], "needs a --teacher"),
        (["predict"], "Missing argument"),
        (["fly"], "No such command"),
    ],
)
def test_errors_of_the_caller_exit_with_2(
    run: Run, photo: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    code, _, err = run(*[a.format(photo=photo, out=tmp_path / "out") for a in arguments])
    assert code == 2 and message in err and "Traceback" not in err


def test_faults_of_the_program_exit_with_1(photo: Path) -> None:
    program = (
        "import sys; from fer_core.cli import main, models; sys.argv = ['fer_core', 'models'];"
        "models.list_models = lambda: 1 / 0; main()"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.returncode == 1 and "ZeroDivisionError" in process.stderr


def test_a_missing_package_of_an_extra_exits_with_2_and_names_the_command_that_installs_it(
    run: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("fer_core.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightning", None)
    code, out, err = run("train", "plain", "--data", photo)
    assert (code, out) == (2, "")
    assert err == "error: lightning is not installed; run: pip install 'expression-lens[train]'\n"


def test_a_missing_package_of_the_base_install_is_a_fault_of_the_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "fer_core.export", None)
    monkeypatch.setattr(sys, "argv", ["fer_core", "models"])
    with pytest.raises(ModuleNotFoundError):
        cli.main()


def test_commands_other_than_train_need_no_package_of_an_extra(
    photo: Path, clip: Path, table: tuple[Path, Path], tmp_path: Path
) -> None:
    faces, votes = table
    commands = (
        ["models"],
        ["predict", photo],
        ["explain", photo, "--out", tmp_path],
        ["video", clip, "--annotated", tmp_path / "out.mp4"],
        ["evaluate", "--data", faces, "--plus", votes],
        ["evaluate", "--all", "--data", faces],
        ["averages", "--data", faces],
    )
    program = (
        "import sys; from fer_core import cli\n"
        "sys.modules.update(dict.fromkeys(cli.EXTRAS))\n"
        "from pathlib import Path; from fer_core.evaluation import comparison\n"
        "comparison.list_models = cli.averages.list_models = lambda *_: ('plain',)\n"
        f"cli.averages.WEIGHTS = cli.evaluate.WEIGHTS = Path({str(tmp_path)!r})\n"
        f"for command in {[[str(word) for word in command] for command in commands]}:\n"
        "    sys.argv = ['fer_core', *command]\n"
        "    try: cli.main()\n"
        "    except SystemExit as stop: assert not stop.code, command"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


def test_evaluate_prints_all_figures(run: Run, table: tuple[Path, Path]) -> None:
    faces, votes = table
    code, out, _ = run("evaluate", "--data", faces, "--plus", votes, "--json", "--model", "plain")
    figures = json.loads(out)
    assert code == 0 and (figures["n"], figures["ferplus_n"]) == (3, 3)
    assert figures["accuracy"] == figures["ferplus_accuracy"] == 1
    assert set(figures) == {
        *("model", "n", "accuracy", "macro_precision", "macro_recall", "macro_f1", "ece"),
        *("per_class", "confusion", "ferplus_accuracy", "ferplus_n", "valence_ccc", "arousal_ccc"),
        *("unseen_accuracy", "unseen_n"),
        *("consensus_accuracy", "consensus_n", "consensus_both_heads", "by_prior"),
        *("attention_entropy", "reliability", "faces"),
    }
    assert (figures["consensus_accuracy"], figures["consensus_n"]) == (1, 3)
    assert tuple(figures["by_prior"]) == tuple(PRIORS)
    assert figures["by_prior"]["equal"]["happy"] == 1
    assert figures["attention_entropy"] is None, "plain has no spatial attention"
    assert figures["unseen_accuracy"] is None, "there are no training faces to compare with"
    assert figures["macro_precision"] == figures["macro_recall"] == 1
    assert figures["confusion"][3] == [0, 0, 0, 3, 0, 0, 0]
    _, out, _ = run("evaluate", "--data", faces, "--model", "plain")
    assert "macro precision    1.000" in out and "macro recall       1.000" in out
    (line,) = (line for line in out.splitlines() if line.startswith("happy ") and "." not in line)
    assert line.split() == ["happy", "0", "0", "0", "3", "0", "0", "0"]
    for option in ("--detect", "--tta"):
        code, out, _ = run("evaluate", "--data", faces, option)
        assert code == 0 and "accuracy          100.0%" in out


def test_evaluate_prints_how_even_spatial_attention_is(run: Run, table: tuple[Path, Path]) -> None:
    faces, _ = table
    _, out, _ = run("evaluate", "--data", faces, "--model", "emonet_multihead")
    (line,) = (line for line in out.splitlines() if line.startswith("attention entropy"))
    assert line.split() == ["attention", "entropy", "1.000", "1", "is", "even"]


@pytest.fixture
def pictures(tmp_path: Path, astronaut: Image) -> Path:
    """Write a folder of classes with pictures: two with a face, one without."""
    for name, image in (
        ("train/happy/large.png", np.pad(astronaut, ((200, 0), (300, 100), (0, 0)))),
        ("train/happy/small.jpg", astronaut[::2, ::2]),
        ("test/sad/wall.png", np.full((300, 300, 3), 127, np.uint8)),
    ):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Pillow.fromarray(image).save(file)
    return tmp_path / "pictures"


def test_crop_writes_the_faces_of_a_folder_and_names_the_pictures_without_one(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    code, out, err = run("crop", pictures, tmp_path / "crops")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{pictures / 'test/sad/wall.png'}: no face found",
        f"2 of 3 pictures cropped to {tmp_path / 'crops'}; 1 without a face, 0 unreadable",
    ]
    sizes = {file.name: Pillow.open(file).size for file in (tmp_path / "crops").rglob("*.*")}
    assert set(sizes) == {"large.png", "small.jpg"}
    assert all(width == height >= 48 for width, height in sizes.values())
    command = ("evaluate", "--data", tmp_path / "crops", "--split", "Training")
    _, out, _ = run(*command, "--model", "plain")
    assert "accuracy          100.0%" in out


def test_crop_reports_unreadable_pictures_and_refuses_a_folder_in_use(
    run: Run, pictures: Path, tmp_path: Path
) -> None:
    (pictures / "broken.png").write_bytes(b"no picture")
    code, out, err = run("crop", pictures, tmp_path / "crops", "--keep", "best")
    assert code == 0 and "2 of 4 pictures" in out and "1 unreadable" in out
    assert err.startswith("error: ") and "broken.png is not an image" in err
    code, _, err = run("crop", pictures, tmp_path / "crops")
    assert code == 2 and "is not an empty folder; give a new one" in err


def test_train_with_detect_trains_on_the_faces_of_whole_pictures(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[FaceSet] = []

    def stop(task: object, run: object, read: Callable[[], FaceSet]) -> None:
        received.append(read())
        raise KeyboardInterrupt

    monkeypatch.setattr(import_module("fer_core.training.task"), "train", stop)
    for number in range(2):
        shutil.copy(pictures / "train/happy/small.jpg", pictures / f"train/happy/{number}.jpg")
    command = ("train", "plain", "--data", pictures, "--out", tmp_path / "run")
    code, _, err = run(*command, "--detect")
    assert code == 130
    assert "pictures: no face found in 1 of 5 pictures, which are left out\n" in err
    assert f"--data {pictures} --detect --out {tmp_path / 'run'}" in err
    (faces,) = received
    assert len(faces) == 4 and all(48 <= len(image) <= 96 for image in faces.images)
    code, _, err = run("train", "eyes", "--data", pictures, "--detect")
    assert code == 2 and "--detect is for recipes of expression classes" in err


def test_a_character_is_held_out_of_training_and_measured(run: Run, tmp_path: Path) -> None:
    """A network fitted in a moment; that the figures are the same shows that the faces are."""
    drawn = tmp_path / "drawn"
    names = [word for name in ("Ada", "Chen", "Ines") for word in ("--character", name)]
    assert run("cartoon", drawn, *names, "--per-class", 4, "--size", 96)[0] == 0
    out = tmp_path / "run"
    code, _, err = run("train", "lgbm_pixels", "--data", drawn, "--hold-out", "Chen", "--out", out)
    assert code == 0, err
    card = json.loads((out / "lgbm_pixels.json").read_text())
    assert card["figures"]["PrivateTest"]["n"] == card["figures"]["PublicTest"]["n"] == 28
    command = (
        "evaluate",
        "--model",
        out / "lgbm_pixels.json",
        "--data",
        drawn,
        "--hold-out",
        "chen",
    )
    figures = json.loads(run(*command, "--json")[1])
    assert round(figures["accuracy"], 4) == card["figures"]["PrivateTest"]["accuracy"]
    code, _, err = run("train", "svm_hog", "--data", drawn, "--out", tmp_path / "few")
    assert code == 2 and "56 training faces are too few for this kernel machine" in err
    code, _, err = run("evaluate", "--data", drawn, "--hold-out", "Zoe")
    assert code == 2 and "'Zoe' is nobody of these data" in err
    for refused in (("train", "eyes", "--out", tmp_path / "eyes"), ("evaluate", "--model", "eyes")):
        code, _, err = run(*refused, "--data", drawn, "--hold-out", "chen")
        assert code == 2 and "--hold-out is for" in err


def test_evaluate_finds_small_faces_in_large_pictures_and_counts_where_it_finds_none(
    run: Run, tmp_path: Path, astronaut: Image
) -> None:
    large = np.full((1200, 2000, 3), 127, np.uint8)
    large[300:812, 700:1212] = astronaut
    (tmp_path / "own" / "happy").mkdir(parents=True)
    Pillow.fromarray(large).save(tmp_path / "own" / "happy" / "astronaut.png")
    command = ("evaluate", "--data", tmp_path / "own", "--model", "plain", "--detect")
    code, out, _ = run(*command)
    assert code == 0 and "accuracy          100.0%" in out and "not found" not in out
    Pillow.new("L", (300, 300)).save(tmp_path / "own" / "happy" / "blank.png")
    line = "face not found in 1 of 2 pictures, which were read whole\n"
    assert line in run(*command)[1]
    _, out, err = run(*command, "--json")
    assert line in err and json.loads(out)["n"] == 2


def test_evaluate_counts_copies_of_training_faces_separately(
    run: Run, table: tuple[Path, Path]
) -> None:
    faces, _ = table
    _, row_of_smile, *_ = faces.read_text().splitlines()
    blank = " ".join(["0"] * 48 * 48)
    with faces.open("a") as file:
        file.write(
            f"3,{blank},PrivateTest\n" + row_of_smile.replace("PrivateTest", "Training") + "\n"
        )
    _, out, _ = run("evaluate", "--data", faces, "--model", "plain", "--json")
    figures = json.loads(out)
    assert (figures["n"], figures["unseen_n"]) == (4, 1)
    assert figures["accuracy"] - 0.75 == figures["unseen_accuracy"] / 4
    _, out, _ = run("evaluate", "--data", faces, "--model", "plain")
    assert "without copies" in out and "of 1\n" in out
    _, out, _ = run("evaluate", "--data", faces, "--model", "plain", "--split", "Training")
    assert "without copies" not in out


def test_evaluate_writes_the_leaderboard_of_all_models(
    run: Run, table: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, votes = table
    names = ("prior_attention", "plain")
    aligned: list[int] = []
    monkeypatch.setattr("fer_core.evaluation.comparison.list_models", lambda _: names)
    align = Classifier.align

    def count_and_align(model: Classifier, crops: Sequence[Image]) -> Image:
        aligned.append(len(crops))
        return align(model, crops)

    monkeypatch.setattr(Classifier, "align", count_and_align)
    monkeypatch.setattr("fer_core.cli.evaluate.WEIGHTS", tmp_path)
    code, out, _ = run("evaluate", "--all", "--data", faces, "--plus", votes)
    assert code == 0 and aligned == [3], "the faces are aligned more than once"
    leaderboard = json.loads((tmp_path / "results" / "leaderboard.json").read_text())
    assert (leaderboard["split"], leaderboard["n"]) == ("PrivateTest", 3) and leaderboard["machine"]
    assert leaderboard["command"] == (
        "python -m fer_core evaluate --all --data fer2013.csv --plus fer2013new.csv --split PrivateTest"
    )
    assert [row["name"] for row in leaderboard["rows"]] == list(names)
    assert leaderboard["faces"] == read_faces([faces]).split("PrivateTest").sha256
    row = leaderboard["rows"][1]
    assert row["accuracy"] == row["macro_f1"] == row["ferplus_accuracy"] == 1
    assert (row["ferplus_n"], row["per_class"]["happy"]["n"], row["confusion"][3][3]) == (3, 3, 3)
    card, file = load_card("plain"), WEIGHTS / "plain.safetensors"
    assert all(row[key] == getattr(card, key) for key in ("family", "input_size", "parameters"))
    assert row["ms_per_face"] > 0 and row["file_mb"] == round(file.stat().st_size / 1e6, 2)
    assert set(row) >= {"macro_precision", "macro_recall", "ece", "published"}
    (line,) = (line for line in out.splitlines() if line.startswith("plain "))
    assert line.split()[2:7] == ["100.0%", "100.0%", "–", "1.000", "1.000"]
    assert [entry.name for entry in read_leaderboard(add_weights_of_plain(tmp_path))] == ["plain"]


def test_the_leaderboard_of_other_faces_is_kept(
    run: Run, table: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by content: the file has the same name."""
    faces, _ = table
    monkeypatch.setattr("fer_core.evaluation.comparison.list_models", lambda _: ("plain",))
    monkeypatch.setattr("fer_core.cli.evaluate.WEIGHTS", tmp_path)
    assert run("evaluate", "--all", "--data", faces)[0] == 0
    written = (tmp_path / "results" / "leaderboard.json").read_bytes()
    with faces.open("a") as file:
        file.write(f"0,{' '.join(['90'] * 48 * 48)},PrivateTest\n")
    code, out, err = run("evaluate", "--all", "--data", faces)
    assert code == 0 and out.startswith("4 faces of PrivateTest") and "written to" not in out
    assert "leaderboard.json holds figures on other faces and is kept; remove it" in err
    assert (tmp_path / "results" / "leaderboard.json").read_bytes() == written


def add_weights_of_plain(folder: Path) -> Path:
    """Copy weights and card of the model ``plain`` into a folder, and return the folder."""
    for suffix in (".json", ".safetensors"):
        shutil.copy(WEIGHTS / f"plain{suffix}", folder)
    return folder


def test_a_model_without_figures_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    unmeasured = dataclasses.replace(load_card("plain"), figures={})
    monkeypatch.setattr("fer_core.cli.models.list_models", lambda: ("plain",))
    monkeypatch.setattr("fer_core.cli.models.load_card", lambda _: unmeasured)
    code, out, _ = run("models")
    assert code == 0 and out.splitlines()[1].split()[3:6] == [*"–––"]
    (row,) = json.loads(run("models", "--json")[1])
    assert row["accuracy"] is row["macro_f1"] is row["ferplus_accuracy"] is None


def test_models_that_cannot_be_loaded_are_named_and_the_others_listed(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def time_model(name: str) -> float:
        if name == "xception":
            raise WeightsError("xception.safetensors is damaged; restore it")
        return 1.0

    monkeypatch.setattr("fer_core.cli.models.list_models", lambda: ("plain", "xception"))
    monkeypatch.setattr("fer_core.cli.models.damaged_cards", lambda: ("stray.json is no card",))
    monkeypatch.setattr("fer_core.cli.models.one_thread_milliseconds", time_model)
    code, out, err = run("models", "--json")
    assert code == 0 and [row["name"] for row in json.loads(out)] == ["plain"]
    assert err.splitlines() == [
        "stray.json is no card",
        "xception.safetensors is damaged; restore it",
    ]


def test_models_are_listed_as_table_and_json(run: Run) -> None:
    code, out, _ = run("models", "--json")
    rows = json.loads(out)
    assert code == 0 and [row["name"] for row in rows] == list(list_models())
    assert set(rows[0]) == {
        *("name", "family", "parameters", "file_mb", "input_size", "accuracy", "macro_f1"),
        *("ferplus_accuracy", "published", "ms_per_face", "measured_on"),
    }
    assert rows[0]["ms_per_face"] > 0


def test_explain_writes_picture_and_numbers(run: Run, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "maps"
    code, _, _ = run("explain", photo, "--target", "sad", "--method", "layercam", "--out", out)
    assert code == 0
    numbers = json.loads((out / "astronaut-prior_attention-sad-layercam.json").read_text())
    assert np.array(numbers["raw"]).shape == (6, 6) and numbers["target"] == "sad"
    with Pillow.open(out / "astronaut-prior_attention-sad-layercam.png") as picture:
        assert picture.size == (512, 512)


def test_explain_names_the_method_that_was_used(
    run: Run, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PooledNetwork, "has_maps", False)
    code, out, _ = run(
        "explain", photo, "--model", "plain", "--method", "layercam", "--out", tmp_path
    )
    assert code == 0
    assert "plain has no feature maps for layercam: explained by occlusion" in out
    numbers = json.loads((tmp_path / "astronaut-plain-happy-occlusion.json").read_text())
    assert numbers["method"] == "occlusion" and np.array(numbers["raw"]).shape == (6, 6)


def test_explain_without_a_face_exits_with_2(run: Run, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Pillow.new("RGB", (300, 300)).save(blank)
    code, _, err = run("explain", blank, "--out", tmp_path)
    assert code == 2 and "no face was found" in err


@pytest.fixture
def clip(tmp_path: Path, astronaut: Image) -> Path:
    """Write a clip of six frames at 30 per second, with a face in each."""
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = 256, 256, "yuv420p"
        for _ in range(6):
            image = np.ascontiguousarray(astronaut[:256, 96:352])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    return path


def test_video_writes_table_and_annotated_clip(run: Run, clip: Path, tmp_path: Path) -> None:
    from fer_core.video import CSV_COLUMNS as CLIP_COLUMNS
    from fer_core.video import Clip

    table, film = tmp_path / "out.csv", tmp_path / "out.mp4"
    code, out, _ = run("video", clip, "--csv", table, "--annotated", film, "--every", 2)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert code == 0 and tuple(rows[0]) == CLIP_COLUMNS
    assert [row["frame"] for row in rows] == ["0", "2", "4"]
    assert float(rows[1]["time"]) == pytest.approx(2 / 30, abs=1e-3)
    assert {row["top"] for row in rows} == {"happy"} and {row["blink"] for row in rows} == {"0"}
    assert "clip.mp4: 3 frames read, 0.1 s" in out and "mostly happy" in out and "0 blinks" in out
    assert "by prior_attention" in out
    assert {(row["model"], row["version"]) for row in rows} == {("prior_attention", __version__)}
    with Clip(film) as written:
        assert len(list(written.frames())) == 6


def test_video_reads_several_clips_and_reports_those_that_it_cannot(
    run: Run, clip: Path, photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "b" / "clip.mp4"
    other.parent.mkdir()
    shutil.copy(clip, other)
    clips, out_folder = [clip, photo, tmp_path / "none.mp4", other], tmp_path / "out"
    options = ("--csv", out_folder, "--annotated", out_folder, "--every", 3)
    code, out, err = run("video", *clips, *options)
    assert code == 2 and "Traceback" not in err
    assert err.count("error: ") == 2 and "is not a video" in err and "there is no file" in err
    assert out.count("clip.mp4: 2 frames read") == 2
    names = {"clip.csv", "clip-annotated.mp4", "clip-2.csv", "clip-2-annotated.mp4"}
    assert {path.name for path in out_folder.iterdir()} == names
    assert (out_folder / "clip.csv").read_text() == (out_folder / "clip-2.csv").read_text()
    code, _, err = run("video", clip, other, "--every", 3)
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--csv", "a.csv"), "--csv a.csv: name a folder for the files of several clips"),
        (("--annotated", "a.mp4"), "name a folder for the files of several clips"),
        (("--model", "vgg"), "unknown model 'vgg'"),
        (("--neutral", "smile"), "there is no such file"),
    ],
)
def test_errors_of_several_clips_are_reported_once(
    run: Run, clip: Path, options: tuple[str, str], message: str
) -> None:
    code, out, err = run("video", clip, clip, *options)
    assert code == 2 and message in err and err.count("error: ") == 1 and not out


def test_video_smooths_over_past_and_future_if_asked(run: Run, clip: Path, tmp_path: Path) -> None:
    table = tmp_path / "out.csv"
    for options, seconds, words in (
        ((), "0.0", "read frame by frame"),
        (("--smoothing", 0.3), "0.3", "smoothed over past and future (0.3 s)"),
    ):
        code, out, _ = run("video", clip, "--csv", table, "--every", 3, *options)
        with table.open() as file:
            rows = list(csv.DictReader(file))
        assert code == 0 and words in out
        assert [row["smoothing"] for row in rows] == [seconds] * 2


def test_video_writes_details_in_the_last_columns(run: Run, clip: Path, tmp_path: Path) -> None:
    from fer_core.video import CSV_COLUMNS as CLIP_COLUMNS

    table = tmp_path / "out.csv"
    code, _, _ = run("video", clip, "--csv", table, "--details", "--every", 3)
    with table.open() as file:
        rows = list(csv.DictReader(file))
    *others, model, version = CLIP_COLUMNS
    assert code == 0 and tuple(rows[0]) == (*others, *DETAIL_COLUMNS, model, version)
    for row in rows:
        assert float(row["AU12"]) > 0.7 and abs(float(row["roll"])) < 10
        assert float(row["x0"]) < float(row["x_30"]) < float(row["x1"])


def test_video_keeps_the_rows_before_a_damaged_frame(run: Run, clip: Path, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    damaged, table = tmp_path / "cut.mkv", tmp_path / "out.csv"
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), np.uint8)
    with av.open(damaged, "w") as output:
        stream = output.add_stream("libx264", 30)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for image in noise:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode(None))
    damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    code, out, err = run("video", damaged, "--csv", table)
    assert code == 2 and "error: cut.mkv breaks off at" in err and "Traceback" not in err
    assert "no face found" in out and table.read_text().startswith("frame,time,track,x0")


def test_video_keeps_the_table_where_the_film_cannot_be_written(
    run: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_core.video.film import Film

    def write(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Film, "_encode", write)
    table, film = tmp_path / "out.csv", tmp_path / "out.mp4"
    film.write_bytes(b"yesterday's")
    code, out, err = run("video", clip, "--csv", table, "--annotated", film, "--every", 3)
    assert code == 2 and "mostly happy" in out and "Traceback" not in err
    assert "the video cannot be written (No space left on device); free some space" in err
    assert len(table.read_text().splitlines()) == 3
    assert film.read_bytes() == b"yesterday's"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{clip}", "--every", "0"], "greater than or equal to 1"),
        (["{clip}", "--smoothing", "-1"], "greater than or equal to 0"),
        (["{clip}", "--smoothing", "inf"], "give 0 or more seconds"),
        (["{photo}.mp4"], "there is no file"),
        (["{photo}"], "is not a video"),
        (["{clip}", "--model", "vgg"], "unknown model 'vgg'"),
        (["{clip}", "--device", "tpu"], "unknown device 'tpu'"),
        (["{clip}", "--csv", "{out}/none/a.csv"], "No such file or directory"),
        (["{clip}", "--annotated", "{clip}"], "name another file"),
        (["{clip}", "--annotated", "{out}/a.avi"], "ending in .mp4"),
    ],
)
def test_errors_of_the_caller_of_video_exit_with_2(
    run: Run, clip: Path, photo: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    size = clip.stat().st_size
    code, _, err = run(
        "video", *[a.format(clip=clip, photo=photo, out=tmp_path) for a in arguments]
    )
    assert code == 2 and message in err and "Traceback" not in err
    assert clip.stat().st_size == size, "the clip itself is never written to"


def test_averages_writes_the_mean_map_of_each_class_and_model(
    run: Run, table: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, _ = table
    monkeypatch.setattr("fer_core.cli.averages.list_models", lambda: ("plain", "lgbm_pixels"))
    monkeypatch.setattr("fer_core.cli.averages.WEIGHTS", tmp_path)
    code, out, err = run("averages", "--data", faces, "--most", 2)
    assert code == 0 and "written to" in out and "averages.json" in out
    assert "landmarks of 3 faces" in err and "plain: 3 faces" in err
    command = "python -m fer_core averages --data fer2013.csv --split PrivateTest --most 2"
    averages = read_averages(tmp_path)
    assert averages.command == command and list(averages.maps) == ["plain", "lgbm_pixels"]
    assert averages.landmarks is not None
    assert averages.landmarks[36:42].mean(0) == pytest.approx((0.32, 0.38), abs=0.05)
    happy = averages.maps["plain"]["happy"]
    assert list(averages.maps["plain"]) == ["happy"] and (happy.n, happy.method) == (3, "gradcam")
    assert happy.part_share["mouth"] > 0.1 and happy.part_error["mouth"] == pytest.approx(0)
    occluded = averages.maps["lgbm_pixels"].get("happy")
    assert occluded is None or (occluded.n, occluded.method) == (2, "occlusion")


def test_averages_of_other_models_are_kept(
    run: Run, table: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, _ = table
    monkeypatch.setattr("fer_core.cli.averages.WEIGHTS", tmp_path)
    for name in ("plain", "default"):
        assert run("averages", "--data", faces, "--model", name)[0] == 0
    averages = read_averages(tmp_path)
    assert list(averages.maps) == ["plain", "prior_attention"]
    attention = averages.maps["prior_attention"]["happy"].region_attention
    assert attention is not None and sum(attention.values()) == pytest.approx(1, abs=1e-3)
    renamed = faces.rename(faces.with_name("copy.csv"))
    assert run("averages", "--data", renamed, "--model", "plain")[0] == 0, "the same faces"
    renamed.rename(faces)
    code, _, err = run("averages", "--data", faces, "--model", "plain", "--most", 7)
    assert code == 2 and "on other faces or with other options; give the same" in err
    with faces.open("a") as file:
        file.write(f"0,{' '.join(['90'] * 48 * 48)},PrivateTest\n")
    code, _, err = run("averages", "--data", faces, "--model", "plain")
    assert code == 2 and "on other faces or with other options; give the same" in err
    code, _, err = run("averages", "--data", faces, "--model", "plane")
    assert code == 2 and "unknown model 'plane'" in err


def test_shares_of_the_claimed_parts_are_printed_with_their_confidence_interval(
    run: Run, tmp_path: Path, table: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    faces, _ = table
    _, row_of_smile, *_ = faces.read_text().splitlines()
    rng = np.random.default_rng(0)
    noises = (" ".join(map(str, rng.integers(0, 255, 48 * 48))) for _ in range(4))
    noisy_rows = (f"{label},{noise},PrivateTest" for noise in noises for label in range(7))
    with faces.open("a") as file:
        file.write("\n".join([row_of_smile, *noisy_rows]) + "\n")
    monkeypatch.setattr("fer_core.cli.averages.WEIGHTS", tmp_path)
    code, out, _ = run("averages", "--data", faces, "--model", "simple_cnn")
    (line,) = (line for line in out.splitlines() if "happy" in line)
    model, target, parts, share, others, low, to, high = line.replace(" + ", "+").split()
    assert (code, model, target, parts, to) == (0, "simple_cnn", "happy", "eyes+mouth", "to")
    assert float(low) <= float(share) - float(others) <= float(high)

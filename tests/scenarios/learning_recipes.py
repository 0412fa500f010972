"""The scenarios that train for real, in short versions: learning_recipes.py PROGRAM ROOT [CASE...]."""
import json
import os
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import ROOT, LeftOut, case, checked, main, walras, write


def learning():
    told = json.loads(walras("doctor", "--json")[0])["findings"]
    if not any(f["name"] == "networks and agents" and f["good"] for f in told):
        raise LeftOut("the learning plug-in is not built")


def short(folder, name, *sets, epochs=2):
    """A recipe with few epochs, on less data; everything else as it is."""
    learning()
    text = json.loads((ROOT / "scenarios" / f"{name}.json").read_text())
    for number, strategy in enumerate(text["strategies"]):
        training = strategy["params"]["predictor"].get("training")
        if training:
            sets += (f"/strategies/{number}/params/predictor/training/epochs={epochs}",)
        if "markets" in strategy["params"]:
            sets += (f"/strategies/{number}/params/markets=1",)
    flags = sum((["--set", s] for s in sets), [])
    walras("run", ROOT / "scenarios" / f"{name}.json", "--out", "out", "--ledger", "ledger.h5", "--no-pdf", *flags, folder=folder, timeout=900)
    told = checked("summary", (folder / "out" / "summary.json").read_text())
    assert [s["name"] for s in told["strategies"]] == [s["name"] for s in text["strategies"]]
    assert any((folder / "checkpoints").iterdir())
    assert any((folder / "cache").iterdir())
    return told


def planted(folder, name):
    told = short(folder, name, "/market/generator/bars=600", "/walk_forward/folds=1", "/walk_forward/train_paths=1", "/walk_forward/test_paths=1")
    page = (folder / "out" / "report.html").read_text()
    assert "superior" in page.lower() and "confidence set" in page.lower()
    return told


def sp500(folder, name):
    data = os.environ.get("XDG_DATA_HOME", str(pathlib.Path.home() / ".local" / "share"))
    if not list(pathlib.Path(data).rglob("sp500*")):
        raise LeftOut("sp500 is not in the library; walras data fetch sp500")
    return short(folder, name, '/market/source/begin="2016-01-01"', "/walk_forward/train=600", "/walk_forward/test=600")


@case
def price_cnn_on_a_planted_signal(folder):
    """price_cnn_planted.json, short"""
    planted(folder, "price_cnn_planted")


@case
def bilstm_on_a_planted_signal(folder):
    """bilstm_planted.json, short"""
    planted(folder, "bilstm_planted")


@case
def hybrid_on_a_planted_signal(folder):
    """hybrid_planted.json, short: three tasks are learned at once"""
    planted(folder, "hybrid_planted")


@case
def price_cnn_on_sp500(folder):
    """price_cnn_sp500.json, short"""
    sp500(folder, "price_cnn_sp500")


@case
def bilstm_on_sp500(folder):
    """bilstm_sp500.json, short"""
    sp500(folder, "bilstm_sp500")


@case
def hybrid_on_sp500(folder):
    """hybrid_sp500.json, short"""
    sp500(folder, "hybrid_sp500")


@case
def networks_on_a_recorded_book(folder):
    """book_networks.json on a sample day: levels, images and bars of three time frames"""
    learning()
    data = pathlib.Path(os.environ.get("WALRAS_DATA", ROOT / ".." / "shared" / "data")) / "lobster"
    days = sorted(data.glob("*GOOG*_10.zip")) if data.is_dir() else []
    if not days:
        raise LeftOut(f"no LOBSTER sample at {data}; set WALRAS_DATA")
    short(folder, "book_networks", f"/market/source/path={days[0]}", "/walk_forward/train=60", "/walk_forward/test=240", epochs=1)


@case
def the_fragments_of_the_page(folder):
    """Every predictor that docs/networks.md shows is one that a strategy takes"""
    learning()
    text = (ROOT / "docs" / "networks.md").read_text()
    blocks = re.findall(r"((?:^    .*\n)+)", text, re.M)
    predictors = []
    for block in blocks:
        piece = block.strip().removeprefix('"predictor":').strip()
        if piece.startswith("{"):
            found = json.loads(piece)
            predictors.append(found)
    assert len(predictors) >= 2, predictors
    for number, predictor in enumerate(predictors):
        predictor.setdefault("training", {}).pop("checkpoints", None)
        predictor["training"].update(epochs=1, patience=1)
        scenario = json.loads((ROOT / "scenarios" / "price_cnn_planted.json").read_text())
        scenario["strategies"] = [scenario["strategies"][0]]
        scenario["strategies"][0]["params"].update(predictor=predictor, markets=1, window=32)
        scenario["market"]["generator"]["bars"] = 300
        scenario["walk_forward"] = {"folds": 1, "train_paths": 1, "test_paths": 1}
        write(folder, f"recipe{number}.json", scenario)
        walras("run", f"recipe{number}.json", "--out", f"out{number}", "--ledger", "ledger.h5", "--no-pdf", folder=folder, timeout=300)


if __name__ == "__main__":
    main()

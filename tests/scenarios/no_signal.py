"""Networks on martingales: what is called skill is chance. no_signal.py PROGRAM ROOT [SEEDS]"""
import concurrent.futures
import json
import pathlib
import sys
import tempfile

SEEDS = int(sys.argv.pop(3)) if len(sys.argv) > 3 else 200
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import LeftOut, case, main, walras, write

TRAINING = {"epochs": 4, "batch": 128, "gap": 20, "learning_rate": 0.003}
MODEL = {"window": 16, "horizon": 1, "delay": 0, "shorting": True}
STUDY = {
    "walras": 1,
    "name": "no_signal",
    "market": {"mode": "generated", "generator": {"kind": "bars", "bars": 1500, "names": ["AAA", "BBB"], "night": 0,
                                                  "process": {"kind": "planted", "strength": 0}}},
    "account": {"capital": 1000000, "shorting": True},
    "strategies": [
        {"name": "perceptron", "kind": "model",
         "params": {**MODEL, "predictor": {"kind": "mlp", "network": {"hidden": [16]}, "training": TRAINING}}},
        {"name": "price CNN", "kind": "model",
         "params": {**MODEL, "predictor": {"kind": "price_cnn", "network": {"channels": 4, "blocks": 2, "features": 4}, "training": TRAINING}}},
    ],
    "walk_forward": {"folds": 2, "train_paths": 1, "test_paths": 1},
}


def judged(folder, seed):
    """Judgements of one study, its strategies in order."""
    at = folder / str(seed)
    at.mkdir()
    told = json.loads(walras("run", folder / "study.json", "--seed", seed, "--out", at / "out", "--ledger", at / "ledger.h5", "--no-pdf",
                             "--threads", 1, "--json", folder=at, timeout=600)[0])
    return [strategy["judgement"] for strategy in told["verdict"]["strategies"]]


@case
def nothing_is_found(folder):
    """trained on markets that nobody can foretell, networks are called skill in 8 % of studies at most: 5 % and two standard errors of 200"""
    found = json.loads(walras("doctor", "--json")[0])["findings"]
    if not any(f["name"] == "networks and agents" and f["good"] for f in found):
        raise LeftOut("the learning plug-in is not built")
    write(folder, "study.json", STUDY)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        studies = list(pool.map(lambda seed: judged(folder, seed), range(1, SEEDS + 1)))
    assert len({tuple(study) for study in studies}) > 1 or SEEDS < 50, "every study ended alike"
    skill = sum("skill" in study for study in studies)
    print(f"{skill} of {SEEDS} studies say skill", flush=True)
    assert skill <= 0.08 * SEEDS, f"expected at most {0.08 * SEEDS:.0f} of {SEEDS} studies with skill, was {skill}"


if __name__ == "__main__":
    main()

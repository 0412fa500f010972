"""Whole runs of the program: end_to_end.py PROGRAM ROOT [CASE...]."""
import csv
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from program import PROGRAM, ROOT, LeftOut, bars_csv, case, checked, main, study, walras, write


def market_data(name):
    folder = pathlib.Path(os.environ.get("WALRAS_DATA", ROOT / ".." / "shared" / "data")) / name
    if not folder.is_dir():
        raise LeftOut(f"no market data at {folder}; set WALRAS_DATA")
    return folder


def summary(folder, out="out"):
    return checked("summary", (pathlib.Path(folder) / out / "summary.json").read_text())


def three_shares(folder):
    return [bars_csv(folder, f"{name}.csv", seed=seed) for name, seed in (("AAA", 3), ("BBB", 5), ("CCC", 9))]


@case
def files_of_a_run(folder):
    """A run writes a summary that fits its schema, a record that h5py reads, and a page that asks the network for nothing"""
    scenario = write(folder, "study.json", study(*three_shares(folder)))
    out, _ = walras("run", scenario.name, "--out", "out", folder=folder)
    assert "Verdict:" in out and "moving_average" in out, out
    told = summary(folder)
    assert [s["name"] for s in told["strategies"]] == ["buy_and_hold", "moving_average"]
    assert told["strategies"][1]["candidates"] == 4 * told["strategies"][1]["folds"]
    page = (folder / "out" / "report.html").read_text()
    assert "<script src" not in page and "<link" not in page and "NaN" not in page.split("<script", 1)[0]
    assert told["verdict"]["text"] in page or "verdict" in page.lower()
    leftovers = [p.name for p in (folder / "out").rglob("*") if p.suffix in (".tmp", ".partial")]
    assert not leftovers, leftovers
    try:
        import h5py
    except ImportError as error:
        raise LeftOut("python3-h5py is not installed") from error
    with h5py.File(folder / "out" / "record.h5") as record:
        names = []
        record.visit(names.append)
        assert any(n.endswith("equity") or "/equity/" in n for n in names), names[:20]
        assert record.attrs["record_hash"] in (told["record_hash"], told["record_hash"].encode()), dict(record.attrs)


@case
def same_bits(folder):
    """record_hash is the same for 1 and 2 threads, any order of sources and instruments, and again"""
    files = three_shares(folder)
    names = [f.stem for f in files]
    write(folder, "a.json", study(*files))
    write(folder, "b.json", study(*reversed(files), instruments=[names[2], names[0], names[1]]))
    hashes = set()
    for name, threads in (("a.json", 1), ("a.json", 2), ("b.json", 2)):
        walras("run", name, "--out", "out", "--threads", threads, folder=folder)
        hashes.add(summary(folder)["record_hash"])
    assert len(hashes) == 1, hashes
    walras("run", "a.json", "--out", "out", "--seed", "8", folder=folder)


@case
def trials_are_counted(folder):
    """Repeating a run adds no trial, changing the report adds none, changing the market's costs adds some"""
    write(folder, "study.json", study(bars_csv(folder)))
    def recorded(*sets):
        walras("run", "study.json", "--out", "out", *sum((["--set", s] for s in sets), []), folder=folder)
        return summary(folder)["trials"]["recorded"]
    assert recorded() == 2
    assert recorded("/report/title=Other") == 2
    assert recorded("/venue/fees/bps=3") == 4
    walras("run", "study.json", "--out", "each", "--each", "--ledger", "other.h5", folder=folder)
    assert len(summary(folder, "each")["strategies"]) == 5 and summary(folder, "each")["trials"]["recorded"] == 5


@case
def gates(folder):
    """--fail-if and validate end with exit 4 where their condition holds, and the files are written all the same"""
    write(folder, "study.json", study(bars_csv(folder)))
    walras("run", "study.json", "--out", "out", "--fail-if", "sharpe > 100", folder=folder)
    out, _ = walras("run", "study.json", "--out", "out", "--fail-if", "sharpe < 100", code=4, folder=folder)
    assert "Gate failed: buy_and_hold: fail if sharpe < 100" in out, out
    walras("validate", "study.json", "--out", "out", code=4, folder=folder)
    assert summary(folder)["verdict"]["gates"]
    assert "sharpe" in walras("run", "study.json", "--out", "out", "--fail-if", "sharp < 1", code=2, folder=folder)[1]


@case
def validated(folder):
    """validate runs the tests that the scenario asks for, worlds without alpha too: same bits on one thread, on two, and after an
    interruption; gates read their figures, and what cannot be asked is refused before the work"""
    files = [bars_csv(folder, f"S{i}.csv", days=1500, seed=i + 1) for i in range(4)]
    evidence = {"tests": ["superior_ability", "reality_check", "confidence_set", "overfitting", "true_share"], "null_worlds": {"kind": "shuffled", "worlds": 39}}
    write(folder, "study.json", study(*files, evidence=evidence))
    walras("validate", "study.json", "--out", "one", "--ledger", "one.h5", "--threads", "1", "--fail-if", "sharpe < 100", code=4, folder=folder)
    out, _ = walras("validate", "study.json", "--out", "two", "--ledger", "two.h5", "--threads", "2", "--fail-if", "null_worlds.p_value > 0.001",
                    "--fail-if", "deflated_sharpe < 0.99999999", "--fail-if", "probability_of_overfitting > 2", code=4, folder=folder)
    assert "Gate failed: moving_average: fail if null_worlds.p_value > 0.001" in out and "buy_and_hold: verdict is skill" in out, out
    assert "Gate passed: moving_average: fail if probability_of_overfitting > 2" in out and "Verdict:" in out, out
    one, two = summary(folder, "one"), summary(folder, "two")
    gates = two["verdict"].pop("gates")
    one["verdict"].pop("gates")
    assert one == two and len(gates) == 2 + 3 * 2, len(gates)
    told = one["null_worlds"]
    assert told["worlds"] == 39 and len(told["best"]) == 39 and min(s["p_value"] for s in told["strategies"]) == told["p_value"]
    kept = one["study"]["model_confidence_set"]
    assert kept["estimate"] >= 1 and 0 <= kept["p_value"] <= 1 and "may be the best, at 95 %: " in kept["method"], kept
    assert {"superior_predictive_ability", "reality_check", "probability_of_overfitting", "probability_of_loss", "true_share", "null_worlds"} <= set(one["study"])
    assert {"haircut_sharpe", "profit_hurdle", "minimum_backtest"} <= set(one["verdict"]["strategies"][1]["evidence"])
    page = (folder / "one" / "report.html").read_text()
    for chart in ("Where the best in sample ends up", "Degradation", "Deflated Sharpe ratio by number of trials", "p-values of all trials", "Worlds without alpha"):
        assert chart in page, chart
    run = subprocess.Popen([PROGRAM, "validate", "study.json", "--out", "part", "--ledger", "part.h5", "--threads", "1", "--fail-if", "sharpe < 100"], cwd=folder,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    partial = folder / "part" / ".partial"
    for _ in range(2000):
        if run.poll() is not None or (partial.is_dir() and len(list(partial.glob("null-*.json"))) >= 3):
            break
        time.sleep(0.005)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode in (130, 4), run.returncode
    walras("validate", "study.json", "--out", "part", "--ledger", "part.h5", "--resume", "--fail-if", "sharpe < 100", code=4, folder=folder)
    part = summary(folder, "part")
    part["verdict"].pop("gates")
    assert part == one
    for wrong, words in (({"kind": "market"}, "expected a market without alpha"), ({"kind": "signs", "market": {"mode": "generated"}}, "remove it"),
                         ({"kind": "sign"}, "expected signs"), ({"kind": "signs", "worlds": 0}, "worlds")):
        write(folder, "wrong.json", study(*files, evidence={"null_worlds": wrong}))
        assert words in walras("check", "wrong.json", code=3, folder=folder)[1], (wrong, walras("check", "wrong.json", code=3, folder=folder)[1])


@case
def worlds_of_a_given_market(folder):
    """the market of the null worlds may be given: for a generated study and for recorded data; same bits for any thread count"""
    market = {"mode": "generated", "generator": {"kind": "bars", "bars": 300, "names": ["A"], "process": {"kind": "gjr_garch", "volatility": 0.25}}}
    evidence = {"null_worlds": {"kind": "market", "worlds": 4, "market": market}}
    recorded = study(bars_csv(folder), evidence=evidence)
    for name, scenario in (("generated", dict(recorded, market=market)), ("recorded", recorded)):
        write(folder, name + ".json", scenario)
        told = []
        for threads in "12":
            walras("validate", name + ".json", "--out", name + threads, "--ledger", name + threads + ".h5", "--threads", threads, code=4, folder=folder)
            told.append(summary(folder, name + threads)["null_worlds"])
        assert told[0] == told[1] and told[0]["kind"] == "market" and len(set(told[0]["best"])) == 4, told


@case
def report_again(folder):
    """report writes the same page from the record alone, compare sets runs side by side, export writes CSV"""
    write(folder, "study.json", study(bars_csv(folder)))
    walras("run", "study.json", "--out", "a", folder=folder)
    walras("run", "study.json", "--out", "b", "--set", "/venue/fees/bps=9", folder=folder)
    walras("report", "a", "--out", "again", folder=folder)
    told = summary(folder, "a")
    page = (folder / "again" / "report.html").read_text()
    assert told["record_hash"][:12] in page and "moving_average" in page
    walras("report", "a", "b", "--compare", "--out", "both", folder=folder)
    assert (folder / "both" / "comparison.html").stat().st_size > 10_000
    walras("export", "a", "--out", "csv", folder=folder)
    names = sorted(p.name for p in (folder / "csv").iterdir())
    assert names == sorted(f"{n}.csv" for n in ("equity", "executions", "fills", "margin", "markouts", "orders", "positions", "postings", "switches", "trades")), names
    with open(folder / "csv" / "equity.csv") as file:
        rows = list(csv.DictReader(file))
    assert {r["sample"] for r in rows} == {"in_sample", "out_of_sample"} and float(rows[0]["equity"]) == 1_000_000
    write(folder, "not.h5", "no record")
    assert "not.h5" in walras("export", "not.h5", code=3, folder=folder)[1]


@case
def interrupted_and_resumed(folder):
    """Ctrl-C ends with exit 130; --resume goes on to the same bits as a run that was left alone"""
    files = [bars_csv(folder, f"S{i}.csv", days=2500, seed=i + 1) for i in range(8)]
    grid = {"fast": list(range(2, 12)), "slow": [20, 30, 40, 50]}
    write(folder, "study.json", study(*files, strategies=[{"kind": "moving_average", "grid": grid}, {"kind": "buy_and_hold"}],
                                      walk_forward={"train": 500, "test": 60, "warm_up": 60}))
    walras("run", "study.json", "--out", "whole", "--ledger", "whole.h5", folder=folder)
    expected = summary(folder, "whole")["record_hash"]
    run = subprocess.Popen([PROGRAM, "run", "study.json", "--out", "part", "--ledger", "part.h5", "--threads", "1"], cwd=folder,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.4)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode in (130, 0), (run.returncode, err)
    if run.returncode == 130:
        assert "--resume" in err, err
        assert not (folder / "part" / "summary.json").exists()
    walras("run", "study.json", "--out", "part", "--ledger", "part.h5", "--resume", folder=folder)
    assert summary(folder, "part")["record_hash"] == expected


@case
def plugin_of_a_user(folder):
    """A user's own strategy, built as a module and named in the scenario, is run like any other"""
    modules = list((PROGRAM.parent.parent / "tests" / "scenarios").glob("*example_plugin.so"))
    if not modules:
        raise LeftOut("the example plug-in is not built")
    write(folder, "study.json", study(bars_csv(folder), plugins=[str(modules[0])],
                                      strategies=[{"kind": "contrarian", "grid": {"down": [2, 3]}}]))
    walras("run", "study.json", "--out", "out", folder=folder)
    told = summary(folder)
    assert told["strategies"][0]["out_of_sample"]["trades"]["estimate"] > 0, told["strategies"][0]["out_of_sample"]["trades"]


@case
def generated_book_scenarios(folder):
    """Every shipped market with a generated book runs; informed flow turns a maker's profit into a loss"""
    page = (ROOT / "docs" / "markets.md").read_text()
    sharpe = {}
    for file in sorted((ROOT / "scenarios").glob("*.json")):
        generator = json.loads(file.read_text()).get("market", {}).get("generator") or {}
        if not isinstance(generator, dict) or generator.get("kind") != "book":
            continue
        assert f"../scenarios/{file.name}" in page, f"docs/markets.md says nothing of {file.name}"
        out = folder / file.stem
        walras("run", file, "--out", out, "--ledger", folder / f"{file.stem}.h5", "--no-pdf")
        told = json.loads((out / "summary.json").read_text())
        metrics = told["strategies"][0]["out_of_sample"]
        assert metrics["trades"]["estimate"] > 0, (file.name, metrics["trades"])
        sharpe[file.stem] = metrics["sharpe"]["estimate"]
    assert len(sharpe) >= 6, sharpe
    assert sharpe["hawkes"] > 10 and sharpe["informed_flow"] < -10, sharpe


@case
def calibrated_market(folder):
    """A flow is fitted to a recorded day; the scenario it writes passes check and runs; the facts are drawn side by side"""
    day = market_data("lobster") / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
    out, _ = walras("data", "calibrate", day, "--flow", "zero_intelligence", "--out", "goog.json", folder=folder)
    assert "halves of the day" in out and "limit_rate" in out, out
    walras("check", "goog.json", folder=folder)
    walras("run", "goog.json", "--out", "out", "--no-pdf", "--set", "/market/duration_s=120", "--set", "/walk_forward/folds=1", folder=folder)
    told = checked("calibration", walras("data", "calibrate", day, "--flow", "zero_intelligence", "--json", folder=folder)[0])
    assert len(told["distances"]) == 8 and all(0 <= d["halves"] <= 1 for d in told["distances"]), told["distances"]
    walras("facts", day, "goog.json", "--out", "facts.html", folder=folder)
    text = (folder / "facts.html").read_text()
    assert "Signs of market orders remember" in text and "NaN" not in text.split("<script", 1)[0]
    assert "queue_reactive" in walras("data", "calibrate", day, "--flow", "queue_reactive", code=3, folder=folder)[1]


@case
def generated_bar_scenarios(folder):
    """Every shipped market of bars runs; skill is found where prices revert by law, and not where they are martingales"""
    page = (ROOT / "docs" / "markets.md").read_text()
    found = {}
    for file in sorted((ROOT / "scenarios").glob("*.json")):
        generator = json.loads(file.read_text()).get("market", {}).get("generator") or {}
        if not isinstance(generator, dict) or generator.get("kind") != "bars":
            continue
        if file.stem.endswith("_planted"):   # they train for long: learning_recipes.py runs them in short
            assert file.stem in (ROOT / "docs" / "networks.md").read_text(), file.name
            continue
        assert f"../scenarios/{file.name}" in page, f"docs/markets.md says nothing of {file.name}"
        out = folder / file.stem
        walras("run", file, "--out", out, "--ledger", folder / f"{file.stem}.h5", "--no-pdf")
        told = json.loads((out / "summary.json").read_text())
        found[file.stem] = {s["name"]: s["judgement"] for s in told["verdict"]["strategies"]}
    assert len(found) >= 10, sorted(found)
    assert found["mean_reversion"]["reversion"] == "skill", found
    skilled = [(market, name) for market, rules in found.items() for name, verdict in rules.items() if verdict == "skill"]
    # Trends are real between bull and bear: finding them is luck of few paths, not an error.
    assert set(skilled) <= {("mean_reversion", "reversion"), ("bull_and_bear", "trend")}, skilled


@case
def risk_limits(folder):
    """scenarios/risk_limits.json: rules hold one strategy back and end its trading, its own entry frees another; execution is measured"""
    walras("run", ROOT / "scenarios" / "risk_limits.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf")
    told = {s["name"]: s for s in summary(folder)["strategies"]}
    fall = {name: s["out_of_sample"]["max_drawdown"]["estimate"] for name, s in told.items()}
    swing = {name: s["out_of_sample"]["volatility"]["estimate"] for name, s in told.items()}
    assert abs(fall["limited"]) < abs(fall["unlimited"]) and 0.07 < swing["steady"] < 0.13 < swing["unlimited"], (fall, swing)
    page = (folder / "out" / "report.html").read_text()
    for words in ("were made smaller or left out to keep within the risk rules", "risk rules ended trading", "Execution quality", "20 bars"):
        assert words in page, words
    assert re.search(r"fold \d+: risk rules ended trading", page), "warnings lack their fold"
    walras("export", folder / "out", "--out", folder / "csv")
    with open(folder / "csv" / "switches.csv") as file:
        switches = [r for r in csv.DictReader(file) if r["sample"] == "out_of_sample"]
    for name, strategy in told.items():
        own = [r for r in switches if r["strategy"] == name]
        assert (sorted((s["fold"], s["seed"], s["time"], s["cause"], s["cancelled"]) for s in strategy["account"]["switches"]) ==
                sorted((int(r["fold"]), int(r["seed"]), r["time"], r["cause"], int(r["cancelled"])) for r in own)), own
    assert told["limited"]["account"]["switches"] and {r["cause"] for r in switches} <= {"loss_limit", "drawdown_limit"}, switches
    assert not told["unlimited"]["account"]["switches"]
    execution = told["unlimited"]["execution"]
    assert execution["fill_ratio"] > 0.9 and [a["horizon"] for a in execution["after"]] == [1, 5, 20], execution
    assert 6 < execution["effective_spread_bps"] < 8, execution   # twice the slippage of 3 bp, which is rounded up to ticks
    parts = sum(execution[part] for part in ("delay_bps", "trading_bps", "opportunity_bps", "fees_bps"))
    assert abs(parts - execution["shortfall_bps"]) < 1e-6, execution
    write(folder, "wrong.json", json.dumps(dict(json.loads((ROOT / "scenarios" / "risk_limits.json").read_text()), account={"risk": {"positions": {"X": 1}}})))
    assert "/account/risk/positions/X" in walras("check", "wrong.json", code=3, folder=folder)[1]


@case
def accounts_with_contracts(folder):
    """A perpetual pays funding, and too much leverage is closed by force and insured; futures roll; wrong terms are told with their place"""
    try:
        import h5py
    except ImportError as error:
        raise LeftOut("python3-h5py is not installed") from error
    for name in ("perpetual", "futures_roll"):
        walras("run", ROOT / "scenarios" / f"{name}.json", "--out", name, "--ledger", f"{name}.h5", "--no-pdf", folder=folder)
    with h5py.File(folder / "perpetual" / "record.h5") as record:
        about = [json.loads(text) for text in record["folds"]["about"][:]]
        liquidated = {who: sum(f["liquidations"] for f in about if f["strategy"] == who) for who in ("unlevered", "eightfold")}
        assert liquidated["unlevered"] == 0 and liquidated["eightfold"] > 0, liquidated
        assert sum(f["insurance"] for f in about if f["strategy"] == "eightfold") > 0, "no gap beyond bankruptcy"
        assert all(f["funding"] < 0 for f in about if f["strategy"] == "unlevered"), [f["funding"] for f in about]
        margin = record["eightfold/oos/0/margin"]
        assert len(margin["time"]) >= 504 and min(margin["maintenance"]) == 0
        assert set(record["unlevered/oos/0/postings"]["account"]) == {8}
        # What export writes is what the record holds, and the summary is its sum.
        walras("export", "perpetual", folder=folder)
        def rows(name):
            with open(folder / "perpetual" / "csv" / f"{name}.csv") as file:
                return list(csv.DictReader(file))
        for name in ("postings", "margin", "executions", "markouts"):
            tables = [record[p + "/" + name] for p in (b.decode() for b in record["folds"]["path"][:]) if p + "/" + name in record]
            assert len(rows(name)) == sum(len(next(iter(t.values()))) for t in tables) > 0, name
        seeds = {path.decode(): f["seed"] for path, f in zip(record["folds"]["path"][:], about)}
        def of(name, path):
            who, _, fold = path.split("/")
            return [r for r in rows(name) if (r["strategy"], r["sample"], r["fold"], r["seed"]) == (who, "out_of_sample", fold.split("-")[0], seeds[path])]
        mine = of("margin", "eightfold/oos/0")
        for column in ("used", "maintenance", "free", "fund"):
            assert [round(float(r[column]) * 1e6) for r in mine] == margin[column][:].tolist(), column
        posted = of("postings", next(p for p, f in zip(seeds, about) if f["strategy"] == "eightfold" and f["out_of_sample"] and f["insurance"] > 0))
        assert {"funding", "liquidation", "insurance"} <= {r["account"] for r in posted}, {r["account"] for r in posted}
        assert all((r["instrument"] == "") == (r["account"] == "insurance") == (r["position"] == "") for r in posted)
        own = of("executions", "unlevered/oos/0")
        half = record["unlevered/oos/0/executions"]["arrival_mid"][:]
        tick = record["instruments"]["tick_size"][0]
        assert [float(r["arrival_mid"] or "nan") for r in own if r["arrived"]] == [h * tick / 2 for h in half if h > -2**63], own[:2]
        for told in summary(folder, "perpetual")["strategies"]:
            folds = [f for f in about if f["strategy"] == told["name"] and f["out_of_sample"]]
            for key, column in (("funding", "funding"), ("liquidations", "liquidations"), ("liquidation_fees", "liquidation"), ("insurance", "insurance"), ("fees", "fees")):
                scale = 1 if key == "liquidations" else 1e6
                assert abs(told["account"][key] * scale - sum(f[column] for f in folds)) < 1, (told["name"], key, told["account"])
        page = (folder / "perpetual" / "report.html").read_text()
        assert re.search(r"folds? \d[\d, to]*: the account fell below its maintenance margin", page), "warnings lack their fold"
    with h5py.File(folder / "futures_roll" / "record.h5") as record:
        fills = record["hold/oos/0/fills"]
        at = [t for t in fills["time"][:] if t % (91 * 86_400_000_000_000) == 0]
        assert len(at) >= 2 * 3 * 18, len(at)   # out and in, of three contracts, in five years
    for where, value, words in (("/account/contracts/CRUDE/funding_rate", "0.1", "of kind perpetual"), ("/account/rates/EUR", '["GOLD"]', "account's own"),
                                ("/account/margin/offset", "2", "offset")):
        sets = ["--set", f"{where}={value}"] + (["--set", "/account/currency=EUR"] if "rates" in where else [])
        err = walras("check", ROOT / "scenarios" / "futures_roll.json", *sets, code=3, folder=folder)[1]
        assert words in err and where in err, err


@case
def market_maker(folder):
    """scenarios/market_maker.json runs with no data at all"""
    walras("run", ROOT / "scenarios" / "market_maker.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf")
    assert summary(folder)["strategies"]


@case
def lobster_replay(folder):
    """scenarios/lobster_replay.json replays a recorded day"""
    day = market_data("lobster") / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip"
    walras("run", ROOT / "scenarios" / "lobster_replay.json", "--set", f"/market/source/path={day}", "--out", folder / "out",
           "--ledger", folder / "ledger.h5", "--no-pdf")
    assert summary(folder)["strategies"]


def sp500():
    if not any(s["name"] == "sp500" for s in json.loads(walras("data", "show", "--json")[0])["sets"]):
        raise LeftOut("the data library has no sp500: walras data fetch sp500")


@case
def quickstart(folder):
    """scenarios/quickstart.json runs, and its verdict repeats that the companies were chosen with hindsight"""
    sp500()
    walras("run", ROOT / "scenarios" / "quickstart.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf")
    told = summary(folder)
    assert [s["folds"] >= 10 for s in told["strategies"]] == [True] * 3
    assert any("hindsight" in note for note in told["notes"]), told["notes"]


def learning():
    told = json.loads(walras("doctor", "--json")[0])["findings"]
    if not any(f["name"] == "networks and agents" and f["good"] for f in told):
        raise LeftOut("the learning plug-in is not built")


@case
def neural_quickstart(folder):
    """scenarios/neural_quickstart.json trains a network in every fold and trades on it"""
    learning()
    sp500()
    walras("run", ROOT / "scenarios" / "neural_quickstart.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf", timeout=600)
    assert summary(folder)["strategies"]


@case
def agent_quickstart(folder):
    """scenarios/agent_quickstart.json trains an agent and judges it on unseen markets"""
    learning()
    walras("run", ROOT / "scenarios" / "agent_quickstart.json", "--out", folder / "out", "--ledger", folder / "ledger.h5", "--no-pdf", timeout=600)
    assert summary(folder)["strategies"]


if __name__ == "__main__":
    main()

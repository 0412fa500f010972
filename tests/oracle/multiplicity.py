"""What independent programs make of many p-values and of a panel of trials: statsmodels (adaptive adjustments, local false
discovery rate), Bioconductor's qvalue, purgedcv and ffn (probability of backtest overfitting).

Prints the JSON that tests/data/multiplicity_oracle.json holds; tests/stats/multiplicity_oracle_test.cpp compares the C++ with it.
Needs: pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 purgedcv==0.1.11 ffn==1.4.1; apt-get install r-bioc-qvalue
"""
import json
import subprocess

import ffn
import numpy as np
import pandas as pd
import purgedcv
import scipy.stats
from statsmodels.stats.multitest import local_fdr, multipletests


def rounded(values):
    return [float(f"{v:.15g}") for v in np.ravel(values)]


def p_values():
    rng = np.random.default_rng(11)
    sets = [np.concatenate([rng.uniform(0, 0.004, 9), rng.uniform(0, 1, 31)]), rng.uniform(0, 1, 25), rng.uniform(0, 0.01, 30)]
    out = []
    for p in sets:
        p = np.round(rng.permutation(p), 6)
        entry = {"p": p.tolist()}
        for name, method, level in [("bky", "fdr_tsbky", .05), ("bh", "fdr_tsbh", .05), ("bky_10", "fdr_tsbky", .10), ("gbs", "fdr_gbs", .05)]:
            rejected, adjusted = multipletests(p, alpha=level, method=method)[:2]
            entry[name] = {"level": level, "adjusted": rounded(adjusted), "rejected": int(rejected.sum())}
        out.append(entry)
    return out


def q_values():
    rng = np.random.default_rng(12)
    p = np.round(np.concatenate([rng.beta(0.3, 8, 60), rng.uniform(0, 1, 140)]), 6)
    text = ",".join(repr(float(v)) for v in p)
    out = {"p": p.tolist()}
    for name, arguments in [("bootstrap", 'pi0.method="bootstrap"'), ("half", "lambda=0.5")]:
        program = f"library(qvalue); x <- qvalue(c({text}), {arguments}); cat(format(c(x$pi0, x$qvalues), digits=15))"
        values = [float(v) for v in subprocess.run(["Rscript", "-e", program], capture_output=True, text=True, check=True).stdout.split()]
        out[name] = {"true_share": values[0], "q": values[1:]}
    return out


def local_rates():
    rng = np.random.default_rng(13)
    z = np.round(np.concatenate([rng.normal(0, 1, 900), rng.normal(3, 1, 100)]), 6)
    return {"z": z.tolist(), "rates": rounded(local_fdr(z)), "degree_5": rounded(local_fdr(z, null_proportion=.9, deg=5, nbins=40))}


def overfitting():
    returns = np.random.default_rng(3).normal(.0004, .01, (500, 8))[:496]
    theirs = purgedcv.probability_of_backtest_overfitting(returns.T, n_splits=8)
    frame = pd.DataFrame(returns, index=pd.bdate_range("2020-01-01", periods=496))
    sharpe = purgedcv.probability_of_backtest_overfitting
    mean = sharpe(returns.T, n_splits=8, metric=lambda x: float(np.mean(x)))
    sortino = sharpe(returns.T, n_splits=8, metric=lambda x: float(np.mean(x) / np.sqrt(np.mean(np.minimum(x, 0) ** 2))))

    def one(result):
        inside, outside = result.is_oos_performance.T
        line = scipy.stats.linregress(inside, outside)
        return {"probability": float(np.mean(result.logits <= 0)), "mean_logit": float(result.logits.mean()),
                "slope": float(result.slope), "intercept": float(line.intercept), "r_squared": float(line.rvalue ** 2),
                "loss": float(np.mean(outside < 0)), "logits": rounded(np.sort(result.logits))}

    return {"returns": returns.T.round(17).tolist(), "sharpe": one(theirs), "mean": one(mean), "sortino": one(sortino),
            "ffn": float(ffn.calc_prob_backtest_overfitting(frame, n_blocks=8))}


def haircuts():
    """Harvey and Liu's two-sided p-value and the ratio that has a Bonferroni-adjusted one, written out with scipy."""
    out = []
    for sharpe, years, rho, tests in [(1.0, 10, .1, 100), (2.0, 8, -.15, 20), (0.8, 20, 0, 5)]:
        q, n = 12, years * 12
        corrected = sharpe * (1 + 2 * rho / (1 - rho) * (1 - (1 - rho ** q) / (q * (1 - rho)))) ** -.5
        p = 2 * scipy.stats.t.sf(corrected / np.sqrt(q) * np.sqrt(n), n - 1)
        adjusted = min(1, tests * p)
        left = scipy.stats.t.isf(adjusted / 2, n - 1) / np.sqrt(n) * np.sqrt(q)
        out.append({"sharpe": sharpe, "n": n, "rho": rho, "tests": tests, "corrected": corrected, "p": p, "adjusted": adjusted,
                    "left": left, "haircut": 1 - left / corrected})
    return out


if __name__ == "__main__":
    print(json.dumps({"p_values": p_values(), "q_values": q_values(), "local_fdr": local_rates(), "overfitting": overfitting(),
                      "haircuts": haircuts()}))

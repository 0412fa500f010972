"""What independent libraries make of small inputs: bootstrap indices of arch, multiple testing and long-run variances of
statsmodels, moments and exact permutation tests of scipy, and the probability of backtest overfitting written out.

Prints the JSON that tests/data/statistics_oracle.json holds; tests/stats/oracle_test.cpp compares the C++ with it. Random
streams are never compared: indices, p-values and returns are kept with the results.
Needs: pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 arch==8.0.0
"""
import itertools
import json

import numpy as np
import scipy.stats
import statsmodels.api as sm
from arch.bootstrap import StationaryBootstrap
from statsmodels.stats.multitest import multipletests


def bootstrap():
    rng = np.random.default_rng(1)
    x = rng.normal(0.001, 0.01, (60, 3))
    sampler = StationaryBootstrap(5, x, seed=2)
    indices, means, sharpes = [], [], []
    for (data,), _ in sampler.bootstrap(40):
        indices.append(sampler.index.tolist())
        means.append(data.mean(0).tolist())
        sharpes.append((data.mean(0) / data.std(0, ddof=1)).tolist())
    return {"series": x.T.tolist(), "indices": indices, "means": means, "sharpes": sharpes,
            "mean_intervals": np.percentile(np.array(means), [2.5, 97.5], axis=0).T.tolist()}


def multiple_testing():
    rng = np.random.default_rng(3)
    p = np.concatenate([rng.uniform(0, 0.01, 6), rng.uniform(0, 1, 19)])
    rng.shuffle(p)
    methods = ["bonferroni", "sidak", "holm", "holm-sidak", "simes-hochberg", "hommel", "fdr_bh", "fdr_by"]
    return {"p": p.tolist(), "adjusted": {m: multipletests(p, method=m)[1].tolist() for m in methods}}


def dependence():
    rng = np.random.default_rng(4)
    x = rng.normal(size=80)
    for t in range(1, 80):
        x[t] += 0.4 * x[t - 1]
    fit = sm.OLS(x, np.ones(80)).fit(cov_type="HAC", cov_kwds={"maxlags": 6, "use_correction": False})
    return {"x": x.tolist(), "lags": 6, "long_run_variance": float(fit.cov_params()[0, 0]) * 80,
            "autocovariance": sm.tsa.stattools.acovf(x, fft=False, nlag=5).tolist(),
            "skewness": float(scipy.stats.skew(x)), "raw_kurtosis": float(scipy.stats.kurtosis(x, fisher=False))}


def permutations():
    x, y = [1.2, -0.3, 2.2, 0.7, 1.9, 0.4], [0.1, -1.1, 0.6, 0.9, -0.2]
    two = scipy.stats.permutation_test((x, y), lambda a, b: abs(np.mean(a) - np.mean(b)), alternative="greater", n_resamples=np.inf)
    one = scipy.stats.permutation_test((x,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf)
    return {"x": x, "y": y, "two_samples": float(two.pvalue), "sign_flips": float(one.pvalue)}


def overfitting():
    returns = np.random.default_rng(3).normal(.0004, .01, (500, 8))[:496]
    blocks = returns.reshape(8, 62, 8)
    logits = []
    for chosen in itertools.combinations(range(8), 4):
        rest = [b for b in range(8) if b not in chosen]
        inside, outside = (np.concatenate([blocks[b] for b in half]) for half in (chosen, rest))
        best = np.argmax(inside.mean(0) / inside.std(0))
        rank = scipy.stats.rankdata(outside.mean(0) / outside.std(0))[best] / 9
        logits.append(np.log(rank / (1 - rank)))
    return {"returns": returns.T.tolist(), "probability": float(np.mean(np.array(logits) <= 0)), "mean_logit": float(np.mean(logits))}


print(json.dumps({"bootstrap": bootstrap(), "multiple_testing": multiple_testing(), "dependence": dependence(),
                  "permutations": permutations(), "overfitting": overfitting()}))

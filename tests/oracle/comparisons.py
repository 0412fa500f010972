"""What independent code makes of small inputs to the resampling and comparison tests: intervals and the model confidence set
of arch from its own indices (never its random stream), exact permutation tests and tails of scipy, the Ledoit-Wolf standard
error, the Giacomini-White statistic and the superior-ability counts written out with numpy.

Prints the JSON that tests/data/comparison_oracle.json holds; tests/stats/comparison_oracle_test.cpp compares the C++ with it.
Needs: pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 arch==8.0.0
"""
import json

import numpy as np
import scipy.stats
from arch.bootstrap import MCS, CircularBlockBootstrap, IIDBootstrap, MovingBlockBootstrap, StationaryBootstrap


def sharpe(x):
    return x.mean(0) / x.std(0, ddof=1)


def intervals():
    """arch's intervals of a Sharpe ratio and a mean, from indices that both sides are given."""
    x = np.random.default_rng(11).standard_t(5, 90) * 0.01 + 0.001
    schemes = {"independent": lambda seed: IIDBootstrap(x, seed=seed), "moving": lambda seed: MovingBlockBootstrap(6, x, seed=seed),
               "circular": lambda seed: CircularBlockBootstrap(6, x, seed=seed),
               "stationary": lambda seed: StationaryBootstrap(6, x, seed=seed)}
    result = {"x": x.tolist(), "schemes": {}}
    for name, make in schemes.items():
        sampler = make(5)
        indices = []
        for _ in sampler.bootstrap(80):
            index = sampler.index
            indices.append(np.asarray(index[0] if isinstance(index, tuple) and len(index) == 1 else index).ravel().tolist())
        bounds = {}
        for method in ["percentile", "basic", "norm", "bc", "bca"]:
            if method == "bca" and name != "independent":
                continue   # arch leaves out points, not blocks
            for label, function in [("mean", lambda v: v.mean()), ("sharpe", sharpe)]:
                bounds[f"{method} {label}"] = make(5).conf_int(function, reps=80, method=method).ravel().tolist()
        result["schemes"][name] = {"indices": indices, "bounds": bounds}
    return result


def model_confidence_set():
    losses = np.random.default_rng(12).normal(1, 1, (120, 6)) + np.array([0, 0.05, 0.1, 0.25, 0.5, 0.9])
    result = {"losses": losses.T.tolist(), "methods": {}}
    for method in ["R", "max"]:
        mcs = MCS(losses, size=0.1, reps=120, block_size=5, method=method, seed=3)
        mcs.compute()
        table = mcs.pvalues
        result["methods"][method] = {"indices": [np.asarray(i).ravel().tolist() for i in mcs._bootstrap_indices],
                                     "order": [int(i) for i in table.index], "p": [float(v) for v in table.Pvalue]}
    return result


def superior():
    """Exceedances counted with plain loops over given indices."""
    rng = np.random.default_rng(13)
    n, k, replicates, q = 150, 7, 160, 1 / 6
    excess = rng.normal(0, 1, (n, k)) * np.array([1, 1, 1, 2, 1, 1, 50]) + np.array([0.1, 0.05, 0, -0.4, -0.02, -0.9, 0])
    sampler = StationaryBootstrap(6, np.arange(n), seed=4)
    indices = [sampler.index.tolist() for _ in sampler.bootstrap(replicates)]
    mean = excess.mean(0)
    centred = excess - mean
    omega = []
    for j in range(k):
        gamma = lambda i: (centred[i:, j] @ centred[:n - i, j]) / n
        kappa = lambda i: (n - i) / n * (1 - q) ** i + i / n * (1 - q) ** (n - i)
        omega.append(np.sqrt(gamma(0) + 2 * sum(kappa(i) * gamma(i) for i in range(1, n))))
    omega = np.array(omega)
    t = np.sqrt(n) * mean / omega
    statistic = max(0, t.max())
    guards = {"lower": np.maximum(mean, 0), "consistent": mean * (t >= -np.sqrt(2 * np.log(np.log(n)))), "upper": mean}
    counts = {name: 0 for name in guards} | {"raw": 0}
    for index in indices:
        moved = np.array([np.mean([excess[i, j] for i in index]) for j in range(k)])
        for name, guard in guards.items():
            counts[name] += max(0, (np.sqrt(n) * (moved - guard) / omega).max()) >= statistic
        counts["raw"] += (moved - mean).max() >= mean.max()
    return {"excess": excess.T.tolist(), "block": 6, "indices": indices, "omega": omega.tolist(), "statistic": float(statistic),
            "counts": {name: int(v) for name, v in counts.items()}, "raw_statistic": float(np.sqrt(n) * mean.max())}


def quadratic_spectral(x):
    a = 6 * np.pi * x / 5
    return 25 / (12 * np.pi ** 2 * x ** 2) * (np.sin(a) / a - np.cos(a))


def ledoit_wolf():
    rng = np.random.default_rng(14)
    n = 240
    common = rng.standard_t(6, n) * 0.01
    a, b = common + rng.normal(0.001, 0.006, n), 0.7 * common + rng.normal(0.0002, 0.009, n)
    for t in range(1, n):
        a[t] += 0.2 * a[t - 1]
    za, zb = (a - a.mean()) / a.std(), (b - b.mean()) / b.std()
    y = np.stack([za, zb, za ** 2 - 1, zb ** 2 - 1])
    lag = y[:, 1:] @ y[:, :-1].T @ np.linalg.inv(y[:, :-1] @ y[:, :-1].T)
    u, s, v = np.linalg.svd(lag)
    lag = u @ np.diag(np.minimum(s, 0.97)) @ v
    residual = y[:, 1:] - lag @ y[:, :-1]
    m = residual.shape[1]
    top = bottom = 0
    for row in residual:
        rho = np.clip(row[1:] @ row[:-1] / (row[:-1] @ row[:-1]), -0.97, 0.97)
        fourth = np.mean((row[1:] - rho * row[:-1]) ** 2) ** 2
        top += 4 * rho ** 2 * fourth / (1 - rho) ** 8
        bottom += fourth / (1 - rho) ** 4
    width = 1.3221 * (top / bottom * m) ** 0.2
    centred = residual - residual.mean(1, keepdims=True)
    psi = centred @ centred.T / m
    for j in range(1, m):
        if j > 60 * width:
            break
        gamma = centred[:, j:] @ centred[:, :-j].T / m
        psi += quadratic_spectral(j / width) * (gamma + gamma.T)
    colour = np.linalg.inv(np.eye(4) - lag)
    sa, sb = sharpe(a), sharpe(b)
    gradient = np.array([1, -1, -sa / 2, sb / 2])
    error = np.sqrt(gradient @ colour @ psi @ colour.T @ gradient / (n - 4))
    sampler = CircularBlockBootstrap(8, np.arange(n), seed=6)
    indices = [sampler.index.tolist() for _ in sampler.bootstrap(80)]
    reached = 0
    for index in indices:
        index = np.array(index)
        x, w = a[index], b[index]
        zx, zw = (x - x.mean()) / x.std(), (w - w.mean()) / w.std()
        rx, rw = x.mean() / x.std(), w.mean() / w.std()
        influence = zx - rx / 2 * (zx ** 2 - 1) - zw + rw / 2 * (zw ** 2 - 1)
        cuts = np.flatnonzero(np.diff(index) % n != 1) + 1
        block_sums = np.array([part.sum() for part in np.split(influence, cuts)])
        star = np.abs(sharpe(x) - sharpe(w) - (sa - sb)) / (np.sqrt((block_sums ** 2).sum()) / n)
        reached += star >= abs(sa - sb) / error
    rho = np.corrcoef(a, b)[0, 1]
    memmel = np.sqrt((2 * (1 - rho) + (sa ** 2 + sb ** 2 - 2 * sa * sb * rho ** 2) / 2) / n)
    return {"a": a.tolist(), "b": b.tolist(), "difference": float(sa - sb), "error": float(error), "indices": indices,
            "reached": int(reached), "memmel_p": float(2 * scipy.stats.norm.sf(abs(sa - sb) / memmel))}


def giacomini_white():
    rng = np.random.default_rng(15)
    n = 100
    a, b = rng.normal(0, 1, n) ** 2, rng.normal(0.2, 1.1, n) ** 2
    d = a - b
    result = {"a": a.tolist(), "b": b.tolist(), "horizons": []}
    for horizon in (1, 3):
        z = np.stack([np.ones(n - horizon), d[:-horizon]], 1) * d[horizon:, None]
        rows = len(z)
        omega = z.T @ z / rows
        for lag in range(1, horizon):
            gamma = z[lag:].T @ z[:-lag] / rows
            omega += (1 - lag / horizon) * (gamma + gamma.T)
        statistic = rows * z.mean(0) @ np.linalg.solve(omega, z.mean(0))
        result["horizons"].append({"horizon": horizon, "statistic": float(statistic), "p": float(scipy.stats.chi2.sf(statistic, 2))})
    return result


def permutations():
    rng = np.random.default_rng(16)
    x, y = rng.normal(0.5, 1, 6).round(3), rng.normal(0, 1, 6).round(3)
    difference = lambda a, b: np.mean(a) - np.mean(b)
    correlation = lambda a, b: np.corrcoef(a, b)[0, 1]
    result = {"x": x.tolist(), "y": y.tolist(), "cases": []}
    for kind, statistic in [("samples", difference), ("independent", difference), ("pairings", correlation)]:
        for alternative in ["greater", "less", "two-sided"]:
            data = (x, y)
            p = scipy.stats.permutation_test(data, statistic, permutation_type=kind, alternative=alternative, n_resamples=np.inf).pvalue
            result["cases"].append({"kind": kind, "alternative": alternative, "p": float(p)})
    # ties: many statistics are equal to the observed one
    tied = scipy.stats.permutation_test(([1, 2, 2, 3], [2, 2, 3, 4]), difference, permutation_type="samples", n_resamples=np.inf).pvalue
    return result | {"tied": float(tied)}


def tails():
    points = [(-7.5, 3), (-1, 1), (0, 5), (0.3, 2.5), (2, 30), (40, 4), (12, 1000)]
    return {"student": [[t, d, float(scipy.stats.t.sf(t, d))] for t, d in points],
            "chi_squared": [[x, d, float(scipy.stats.chi2.sf(x, d))] for x, d in [(0, 2), (0.5, 1), (5.99, 2), (80, 3), (3, 10)]]}


def acceleration():
    x = np.random.RandomState(42).multivariate_normal([8, 4], np.eye(2), 20)
    left = np.array([np.delete(x, i, 0).mean(0) for i in range(20)])
    return {"x": x.T.tolist(), "ratios": (left[:, 1] / left[:, 0]).tolist()}


def posterior():
    """The marginal posterior of one ratio is exact: (x / s) sqrt(chi-squared / (n - 1)) + z / sqrt(n)."""
    rng = np.random.default_rng(17)
    common = rng.normal(0, 0.01, 60)
    a, b = common + rng.normal(0.002, 0.01, 60), common + rng.normal(0.0005, 0.01, 60)
    draws = np.random.default_rng(18)
    s = np.cov(a, b, ddof=1)
    sigma = scipy.stats.invwishart(df=59, scale=59 * s).rvs(400_000, random_state=draws)
    factor = np.linalg.cholesky(sigma)
    mean = np.array([a.mean(), b.mean()]) + np.einsum("nij,nj->ni", factor, draws.normal(size=(400_000, 2))) / np.sqrt(60)
    ratios = mean / np.sqrt(np.stack([sigma[:, 0, 0], sigma[:, 1, 1]], 1))
    apart = ratios[:, 0] - ratios[:, 1]
    return {"a": a.tolist(), "b": b.tolist(), "mean": float(apart.mean()), "larger": float((apart > 0).mean()),
            "low": float(np.quantile(apart, 0.025)), "high": float(np.quantile(apart, 0.975))}


if __name__ == "__main__":
    everything = {"intervals": intervals(), "model_confidence_set": model_confidence_set(), "superior": superior(),
                  "ledoit_wolf": ledoit_wolf(), "giacomini_white": giacomini_white(), "permutations": permutations(),
                  "tails": tails(), "acceleration": acceleration(), "posterior": posterior()}
    print(json.dumps(everything, separators=(",", ":")))

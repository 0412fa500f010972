"""Factor regressions as statsmodels makes them: least squares with errors of Newey and West.

Prints the JSON that tests/data/attribution_oracle.json holds; tests/stats/attribution_test.cpp compares the C++ with it.
The second part is a fund's worth of nothing but its formula: monthly returns made from the published factors by fixed
weights and a deterministic wave, so that only the fit is stored, not the market data.
Run with python -P (statistics.py beside it would stand before the standard one). Needs: pip install numpy pandas statsmodels
The published factors: python -P attribution.py FOLDER, where FOLDER holds ff3_monthly_1926-2018.csv.gz
"""
import json
import sys

import numpy as np
import pandas as pd
import statsmodels.api as sm


def fit(y, x, lags):
    model = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True)
    interval = np.asarray(model.conf_int())
    return {"lags": lags, "coefficients": np.asarray(model.params).tolist(), "errors": np.asarray(model.bse).tolist(),
            "p_values": np.asarray(model.pvalues).tolist(), "low": interval[:, 0].tolist(), "high": interval[:, 1].tolist(),
            "r_squared": float(model.rsquared), "adjusted_r_squared": float(model.rsquared_adj)}


rng = np.random.default_rng(21)
n = 150
x = np.round(rng.normal(0.0005, 0.01, (n, 3)), 6)
noise = rng.normal(0, 0.006, n)
for t in range(1, n):
    noise[t] += 0.4 * noise[t - 1]
y = np.round(0.0002 + x @ [0.9, 0.3, -0.2] + noise, 6)
out = {"small": {"y": y.tolist(), "x": x.T.tolist(), **fit(y, x, 4)}}

frame = pd.read_csv(f"{sys.argv[1]}/ff3_monthly_1926-2018.csv.gz")
frame.columns = [name.strip() for name in frame.columns]
factors = frame[["Mkt-RF", "SMB", "HML"]].to_numpy() / 100
wave = 0.004 * np.sin(np.arange(len(factors)) * 0.7)
fund = 0.001 + factors @ [1.1, 0.4, -0.25] + wave
out["french"] = {"rows": len(factors), **fit(fund, factors, int(np.floor(4 * (len(factors) / 100) ** (2 / 9))))}
print(json.dumps(out))

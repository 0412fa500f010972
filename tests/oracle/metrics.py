"""What independent libraries make of small return series: empyrical-reloaded, skfolio, ffn, quantstats (where it is right),
scipy and statsmodels.

Prints the JSON that tests/data/metrics_oracle.json holds; tests/stats/metrics_oracle_test.cpp compares the C++ with it.
Series and results are kept together: no random stream is ever compared.
Run with python -P (statistics.py beside it would stand before the standard one).
Needs: pip install numpy pandas scipy statsmodels empyrical-reloaded skfolio ffn quantstats
"""
import json
import warnings

import empyrical as ep
import ffn
import numpy as np
import pandas as pd
import quantstats.stats as qs
import scipy.stats
import skfolio.measures as sk
import statsmodels.api as sm
from statsmodels.stats.diagnostic import acorr_ljungbox

warnings.filterwarnings("ignore")
rng = np.random.default_rng(11)
N = 400                                        # so that 5 % are 20 whole observations
b = np.round(0.0004 + 0.010 * rng.standard_t(5, N) / np.sqrt(5 / 3), 6)
x = np.round(0.0003 + 0.6 * b + 0.006 * rng.standard_normal(N), 6)
dates = pd.bdate_range("2020-01-01", periods=N)
rx, rb = pd.Series(x, dates), pd.Series(b, dates)
falls = 1 - np.cumprod(1 + x) / np.maximum.accumulate(np.concatenate([[1], np.cumprod(1 + x)]))[1:]
RF = 0.0001                                    # a period

empyrical = {
    "total_return": ep.cum_returns_final(rx), "max_drawdown": -ep.max_drawdown(rx), "volatility": ep.annual_volatility(rx),
    "sharpe": ep.sharpe_ratio(rx), "sortino": ep.sortino_ratio(rx), "downside_deviation": ep.downside_risk(rx),
    "omega": ep.omega_ratio(rx), "tail_ratio": ep.tail_ratio(rx), "beta": ep.beta(rx, rb), "cagr_periods": ep.cagr(rx),
    "var_historical": -ep.value_at_risk(rx), "cvar_historical": -ep.conditional_value_at_risk(rx),
    "beta_up": ep.up_alpha_beta(rx, rb)[1], "beta_down": ep.down_alpha_beta(rx, rb)[1],
    "batting_average": ep.batting_average(rx, rb)["batting average"],
}
skfolio = {
    "mean_absolute_deviation": sk.mean_absolute_deviation(x), "downside_potential": sk.first_lower_partial_moment(x, min_acceptable_return=0.0),
    "fourth_central_moment": sk.fourth_central_moment(x), "fourth_lower_moment": sk.fourth_lower_partial_moment(x, min_acceptable_return=0.0),
    "cvar_historical": sk.cvar(x), "entropic_risk": sk.entropic_risk_measure(x), "evar": sk.evar(x),
    "gini_mean_difference": sk.gini_mean_difference(x),
    # on the compounded curve, whose falls are fractions of the peak
    "cdar": sk.cvar(-falls), "edar": sk.evar(-falls),
}
ratios = {"cvar_ratio": x.mean() / sk.cvar(x), "evar_ratio": x.mean() / sk.evar(x), "mean_absolute_deviation_ratio": x.mean() / sk.mean_absolute_deviation(x),
          "gini_ratio": x.mean() / sk.gini_mean_difference(x), "worst_period_ratio": x.mean() / sk.worst_realization(x)}
quantstats = {
    "outlier_win": qs.outlier_win_ratio(rx), "outlier_loss": qs.outlier_loss_ratio(rx), "gain_to_pain": qs.gain_to_pain_ratio(rx), "payoff": qs.payoff_ratio(rx),
    "kelly_binary": qs.kelly_criterion(rx), "hit_rate": qs.win_rate(rx), "average_win": qs.avg_win(rx), "average_loss": -qs.avg_loss(rx),
    "bernardo_ledoit": qs.profit_factor(rx), "cpc_index": qs.cpc_index(rx), "common_sense": qs.common_sense_ratio(rx), "r_squared": qs.r_squared(rx, rb),
    "consecutive_wins": qs.consecutive_wins(rx), "consecutive_losses": qs.consecutive_losses(rx), "geometric_mean": qs.geometric_mean(rx),
    "ulcer_index": float(np.sqrt((falls ** 2).sum() / N)),
}
prices = (1 + rx).cumprod()
prices = pd.concat([pd.Series([1.0], [dates[0] - pd.Timedelta(days=1)]), prices])
stats = ffn.PerformanceStats(prices)
ffn_part = {"total_return": stats.total_return, "max_drawdown": -stats.max_drawdown}

losses = np.sort(-x)
u = -np.quantile(x, 0.10)
shape, _, scale = scipy.stats.genpareto.fit((losses[losses > u] - u), floc=0)
big = np.round(scipy.stats.genpareto.rvs(0.25, scale=0.02, size=300, random_state=5), 8)
big_shape, _, big_scale = scipy.stats.genpareto.fit(big, floc=0)
tests = {"jarque_bera": [float(v) for v in scipy.stats.jarque_bera(x)],
         "ljung_box": [float(v) for v in acorr_ljungbox(x, lags=[6]).iloc[0]],
         "ljung_box_squares": [float(v) for v in acorr_ljungbox((x - x.mean()) ** 2, lags=[6]).iloc[0]],
         "chi_square": [[q, d, float(scipy.stats.chi2.sf(q, d))] for q, d in [(0.5, 1), (3.84, 1), (30, 6), (0, 3)]],
         "student": [[t, d, float(2 * scipy.stats.t.sf(t, d))] for t, d in [(0.3, 2), (2.1, 17), (6, 400.5)]]}
timing = {"treynor_mazuy": sm.OLS(x - RF, np.column_stack([np.ones(N), b - RF, (b - RF) ** 2])).fit().params[2],
          "henriksson_merton": sm.OLS(x - RF, np.column_stack([np.ones(N), b - RF, np.maximum(RF - b, 0)])).fit().params[2]}


def plain(values):
    return {name: float(value) for name, value in values.items()}


print(json.dumps({
    "returns": x.tolist(), "benchmark": b.tolist(), "risk_free_a_period": RF,
    "empyrical": plain(empyrical), "skfolio": plain(skfolio), "skfolio_ratios": plain(ratios), "quantstats": plain(quantstats),
    "ffn": plain(ffn_part), "timing": plain(timing), "tests": tests,
    "pareto": {"excesses": big.tolist(), "shape": float(big_shape), "scale": float(big_scale),
               "log_likelihood": float(scipy.stats.genpareto.logpdf(big, big_shape, 0, big_scale).sum()),
               "own_shape": float(shape), "own_scale": float(scale)}}))

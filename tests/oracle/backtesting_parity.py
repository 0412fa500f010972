"""What backtesting.py 0.6.6 makes of a moving-average crossover with a fixed size on its own EURUSD and BTCUSD bars.

Prints the JSON that tests/data/backtesting_parity.json holds; tests/scenarios/parity_test.cpp plays the same rule through the
engine and compares every trade and the final equity to the cent. Needs: pip install backtesting==0.6.6
"""
import json
import sys
import warnings

import pandas as pd

warnings.filterwarnings("ignore")
from backtesting import Backtest, Strategy  # noqa: E402
from backtesting.lib import crossover  # noqa: E402
from backtesting.test import BTCUSD, EURUSD  # noqa: E402


def sma(values, n):
    return pd.Series(values).rolling(n).mean()


def play(bars, fast, slow, units, cash, commission):
    class Crossover(Strategy):
        def init(self):
            self.fast = self.I(sma, self.data.Close, fast)
            self.slow = self.I(sma, self.data.Close, slow)

        def next(self):
            if crossover(self.fast, self.slow):
                self.position.close()
                self.buy(size=units)
            elif crossover(self.slow, self.fast):
                self.position.close()
                self.sell(size=units)

    test = Backtest(bars, Crossover, cash=cash, commission=commission, finalize_trades=False)
    stats = test.run()
    trades = stats["_trades"]  # closed ones; the last position stays open and is marked at the last close
    return {
        "fast": fast, "slow": slow, "units": units, "cash": cash, "commission": commission,
        "bars": len(bars),
        "final_equity": float(stats["Equity Final [$]"]),
        "commissions": float(stats["Commissions [$]"]),
        "trades": [[int(t.EntryBar), int(t.ExitBar), int(t.Size), float(t.EntryPrice), float(t.ExitPrice), float(t.PnL)]
                   for t in trades.itertuples()],
    }


result = {
    "source": "backtesting 0.6.6 (PyPI), tests/oracle/backtesting_parity.py",
    "eurusd": play(EURUSD, 10, 30, 10_000, 100_000, 0.0002),
    "btcusd": play(BTCUSD, 3, 8, 2, 1_000_000, 0.001),
}
json.dump(result, sys.stdout, separators=(",", ":"))

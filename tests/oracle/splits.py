"""Cross-validation indices as skfolio makes them: combinatorial purged splits and walk-forward.

Prints the JSON that tests/data/splits_oracle.json holds; tests/stats/cross_validation_test.cpp compares the C++ with it.
Run with python -P (statistics.py beside it would stand before the standard one). Needs: pip install numpy skfolio
"""
import json

import numpy as np
from skfolio.model_selection import CombinatorialPurgedCV, WalkForward

combinatorial, forward = [], []
for n, folds, tested, purge, embargo in [(12, 3, 2, 0, 0), (12, 3, 2, 1, 0), (12, 3, 2, 0, 1), (12, 5, 2, 0, 0), (53, 6, 2, 2, 3), (80, 8, 3, 1, 2), (47, 5, 4, 2, 0), (60, 10, 2, 0, 4)]:
    cv = CombinatorialPurgedCV(n_folds=folds, n_test_folds=tested, purged_size=purge, embargo_size=embargo)
    splits = [{"train": np.asarray(train).tolist(), "tests": [np.asarray(t).tolist() for t in tests]} for train, tests in cv.split(np.zeros((n, 1)))]
    combinatorial.append({"n": n, "folds": folds, "tested": tested, "purge": purge, "embargo": embargo, "splits": splits,
                          "paths": np.asarray(cv.get_path_ids()).tolist()})
for n, train, test, gap, anchored in [(50, 20, 5, 0, False), (50, 20, 5, 3, False), (47, 15, 8, 2, True)]:
    cv = WalkForward(test_size=test, train_size=train, purged_size=gap, expand_train=anchored) if "expand_train" in WalkForward.__init__.__code__.co_varnames else \
        WalkForward(test_size=test, train_size=train, purged_size=gap, expend_train=anchored)
    forward.append({"n": n, "train": train, "test": test, "gap": gap, "anchored": anchored,
                    "splits": [[int(a[0]), int(a[-1]) + 1, int(b[0]), int(b[-1]) + 1] for a, b in cv.split(np.zeros((n, 1)))]})
print(json.dumps({"combinatorial": combinatorial, "walk_forward": forward}))

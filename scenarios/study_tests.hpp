#pragma once
// What the scenario asks about the study as a whole, beside what is judged of each strategy.
#include "scenarios/judge.hpp"

namespace walras::scenarios {

/// Appends to judged.study one figure or more for each of "evidence"."tests" and the null worlds, over those trials of the ledger
/// that share this run's out-of-sample periods, and sets judged.overfitting. Needs strategies, ledger, verdict and null worlds.
void add_study_tests(const Setup& setup, Judged& judged);

}  // namespace walras::scenarios

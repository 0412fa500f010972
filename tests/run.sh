#!/usr/bin/env bash
# The test-suite, after set-up: tests/run.sh [--full] [NAME...]. One gcc build with every unit and golden test and
# the checks; the book and the readers again under address and undefined-behaviour sanitizers. --full adds the
# slow, oracle and fuzz suites, the thread sanitizer and the second compiler. NAMEs pick tests of the first build.
# The last line is "N passed, N failed"; it counts test cases.
set -uo pipefail
cd "$(dirname "$0")/.."
full=
names=()
for word in "$@"; do
  case $word in
    --full) full=1 ;;
    -*) echo "walras test: expected --full or names of tests, was '$word'" >&2; exit 2 ;;
    *) names+=("$word") ;;
  esac
done
logs=()
failures=0

step() { printf '\n== %s\n' "$*" >&2; }

# setup FOLDER OPTION...: configures a build folder once.
setup() {
  local folder=$1
  shift
  [ -e "$folder/build.ninja" ] && { [ $# -eq 0 ] || meson configure "$folder" "$@" >/dev/null; return; }
  meson setup "$folder" "$@" >"$folder.log" 2>&1 || { tail -n 25 "$folder.log"; return 1; }
}

# suite FOLDER LABEL ARGUMENT...: builds what the tests need and runs them.
suite() {
  local folder=$1 label=$2
  shift 2
  local log=$folder/meson-logs/$label.json
  rm -f "$log"
  logs+=("$log")
  meson test -C "$folder" --logbase "$label" --print-errorlogs --timeout-multiplier 4 "$@"
}

step "gcc: unit and golden tests, and the checks"
if setup build -Dtorch=enabled -Dtests=enabled -Dcuda=enabled; then
  touch build/.with-torch
  if [ ${#names[@]} -gt 0 ]; then
    suite build named "${names[@]}"
  elif ninja -C build program learning; then
    # The quickstart's data, as the launcher brings it for a user. Hidden commands take their words as they are: no "--".
    build/scenarios/walras needs run scenarios/quickstart.json | while read -r what name; do
      if [ "$what" = data ]; then build/scenarios/walras data fetch "$name" || exit 1; fi
    done || failures=$((failures + 1))
    suite build unit --no-suite slow --no-suite oracle --no-suite fuzz
  else
    failures=$((failures + 1))
  fi
else
  failures=$((failures + 1))
fi

if [ ${#names[@]} -eq 0 ]; then
  step "gcc, address and undefined-behaviour sanitizers: the book and the readers"
  if setup build-asan -Dtests=enabled -Db_sanitize=address,undefined -Db_lundef=false -Dtorch=disabled -Dcuda=disabled -Dbuildtype=debugoptimized; then
    suite build-asan asan --no-suite slow --no-suite oracle --no-suite fuzz base book data
  else
    failures=$((failures + 1))
  fi
fi

if [ -n "$full" ] && [ ${#names[@]} -eq 0 ]; then
  step "gcc: slow and oracle suites, fuzz corpora"
  suite build slow --suite slow --suite oracle --suite fuzz
  step "gcc, thread sanitizer: loops, folds and simulations"
  setup build-tsan -Dtests=enabled -Db_sanitize=thread -Db_lundef=false -Dtorch=disabled -Dcuda=disabled -Dbuildtype=debugoptimized &&
    suite build-tsan tsan --no-suite slow --no-suite oracle --no-suite fuzz base engine scenarios || failures=$((failures + 1))
  step "clang: the whole again without networks, and the fuzz targets"
  CC=clang CXX=clang++ setup build-clang -Dtests=enabled -Dtorch=disabled -Dcuda=disabled -Dfuzz=enabled -Db_lundef=false &&
    ninja -C build-clang program && suite build-clang clang --no-suite slow --no-suite oracle || failures=$((failures + 1))
fi

exec python3 tests/tally.py --broken-builds "$failures" "${logs[@]}"

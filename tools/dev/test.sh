# ./dev test: checks, unit tests, simulation, fuzzers, system tests: one table and one closing line.

RESULTS=  # file of "NAME PASSED FAILED SKIPPED" lines, one per kind of test

record() { printf '%s %d %d %d\n' "$@" >>"$RESULTS"; }

# check NAME COMMAND...: a pass or a fail by its exit status.
check() {
  local name="$1"
  if phase "$@"; then record "${name// /-}" 1 0 0; else record "${name// /-}" 0 1 0; fi
}

# Python tests of the scripts themselves.
tool_tests() {
  local log="$ROOT/build/tool_tests.log" status ran bad
  (cd "$ROOT/tools" && "$PYTHON" -m unittest discover -p '*_test.py') >"$log" 2>&1
  status=$?
  ran="$(sed -nE 's/^Ran ([0-9]+) tests?.*/\1/p' "$log")"
  bad="$(sed -nE 's/^FAILED \((.*)\)$/\1/p' "$log" | tr ',' '\n' | sed -E 's/[^0-9]//g' | awk '{ s += $1 } END { print s + 0 }')"
  if ((status)); then
    cat "$log" >&2
    ((bad)) || bad=1
  fi
  record tools $((${ran:-0} > bad ? ${ran:-0} - bad : 0)) "$bad" 0
  return $status
}

# unit_tests PRESET FILTER: every test program of the build, in parallel; counts the cases of each.
unit_tests() {
  local preset="$1" filter="$2" dir="$ROOT/build/$1" status
  local reports="$dir/test-reports"
  local -a launch=()
  rm -rf "$reports" && mkdir -p "$reports" || return 1
  # ThreadSanitizer of g++ 12 cannot map its shadow under the widest address randomisation of new kernels.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then launch=(setarch "$(uname -m)" -R); fi
  GTEST_OUTPUT="xml:$reports/" GTEST_COLOR=no \
    TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}" \
    UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}" \
    "${launch[@]}" ctest --test-dir "$dir" -j "$JOBS" --output-on-failure --no-tests=error \
    --output-junit "$reports/ctest.junit" ${filter:+-R "$filter"}
  status=$?
  if ! "$PYTHON" "$ROOT/tools/test_report.py" "$reports" >"$reports/counts"; then
    record "unit-$preset" 0 1 0
    return 1
  fi
  record "unit-$preset" $(<"$reports/counts")
  return $status
}

# The system tests close with a line "N passed, M failed[, K skipped]" of their own, which is read here.
system_tests() {
  local log="$ROOT/build/system_tests.log" status counts passed failed skipped
  CONCLAVE="$ROOT/build/release/conclave" BUILD="$ROOT/build/release" PYTHON="$PYTHON" \
    "$ROOT/tests/system/run" </dev/null 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  counts="$(sed -nE 's/^([A-Za-z]+: )?([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\2 \3 \5/p' "$log" | tail -n 1)"
  read -r passed failed skipped <<<"${counts:-0 0 0}"
  if ((status != 0 && ${failed:-0} == 0)) || [[ -z $counts ]]; then
    say "the system tests exited with $status without counting a failure"
    failed=$((${failed:-0} + 1)) status=1
  fi
  record system "${passed:-0}" "${failed:-0}" "${skipped:-0}"
  return $status
}

coverage_gate() {
  local dir="$ROOT/build/coverage"
  (cd "$ROOT" && gcovr --root . --object-directory build/coverage -j "$JOBS" --filter 'src/' \
    --exclude '.*_test\.cc$' --exclude '.*/testing[^/]*(/.*)?$' --exclude-throw-branches \
    --json "$dir/coverage.json" --html "$dir/coverage.html" build/coverage >"$dir/gcovr.log" 2>&1) ||
    { tail -n 20 "$dir/gcovr.log" >&2 && return 1; }
  "$PYTHON" "$ROOT/tools/coverage_gate.py" --at-least 90 --gate consensus state storage wire -- "$dir/coverage.json"
}

# Prints the table and the closing line, and ends with its verdict.
finish_tests() {
  phase_table
  printf '\n%-20s %7s %7s %7s\n' tests passed failed skipped
  awk '{ printf "%-20s %7d %7d %7d\n", $1, $2, $3, $4; p += $2; f += $3; s += $4 }
       END { printf "\n%d passed, %d failed", p, f; if (s) printf ", %d skipped", s; print ""; exit f > 0 || p == 0 }' "$RESULTS"
}

cmd_test() {
  local unit=yes sim=yes fuzz=yes system=yes traces=yes presets=(release) filter=
  while (($#)); do
    case "$1" in
      --unit) sim=no fuzz=no system=no traces=no ;;
      --sim) unit=no fuzz=no system=no traces=no ;;
      --traces) unit=no sim=no fuzz=no system=no ;;
      --system) unit=no sim=no fuzz=no traces=no ;;
      --fuzz) unit=no sim=no system=no traces=no ;;
      --asan) presets=(asan) sim=no fuzz=no system=no traces=no ;;
      --tsan) presets=(tsan) sim=no fuzz=no system=no traces=no ;;
      --coverage) presets=(coverage) sim=no fuzz=no system=no traces=no ;;
      --filter) filter="${2:?--filter needs a regular expression}" sim=no fuzz=no system=no traces=no && shift ;;
      *) die "test: unknown option '$1' (./dev help)" ;;
    esac
    shift
  done
  [[ $unit$sim$fuzz$system$traces == nonononono ]] &&
    die "test: --unit, --sim, --fuzz, --system and --traces go with no other option"

  local preset="${presets[0]}"
  mkdir -p "$ROOT/build"
  RESULTS="$ROOT/build/results.$preset"
  : >"$RESULTS"
  setup_groups build test $([[ $fuzz$traces == *yes* ]] && echo fuzz) || return 1

  if [[ $unit == yes && -z $filter ]]; then
    check "layer check" check_layers
    check "docs check" check_docs
    check "traceability check" check_traceability
    check "plants check" check_plants
    if command -v clang-format-19 >/dev/null; then
      check "format check" check_format
    else
      say "format check: left out, clang-format-19 is not installed (./dev setup lint)"
    fi
    phase "tests of the tools" tool_tests
  fi
  if [[ $unit$sim$system$traces == *yes* ]] && ! build_preset "$preset"; then
    record build 0 1 0
    finish_tests
    return 1
  fi
  if [[ $unit == yes ]]; then
    [[ $preset == coverage ]] && find "$ROOT/build/coverage" -name '*.gcda' -delete
    phase "unit tests ($preset)" unit_tests "$preset" "$filter"
    [[ $preset == coverage ]] && check "coverage" coverage_gate
    [[ $preset == release && -z $filter ]] && check "instructions a request" "$ROOT/tools/bench/instructions"
  fi
  if [[ $sim == yes ]]; then
    check "simulation" simulation
    check "kept plans" kept_plans
    check "exploration" exploration
    phase "planted bugs" planted_bugs
    check "planted bugs in scenarios" planted_scenarios
    check "scenarios under other seeds" scenario_seeds
  fi
  if [[ $fuzz$traces == *yes* ]]; then
    if build_preset clang $([[ $fuzz == yes ]] && echo fuzzers) $([[ $traces == yes ]] && echo conclave_simulator); then
      [[ $traces == yes ]] && check "same traces" same_traces
      [[ $fuzz == yes ]] && phase "fuzzers" fuzz_tests
    else
      record build-clang 0 1 0
    fi
  fi
  if [[ $system == yes ]]; then
    if [[ -x $ROOT/tests/system/run ]]; then
      phase "system tests" system_tests
    else
      say "system tests: left out, there is no tests/system/run"
    fi
  fi
  finish_tests
}

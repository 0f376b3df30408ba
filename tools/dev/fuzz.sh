# ./dev fuzz, and the phase "fuzzers" of ./dev test. tests/fuzz/README.md says what the fuzzers are.

FUZZ_PROGRAMS="$ROOT/build/clang/tests/fuzz"
FUZZ_SEEDS="$ROOT/tests/fuzz/corpus"
FUZZ_OUT="$ROOT/build/fuzz"
FUZZ_SEEDS_MAX=40  # committed files of one fuzzer

# name, executions in ./dev test, longest input: the slowest first, so that they end together.
FUZZERS='
engine           20000  160
raft             20000  160
requests         20000  160
client_frames    16000  160
client_session   12000  192
chubby_messages   8000  192
client_replies   70000  192
configuration    30000  384
dns              40000  160
snapshot         40000   96
journal          32000   96
peer_messages  1880000  256
'
CANARY_RUNS=300000  # `peer_messages` with a planted bug; eight seeds needed 3,000 to 37,000 runs

fuzzer_names() { awk 'NF { print $1 }' <<<"$FUZZERS"; }
fuzzer_field() { awk -v name="$1" -v field="$2" '$1 == name { print $field }' <<<"$FUZZERS"; }

# run_fuzzer NAME FOLDER [FLAGS...]: new inputs go to FOLDER, output to build/fuzz/NAME.log, crashes to artifacts/NAME.
run_fuzzer() {
  local name="$1" folder="$2" seeds="$1" artifacts="$FUZZ_OUT/artifacts/$1/"
  local -a dictionary=() launch=()
  shift 2
  [[ $name == canary ]] && seeds=peer_messages
  [[ -f $ROOT/tests/fuzz/$name.dict ]] && dictionary=("-dict=$ROOT/tests/fuzz/$name.dict")
  mkdir -p "$folder" "$artifacts" "$FUZZ_SEEDS/$seeds"
  # Hash tables seed themselves with addresses: equal runs need equal addresses. Stacks of allocations are left out here;
  # --repro shows them.
  setarch "$(uname -m)" -R true 2>/dev/null && launch=(setarch "$(uname -m)" -R)
  ASAN_OPTIONS="${ASAN_OPTIONS:-detect_stack_use_after_return=0:quarantine_size_mb=16:malloc_context_size=0:allow_addr2line=1}" \
    "${launch[@]}" "$FUZZ_PROGRAMS/fuzz_$name" -max_len="$(fuzzer_field "$seeds" 3)" -len_control=0 -reload=0 -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$artifacts" "${dictionary[@]}" "$@" \
    "$folder" "$FUZZ_SEEDS/$seeds" >"$FUZZ_OUT/$name.log" 2>&1
}

# What a run came to, in one line.
fuzz_figures() {
  local log="$FUZZ_OUT/$1.log" runs rate edges
  runs="$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$log" | tail -n 1)"
  rate="$(sed -nE 's/^stat::average_exec_per_sec: *([0-9]+)/\1/p' "$log" | tail -n 1)"
  edges="$(grep -aoE ' cov: [0-9]+' "$log" | tail -n 1 | tr -dc 0-9)"
  printf '%-16s %9d executions %8d exec/s %7d edges' "$1" "${runs:-0}" "${rate:-0}" "${edges:-0}"
}

# The last input that broke fuzzer NAME, and what it broke.
report_crash() {
  local name="$1" input
  input="$(sed -nE 's/.*Test unit written to (.*)$/\1/p' "$FUZZ_OUT/$name.log" | tail -n 1)"
  grep -aE 'broken (promise|invariant)|runtime error:|^SUMMARY|ERROR: ' "$FUZZ_OUT/$name.log" | head -n 5 >&2
  printf '%s: input kept in %s\n  see it again: ./dev fuzz --repro %s\n' "$name" "${input#"$ROOT"/}" "${input#"$ROOT"/}" >&2
}

# --- in ./dev test: the seeds, then a fixed number of runs from a fixed seed; a line and a verdict for each

fuzz_verdict() {
  local name="$1" runs="$2" fresh="$FUZZ_OUT/fresh/$1"
  rm -rf "$fresh"
  if run_fuzzer "$name" "$fresh" -runs="$runs" -seed=1; then
    echo "  $(fuzz_figures "$name")"
    echo "fuzz-$name 1 0 0" >>"$FUZZ_OUT/verdicts"
  else
    echo "  $(fuzz_figures "$name")  FAILED"
    report_crash "$name"
    echo "fuzz-$name 0 1 0" >>"$FUZZ_OUT/verdicts"
  fi
}

# The test of the test: the planted bug must be found, and no other.
canary_verdict() {
  local fresh="$FUZZ_OUT/fresh/canary" artifacts="$FUZZ_OUT/artifacts/canary"
  rm -rf "$fresh" "$artifacts"
  if ! run_fuzzer canary "$fresh" -runs="$CANARY_RUNS" -seed=1 && grep -rqa tock "$artifacts"; then
    echo "  $(fuzz_figures canary)  the planted bug was found"
    echo "fuzz-canary 1 0 0" >>"$FUZZ_OUT/verdicts"
  else
    echo "  $(fuzz_figures canary)  FAILED: the planted bug was not found"
    echo "fuzz-canary 0 1 0" >>"$FUZZ_OUT/verdicts"
  fi
}

fuzz_tests() {
  local name runs
  mkdir -p "$FUZZ_OUT"
  : >"$FUZZ_OUT/verdicts"
  while read -r name runs _; do
    [[ -n $name ]] || continue
    while (($(jobs -rp | wc -l) >= JOBS)); do wait -n; done
    fuzz_verdict "$name" "$runs" &
  done <<<"$FUZZERS"
  canary_verdict &
  wait
  cat "$FUZZ_OUT/verdicts" >>"$RESULTS"
  ! awk '{ bad += $3 } END { exit bad == 0 }' "$FUZZ_OUT/verdicts"
}

# --- ./dev fuzz: long runs over a corpus that grows

fuzz_long() {
  local name="$1" crash status
  shift
  say "$name: begins"
  run_fuzzer "$name" "$FUZZ_OUT/corpus/$name" "$@"
  status=$?
  say "$(fuzz_figures "$name")$( ((status)) && echo '  FAILED')"
  ((status)) || return 0
  crash="$(sed -nE 's/.*Test unit written to (.*)$/\1/p' "$FUZZ_OUT/$name.log" | tail -n 1)"
  report_crash "$name"
  if [[ -f $crash && $crash == */crash-* ]]; then
    "$FUZZ_PROGRAMS/fuzz_$name" -minimize_crash=1 -max_total_time=20 -exact_artifact_path="$crash.smallest" "$crash" \
      >"$crash.log" 2>&1
    [[ -f $crash.smallest ]] && printf '  made small: %s\n' "${crash#"$ROOT"/}.smallest" >&2
  fi
  return 1
}

fuzz_progress() {
  local name
  while sleep 10; do
    for name in "$@"; do
      grep -aE '^#[0-9]+' "$FUZZ_OUT/$name.log" 2>/dev/null | tail -n 1 | sed "s/^/  $name /"
    done
  done
}

# The smallest set of inputs with the coverage of all that were found becomes the seeds.
fuzz_merge() {
  local name merged
  for name in "$@"; do
    merged="$FUZZ_OUT/merged/$name"
    rm -rf "$merged" && mkdir -p "$merged" "$FUZZ_OUT/corpus/$name" "$FUZZ_SEEDS/$name"
    "$FUZZ_PROGRAMS/fuzz_$name" -set_cover_merge=1 -max_len="$(fuzzer_field "$name" 3)" "$merged" \
      "$FUZZ_OUT/corpus/$name" "$FUZZ_SEEDS/$name" >"$FUZZ_OUT/$name.log" 2>&1 || { tail -n 5 "$FUZZ_OUT/$name.log" >&2 && return 1; }
    find "$FUZZ_SEEDS/$name" -type f -not -name 'bug-*' -delete
    # Long inputs go through most.
    find "$merged" -type f -size -5k -printf '%s %p\n' | sort -rn | head -n "$FUZZ_SEEDS_MAX" | while read -r _ file; do
      cp "$file" "$FUZZ_SEEDS/$name/"
    done
    say "$name: $(find "$FUZZ_SEEDS/$name" -type f | wc -l) seeds"
  done
}

# fuzz_repro FILE: the folder of the file names the fuzzer.
fuzz_repro() {
  local file="$1" name
  [[ -f $file ]] || die "fuzz: there is no $file"
  name="$(basename "$(dirname "$file")")"
  [[ -x $FUZZ_PROGRAMS/fuzz_$name ]] || die "fuzz: no fuzzer '$name': the file must lie in a folder of its name"
  ASAN_OPTIONS=allow_addr2line=1 UBSAN_OPTIONS=print_stacktrace=1 "$FUZZ_PROGRAMS/fuzz_$name" "$file"
}

cmd_fuzz() {
  local repro= merge=no name status=0 progress
  local -a names=() flags=(-max_total_time=60)
  while (($#)); do
    case "$1" in
      --seconds) flags=("-max_total_time=${2:?--seconds needs a number}") && shift ;;
      --runs) flags=("-runs=${2:?--runs needs a number}") && shift ;;
      --jobs) JOBS="${2:?--jobs needs a number}" && shift ;;
      --repro) repro="${2:?--repro needs a file}" && shift ;;
      --merge) merge=yes ;;
      -*) die "fuzz: unknown option '$1' (./dev help)" ;;
      *)
        [[ -n "$(fuzzer_field "$1" 1)" ]] || die "fuzz: no fuzzer '$1' (there are: $(fuzzer_names | xargs))"
        names+=("$1")
        ;;
    esac
    shift
  done
  setup_groups build fuzz && build_preset clang fuzzers || return 1
  [[ -n $repro ]] && { fuzz_repro "$repro"; return; }
  ((${#names[@]})) || mapfile -t names < <(fuzzer_names)
  mkdir -p "$FUZZ_OUT"
  [[ $merge == yes ]] && { fuzz_merge "${names[@]}"; return; }

  local -a running=()
  fuzz_progress "${names[@]}" &
  progress=$!
  for name in "${names[@]}"; do
    while ((${#running[@]} >= JOBS)); do
      wait "${running[0]}" || status=1
      running=("${running[@]:1}")
    done
    fuzz_long "$name" "${flags[@]}" &
    running+=($!)
  done
  for name in "${running[@]}"; do wait "$name" || status=1; done
  kill "$progress"
  return $status
}

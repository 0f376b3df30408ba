# Simulation, exploration and planted bugs in `./dev test`, and long runs of them: ./dev soak.

SIM_SEEDS=1..700        # of every run of the tests: 700 seeds of two minutes, about 23 simulated hours
LOCK_SEEDS=1..100       # of the lock service: its clients, caches, locks and fail-overs
RAFT_SEEDS=1..150       # of cells whose engine is Raft
MEMBERS_SEEDS=1..100    # of each engine: cells whose members change
STANDARD_SEEDS=1..20    # of five usual replicas, whose speed is measured
EXPLORE_STATES=1000000   # of each engine, from the start
EXPLORE_LED_STATES=3000000

# The figures that a run must reach: tools/sim_gate.py compares them with the JSON that the programs write.
simulation() {
  local out="$ROOT/build/sim"
  rm -rf "$out" && mkdir -p "$out" || return 1
  nice "$ROOT/build/release/conclave" sim --seeds "$SIM_SEEDS" --repeat 10 --jobs "$JOBS" --no-shrink \
    --failures "$out/failures" --json "$out/figures.json" &&
    nice "$ROOT/build/release/conclave" sim --profile locks --seeds "$LOCK_SEEDS" --repeat 10 --jobs "$JOBS" --no-shrink \
      --failures "$out/failures" --json "$out/locks.json" | tail -n 6 &&
    nice "$ROOT/build/release/conclave" sim --engine raft --seeds "$RAFT_SEEDS" --repeat 12 --jobs "$JOBS" --no-shrink \
      --failures "$out/failures" --json "$out/raft.json" | tail -n 6 &&
    nice "$ROOT/build/release/conclave" sim --profile members --seeds "$MEMBERS_SEEDS" --repeat 12 --jobs "$JOBS" --no-shrink \
      --failures "$out/failures" --json "$out/members.json" | tail -n 6 &&
    nice "$ROOT/build/release/conclave" sim --engine raft --profile members --seeds "$MEMBERS_SEEDS" --repeat 12 --jobs "$JOBS" \
      --no-shrink --failures "$out/failures" --json "$out/members-raft.json" | tail -n 6 &&
    nice "$ROOT/build/release/conclave" sim --profile standard --seeds "$STANDARD_SEEDS" --jobs "$JOBS" --no-shrink \
      --failures "$out/failures" --json "$out/standard.json" | tail -n 5 &&
    "$PYTHON" "$ROOT/tools/sim_gate.py" "$out"
}

# Of each engine: from the start, and beyond an election, two timeouts and a crash further.
exploration() {
  local engine
  for engine in paxos raft; do
    say "engine $engine"
    nice "$ROOT/build/release/conclave" explore --engine $engine --states "$EXPLORE_STATES" &&
      nice "$ROOT/build/release/conclave" explore --engine $engine --led --timeouts 2 --crashes 1 --lose-idle \
        --states "$EXPLORE_LED_STATES" || return 1
  done
}

# Every planted bug must be found by the simulator within the seeds that tools/plant_hunt.toml gives it.
planted_bugs() {
  local log="$ROOT/build/planted.log" status counts
  build_preset release conclave_planted || { record planted-bugs 0 1 0 && return 1; }
  "$PYTHON" "$ROOT/tools/hunt_plants.py" "$ROOT/build/release/conclave_planted" --jobs "$JOBS" 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  counts="$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$log" | tail -n 1)"
  record planted-bugs ${counts:-0 1} 0
  return $status
}

# Plans that failed once do so no more.
kept_plans() {
  local plan failed=0
  for plan in "$ROOT"/tests/plans/*.plan; do
    nice "$ROOT/build/release/conclave" sim --replay "$plan" --no-shrink || { say "$plan fails again" && failed=1; }
  done
  return $failed
}

# And by the scenarios that say so.
planted_scenarios() {
  "$PYTHON" "$ROOT/tools/plants.py" scenarios "$ROOT/build/release/conclave_planted"
}

# Scenarios hold under seeds that their files do not show, on either engine where they leave that open.
scenario_seeds() {
  nice "$ROOT/build/release/conclave" scenario --seeds 1..3 "$ROOT/tests/scenarios" &&
    nice "$ROOT/build/release/conclave" scenario --engine raft --seeds 1..3 "$ROOT/tests/scenarios"
}

# The same seeds, compiled by clang with sanitizers, give the same traces: on either engine, and while members change.
same_traces() {
  local seeds=1..10 cell gcc clang
  for cell in "--engine paxos" "--engine raft" "--engine paxos --profile members" "--engine raft --profile members"; do
    # shellcheck disable=SC2086  # several arguments
    gcc="$("$ROOT/build/release/conclave" sim $cell --seeds $seeds --safety 20s --hashes --no-shrink | grep '^seed ' | sort)" || return 1
    # shellcheck disable=SC2086
    clang="$("$ROOT/build/clang/conclave_simulator" sim $cell --seeds $seeds --safety 20s --hashes --no-shrink | grep '^seed ' | sort)" || return 1
    if [[ $gcc != "$clang" ]]; then
      diff <(echo "$gcc") <(echo "$clang") | head -n 20
      return 1
    fi
    say "$cell: $(wc -l <<<"$gcc") seeds have the same trace when compiled by g++ and by clang"
  done
}

# ./dev soak MINUTES [FIRST_SEED]: a long simulation of this commit, entered in docs/soaks.md.
cmd_soak() {
  local minutes="${1:?usage: ./dev soak MINUTES [FIRST_SEED]}" first="${2:-$(date +%s)000}"
  setup_groups build && build_preset release conclave || return 1
  exec "$ROOT/build/release/conclave" sim --minutes "$minutes" --seeds "$first" --repeat 2 --jobs "$JOBS" --failures-max 1000 --no-shrink \
    --failures "$ROOT/build/sim/soak-failures" --ledger "$ROOT/docs/soaks.md" \
    --label "$(git -C "$ROOT" rev-parse --short HEAD)"
}

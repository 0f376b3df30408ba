# Progress lines and timing, shared by the commands of ./dev.

PHASE_LINES=()

say() { printf '==> %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# phase NAME COMMAND...: runs it, says how long it took, and remembers that for the table at the end.
phase() {
  local name="$1" begin=$SECONDS status took
  shift
  say "$name"
  "$@"
  status=$?
  took=$((SECONDS - begin))
  PHASE_LINES+=("$(printf '%-24s %5d s  %s' "$name" "$took" "$([[ $status -eq 0 ]] && echo ok || echo FAILED)")")
  say "$name: $([[ $status -eq 0 ]] && echo ok || echo FAILED), ${took} s"
  return $status
}

phase_table() {
  ((${#PHASE_LINES[@]})) || return 0
  printf '\nphases\n'
  printf '  %s\n' "${PHASE_LINES[@]}"
  printf '  %-24s %5d s\n' total "$SECONDS"
}

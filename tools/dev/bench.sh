# ./dev bench: what tools/bench/run needs, then it.

cmd_bench() {
  local -a targets=(conclave)
  case " $* " in
    *" --help "* | *" -h "*) exec "$PYTHON" "$ROOT/tools/bench/run" "$@" ;;
    *" compare "* | *etcd* | *" --systems all "* | *" --systems=all "*) targets+=(conclave_etcd_load) ;;
  esac
  setup_groups build bench && build_preset release "${targets[@]}" || return 1
  CONCLAVE="$ROOT/build/release/conclave" exec "$PYTHON" "$ROOT/tools/bench/run" "$@"
}

# ./dev build: configure when needed, then ninja.

PRESETS=(release debug asan tsan clang coverage)

# configure PRESET: only when the build folder is new or the presets changed; ninja notices every other change itself.
configure() {
  local preset="$1" dir="$ROOT/build/$1"
  if [[ -f $dir/build.ninja && ! $ROOT/CMakePresets.json -nt $dir/CMakeCache.txt ]]; then return 0; fi
  mkdir -p "$dir"
  say "configuring build/$preset"
  if ! (cd "$ROOT" && cmake --preset "$preset" >"$dir/configure.log" 2>&1); then
    cat "$dir/configure.log" >&2
    return 1
  fi
  touch "$dir/CMakeCache.txt"
}

# Editors and clang-tidy look for compile_commands.json at the root: a link to that of the preset debug, which compiles
# every source alone (cmake/modules.cmake).
link_compile_commands() {
  configure debug && ln -sfn build/debug/compile_commands.json "$ROOT/compile_commands.json"
}

# build_preset [PRESET] [TARGET...]
build_preset() {
  local preset="${1:-release}"
  [[ $# -gt 0 ]] && shift
  [[ " ${PRESETS[*]} " == *" $preset "* ]] || die "build: unknown preset '$preset' (there are: ${PRESETS[*]})"
  phase "build ($preset)" build_now "$preset" "$@"
}

build_now() {
  local preset="$1"
  shift
  configure "$preset" || return 1
  [[ $preset == debug ]] && link_compile_commands
  NINJA_STATUS='[%f/%t %es] ' ninja -C "$ROOT/build/$preset" -j "$JOBS" "$@"
}

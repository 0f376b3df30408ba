# ./dev fmt and ./dev lint: clang-format-19, clang-tidy-19 and the layer check.

# C++ files of the project: tracked ones and new ones that are not ignored.
cxx_files() {
  (cd "$ROOT" && {
    git ls-files --cached --others --exclude-standard -- '*.h' '*.cc' 2>/dev/null ||
      find src tests tools \( -name '*.h' -o -name '*.cc' \) -not -path '*/node_modules/*'
  } | sort -u | while read -r file; do [[ -f $file ]] && echo "$file"; done)
}

# C++ sources that differ from the main branch on the server, or are not committed yet.
changed_files() {
  local base
  base="$(git -C "$ROOT" merge-base HEAD origin/main 2>/dev/null || git -C "$ROOT" rev-parse HEAD~1 2>/dev/null)" ||
    { cxx_files && return; }
  (cd "$ROOT" && {
    git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cc'
    git ls-files --others --exclude-standard -- '*.h' '*.cc'
  } | sort -u)
}

check_layers() { "$PYTHON" "$ROOT/tools/check_layers.py" "$ROOT"; }

check_plants() { "$PYTHON" "$ROOT/tools/plants.py" check "$ROOT"; }

check_docs() { "$PYTHON" "$ROOT/tools/check_docs.py" "$ROOT"; }

check_traceability() { "$PYTHON" "$ROOT/tools/traceability.py" --check "$ROOT"; }

check_format() {
  cxx_files | (cd "$ROOT" && xargs -r -P "$JOBS" -n 50 clang-format-19 --dry-run --Werror)
}

check_tidy() {
  local files
  files="$(grep '\.cc$' | grep -E '^(src|tools|tests)/' || true)"
  [[ -n $files ]] || { say "clang-tidy: no source changed"; return 0; }
  # Only files the build knows: a C client test, say, is compiled by its own script.
  files="$(comm -12 <(sort -u <<<"$files") \
    <(grep -oE '"file": "[^"]+"' "$ROOT/build/debug/compile_commands.json" | cut -d'"' -f4 | sed "s|^$ROOT/||" | sort -u))"
  [[ -n $files ]] || { say "clang-tidy: no changed source is part of the build"; return 0; }
  say "clang-tidy on $(wc -l <<<"$files") files"
  (cd "$ROOT" && xargs -P "$JOBS" -n 1 clang-tidy-19 -p build/debug --quiet --warnings-as-errors='*' <<<"$files" \
    2> >(grep -vE '^[0-9]+ warnings? generated|^Suppressed |^Use -header-filter' >&2))
}

cmd_fmt() {
  setup_groups lint || return 1
  cxx_files | (cd "$ROOT" && xargs -r -P "$JOBS" -n 50 clang-format-19 -i)
}

cmd_lint() {
  local all=no status=0
  case "${1:-}" in
    '') ;;
    --all) all=yes ;;
    *) die "lint: unknown option '$1'" ;;
  esac
  setup_groups build lint || return 1
  link_compile_commands && build_preset debug generated_sources || return 1
  phase "layer check" check_layers || status=1
  phase "docs check" check_docs || status=1
  phase "traceability check" check_traceability || status=1
  phase "plants check" check_plants || status=1
  phase "format check" check_format || status=1
  if [[ $all == yes ]]; then
    phase "clang-tidy" check_tidy < <(cxx_files) || status=1
  else
    phase "clang-tidy" check_tidy < <(changed_files) || status=1
  fi
  return $status
}

# ./dev setup: installs the packages of packages.txt that are missing, and only those.

ALL_GROUPS=(build test fuzz lint bench)

# Names in one group that this machine still needs, one a line.
missing_packages() {
  local group="$1" line name command
  awk -v want="[$group]" '
    /^\[/ { inside = ($1 == want); next }
    inside { sub(/#.*/, ""); if (NF) print $1, $2 }' "$ROOT/packages.txt" |
    while read -r name line; do
      command="${line#unless=}"
      if [[ -n $line ]] && command -v "$command" >/dev/null; then continue; fi
      [[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" == installed ]] || echo "$name"
    done
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo -- "$@"
  else
    die "installing packages needs root, and there is no sudo; as root run: apt-get install ${MISSING[*]}"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# True when apt has never heard of one of the packages: its lists are empty or old.
lists_are_stale() {
  local name policy
  for name in "$@"; do
    policy="$(LC_ALL=C apt-cache policy "$name" 2>/dev/null)"
    [[ $policy == *"Candidate: "[^\(]* ]] || return 0
  done
  return 1
}

# setup_groups [GROUP...]: all groups when none is named.
setup_groups() {
  local group
  local -a wanted=("$@")
  ((${#wanted[@]})) || wanted=("${ALL_GROUPS[@]}")
  for group in "${wanted[@]}"; do
    [[ " ${ALL_GROUPS[*]} " == *" $group "* ]] || die "setup: unknown group '$group' (there are: ${ALL_GROUPS[*]})"
  done
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
    die "setup knows Debian only; install by hand what packages.txt lists under ${wanted[*]}"

  mapfile -t MISSING < <(for group in "${wanted[@]}"; do missing_packages "$group"; done | sort -u)
  if ((${#MISSING[@]} == 0)); then
    say "setup (${wanted[*]}): nothing to install"
    return 0
  fi
  phase "setup (${wanted[*]})" install_missing
}

install_missing() {
  say "installing: ${MISSING[*]}"
  local log="$ROOT/build/setup.log" updated=no
  mkdir -p "$ROOT/build"
  : >"$log"
  if lists_are_stale "${MISSING[@]}"; then
    say "apt-get update"
    as_root apt-get update -q </dev/null >>"$log" 2>&1 || say "apt-get update failed; trying to install all the same"
    updated=yes
  fi
  if apt_install "${MISSING[@]}" >>"$log" 2>&1; then return 0; fi
  if [[ $updated == no ]]; then
    # A package can have left the archive since the lists were fetched.
    say "not found in the archive as listed; apt-get update and once more"
    as_root apt-get update -q </dev/null >>"$log" 2>&1 && apt_install "${MISSING[@]}" >>"$log" 2>&1 && return 0
  fi
  tail -n 25 "$log" >&2
  die "apt-get could not install: ${MISSING[*]} (all of its output: ${log#"$ROOT"/})"
}

# shellcheck shell=bash
# What tools/up and tools/test share; sourced by them, from the project's root.

# What dpkg runs is in root's PATH alone, and not even there behind a plain `su`.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The packages of the named sections of tools/packages.
packages_of() {
  awk -v wanted=" $* " '
    { sub(/#.*/, "") }
    /^\[/ { gsub(/[][ ]/, ""); section = $0; next }
    NF && index(wanted, " " section " ") { print $1 }' tools/packages
}

# Node.js from elsewhere is as good as Debian's, and its package may exclude Debian's npm.
node_is_there() {
  local version
  version=$(node --version 2>&1) || return 1
  version=${version#v}
  ((${version%%.*} >= 18)) && command -v npm >/dev/null
}

# Prints those of the given packages that are not installed.
missing_of() {
  local installed package
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    awk '$2 == "installed" { print $1 }') || true
  for package in "$@"; do
    if [[ $package == nodejs || $package == npm ]] && node_is_there; then continue; fi
    if ! grep -qxF "$package" <<<"$installed"; then printf '%s\n' "$package"; fi
  done
}

# Runs a command without a sound, or shows all it said and fails.
quietly() {
  local output
  if ! output=$("$@" 2>&1 </dev/null); then
    printf '%s\n' "$output" >&2
    die "failed: $*"
  fi
}

# install_packages SECTION…: installs what is missing of those sections of tools/packages. Asks nothing, and
# touches neither the network nor apt where nothing is missing.
install_packages() {
  local -a wanted missing as_root=()
  local system
  mapfile -t wanted < <(packages_of "$@")
  ((${#wanted[@]} > 0)) || die "tools/packages has no packages under: $*"
  mapfile -t missing < <(missing_of "${wanted[@]}")
  if ((${#missing[@]} == 0)); then
    printf 'Packages: all %d are installed.\n' "${#wanted[@]}"
    return
  fi

  # shellcheck source=/dev/null
  system=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}") || true
  [[ $system == 'debian 12' ]] ||
    die "these packages are Debian 12's, and this system is '$system'. Missing: ${missing[*]}"
  if ((EUID != 0)); then
    command -v sudo >/dev/null ||
      die "installing packages takes root or sudo. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi

  printf 'Packages: installing %d of %d: %s\n' "${#missing[@]}" "${#wanted[@]}" "${missing[*]}"
  # sudo may ask for its password, which it does on the terminal, before anything is hidden.
  # (Not sudo -v, which wants one also from those who need none for a command.)
  if ((EUID != 0)); then sudo true || die 'sudo refused'; fi
  quietly "${as_root[@]}" dpkg --configure -a # what an interrupted installation left half done
  quietly "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=300 update
  quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    install --no-install-recommends "${missing[@]}"
}

# build_preset PRESET [TARGET…]: configures where that was not done yet, then builds (everything without
# targets). Ninja shows its progress on a terminal, and elsewhere only what fails.
build_preset() {
  local preset=$1
  shift
  local -a quiet=()
  [[ -t 1 ]] || quiet=(-- --quiet)
  # build.ninja is the last file that configuring writes, and does not itself depend on the presets.
  [[ build/$preset/build.ninja -nt CMakePresets.json ]] || quietly cmake --preset "$preset"
  cmake --build --preset "$preset" --parallel "$(nproc)" ${1:+--target "$@"} "${quiet[@]}" ||
    die "the $preset build failed"
}

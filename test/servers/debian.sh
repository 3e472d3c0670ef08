# Sourced by get.sh: reads Debian packages without installing them.
#
# A private apt (own sources, own lists, own cache, all inside the work folder) fetches from the mirror this machine
# already uses and checks every file against Debian's signing keys: it needs neither root nor a change to the machine.

readonly DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Prints the addresses this machine's apt takes its own release from; third parties may use the same suite name.
debian_mirrors() {
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  apt-get --print-uris update 2>/dev/null | sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p"
}

# private_apt COMMAND...: apt-get, or another tool of apt, that sees only the private sources.
private_apt() {
  local tool=$1
  shift
  "$tool" -qq \
    -o Dir::State="$work/apt/state" -o Dir::Cache="$work/apt/cache" \
    -o Dir::Etc::sourcelist="$work/apt/debian.list" -o Dir::Etc::sourceparts=/dev/null \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::status="$work/apt/state/status" \
    -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any -o APT::Get::AllowUnauthenticated=false \
    "$@"
}

# Fills the private lists, once; the mirror is the first whose releases Debian signed.
private_apt_update() {
  [[ ! -e $work/apt/ready ]] || return 0
  command -v apt-get >/dev/null || fail 'this machine has no apt' "$WITHOUT_DEBIAN"
  [[ -r $DEBIAN_KEYRING ]] || fail "$DEBIAN_KEYRING is missing" 'apt-get install debian-archive-keyring'
  mkdir -p "$work"/apt/{state/lists/partial,cache/archives/partial}
  : >"$work/apt/state/status"
  local mirror
  for mirror in $(debian_mirrors); do
    cat >"$work/apt/debian.list" <<LIST
deb [signed-by=$DEBIAN_KEYRING] $mirror bookworm main
deb-src [signed-by=$DEBIAN_KEYRING] $mirror bookworm main
deb [signed-by=$DEBIAN_KEYRING] $mirror bullseye main
LIST
    if private_apt apt-get update >"$work/apt/update.log" 2>&1; then
      touch "$work/apt/ready"
      return 0
    fi
    cat "$work/apt/update.log" >&2
  done
  fail 'no mirror of this machine serves bookworm and bullseye signed by Debian' "$WITHOUT_DEBIAN"
}

# unpack_package PACKAGE SUITE FOLDER
unpack_package() {
  private_apt_update
  mkdir -p "$work/debs" "$3"
  rm -f "$work/debs/$1"_*.deb
  (cd "$work/debs" && private_apt apt-get download "$1/$2") ||
    fail "Debian's package $1 could not be fetched" "$WITHOUT_DEBIAN"
  dpkg-deb --extract "$work/debs/$1"_*.deb "$3"
}

# unpack_source PACKAGE SUITE FOLDER: the source with Debian's patches applied.
unpack_source() {
  private_apt_update
  mkdir -p "$work/source"
  (cd "$work/source" && private_apt apt-get source --download-only "$1/$2") ||
    fail "Debian's source package $1 could not be fetched" "$WITHOUT_DEBIAN"
  mkdir -p "$(dirname "$3")"
  # apt has checked the hashes against the signed index: the uploader's own key need not be on this machine.
  dpkg-source --no-check --extract "$work/source/$1"_*.dsc "$3"
}

# require_tool TOOL PACKAGE: for the few that cannot be used from a folder, or that nearly every machine has.
require_tool() {
  if type -P "$1" >/dev/null; then return; fi
  local install=(apt-get install --yes --no-install-recommends "$2")
  ((EUID == 0)) || fail "$1 is missing and installing it takes root" "${install[*]}"
  step 'package lists updated' apt-get update
  step "$2 installed" env DEBIAN_FRONTEND=noninteractive "${install[@]}"
}

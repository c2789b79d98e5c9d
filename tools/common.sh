# Sourced by the scripts of this folder. Everything they install goes to the cache or to .env/, never into the tree.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/evergrant
mkdir -p "$cache"

# napi always builds for a named target: naming it everywhere lets all builds share their crates.
if command -v rustc >/dev/null; then
  CARGO_BUILD_TARGET=${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
  export CARGO_BUILD_TARGET
fi
# Linked programs are many: line tables are enough, and fast.
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}

say() { printf '\n== %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

# apt PACKAGE...: installs Debian packages where this is Debian and we may.
apt() {
  if ! have apt-get || [ "$(id -u)" != 0 ]; then
    echo "please install: $*" >&2
    return 1
  fi
  apt-get install -y --no-install-recommends "$@" >"$cache/apt.log" 2>&1 ||
    { apt-get update >"$cache/apt.log" 2>&1 && apt-get install -y --no-install-recommends "$@" >>"$cache/apt.log" 2>&1; } ||
    { tail -5 "$cache/apt.log" >&2; return 1; }
}

# Public clients that know nothing of ours live outside the tree: Python's in .env/clients, the folder of the
# other is said in CLIENTS_NODE.
install_clients() {
  CLIENTS_NODE=$cache/b24jssdk-2.2.0
  export CLIENTS_NODE
  [ -x .env/clients/bin/python ] || python3 -m venv .env/clients
  .env/clients/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt || return 1
  [ -d "$CLIENTS_NODE/node_modules" ] ||
    (mkdir -p "$CLIENTS_NODE" && cd "$CLIENTS_NODE" && npm init -y >/dev/null &&
      npm install --silent @bitrix24/b24jssdk@2.2.0)
}

# The folder that cargo puts debug programs into.
debug_folder() {
  echo "${CARGO_TARGET_DIR:-$root/target}/$CARGO_BUILD_TARGET/debug"
}

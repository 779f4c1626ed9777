#!/usr/bin/env bash
# The official packages of Python and Node (openai, anthropic, google-genai, ollama) against
# `overtake serve`.
# usage: run.sh BINARY. Serves `null`, and `smollm2` too where the store has it (`make test` does).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
binary=$(realpath "$1")

# ---- the packages, as their lock files pin them
python=$root/.cache/sdk-python
stamp=$(sha256sum "$here/python/requirements.txt" | cut -c1-16)
if [ ! -e "$python/$stamp" ]; then
  rm -rf "$python"
  python3 -m venv "$python"
  # The lock file names every package, so nothing is left to resolve: pip's resolver would look at
  # the newest google-auth for google-genai's `google-auth[requests]`, and fail on the day that
  # there is one newer than the lock.
  "$python/bin/pip" install --quiet --disable-pip-version-check --only-binary=:all: --no-deps \
    --require-hashes -r "$here/python/requirements.txt"
  "$python/bin/pip" check --disable-pip-version-check
  touch "$python/$stamp"
fi
node=$(cd "$root/tools" && python3 -c 'from wheel_tools import program; print(program("node"))')
npm=$(dirname "$node")/../lib/node_modules/npm/bin/npm-cli.js
export PATH=$(dirname "$node"):$PATH npm_config_cache=$root/.cache/npm
(cd "$here/node" && "$node" "$npm" ci --no-audit --no-fund --loglevel=error)

# ---- the server, on a free port
work=$(mktemp -d)
models=(null)
if "$binary" show smollm2 >/dev/null 2>&1; then
  models+=(smollm2)
else
  echo "SKIPPED: the tests with smollm2, which is not in the store (tools/get_model.py)"
fi
"$binary" serve "${models[@]}" --port 0 >"$work/out" 2>"$work/log" &
server=$!
finish() {
  kill -KILL "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
for _ in $(seq 600); do
  grep -q '^Serving ' "$work/out" && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
url=$(sed -n 's/^Serving .* on \(http:[^ ]*\).*/\1/p' "$work/out")
[ -n "$url" ] || { echo "the server did not start:"; cat "$work/log"; exit 1; }
export OVERTAKE_TEST_BINARY=$binary PYTHONDONTWRITEBYTECODE=1
export OVERTAKE_TEST_URL=$url OVERTAKE_TEST_LOG=$work/log OVERTAKE_TEST_MODELS="${models[*]}"

failed=0
for test in "$here"/python/test_*.py; do
  "$python/bin/python" -W error::ResourceWarning "$test" || failed=1
done
(cd "$here/node" && "$node" --test --test-reporter=dot) || failed=1

# ---- it drains and ends well
kill -TERM "$server"
wait "$server" || { echo "the server ended with status $?"; failed=1; }
if [ "$failed" != 0 ]; then
  echo "---- the server's log"
  tail -20 "$work/log"
fi
exit $failed

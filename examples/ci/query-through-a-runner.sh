#!/usr/bin/env bash
# A CI job that reaches a database through a runner of its own: from nothing to rows, and nothing left behind.
#
# Set SEMILAYER_SERVICE_URL and SEMILAYER_API_KEY (an operator's key), DATABASE_URL and BRIDGE (postgres, mysql or
# sqlite), and TARGET, the table to count. Running it twice, or side by side with another name, does no harm.
set -euo pipefail

name=${RUNNER_NAME:-ci-${CI_JOB_ID:-local}}
work=$(mktemp -d)
runner_pid=

tear_down() {
  status=$?
  if [ -n "$runner_pid" ]; then
    kill -TERM "$runner_pid" 2>/dev/null || true
    wait "$runner_pid" || true
  fi
  semilayer runners delete "$name" --yes --quiet || true
  semilayer sources remove "$name" --force --quiet || true
  rm -rf "$work"
  exit "$status"
}
trap tear_down EXIT

# Create or reuse: the token of a runner that is there already is made anew.
if semilayer runners show "$name" --json >/dev/null 2>&1; then
  semilayer runners rotate "$name" --yes --env-file "$work/runner.env"
else
  semilayer runners create "$name" --env-file "$work/runner.env"
fi

# The database URL stays on this machine: the service never sees it.
semilayer sources show "$name" --json >/dev/null 2>&1 ||
  semilayer sources add "$name" --bridge "$BRIDGE" --runner-local
semilayer runners assign "$name" "$name"
printf '%s' "$DATABASE_URL" >"$work/url"
chmod 600 "$work/url"
variable=SEMILAYER_SOURCE_$(printf '%s' "$name" | tr 'a-z' 'A-Z' | tr -c 'A-Z0-9' '_')_URL_FILE

export "$variable=$work/url"
SEMILAYER_GATEWAY_URL=${SEMILAYER_GATEWAY_URL:-$(semilayer whoami --json | jq -r .gatewayUrl)}
export SEMILAYER_GATEWAY_URL
health_port=${HEALTH_PORT:-8089}
semilayer run --env-file "$work/runner.env" --health-port "$health_port" --log-format json >"$work/log" &
runner_pid=$!

for _ in $(seq 1 100); do
  semilayer ready --health-port "$health_port" --quiet 2>/dev/null && break
  kill -0 "$runner_pid" || { cat "$work/log" >&2; exit 1; }
  sleep 0.1
done
semilayer ready --health-port "$health_port"

semilayer sources test "$name"
semilayer count "$name" "$TARGET"
semilayer query "$name" "$TARGET" --limit 5 --json | jq -c '.rows[]'

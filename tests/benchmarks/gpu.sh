#!/usr/bin/env bash
# Check training on a GPU: bash tests/benchmarks/gpu.sh [--wheels DIR] [--data DIR] [--device cpu]
# Uses the python3 (or $PYTHON) whose torch sees the card. Needs no network. Ends within 8 minutes.
# Packages that training needs and this machine lacks come from the wheels in DIR (pip download -d DIR NAME==VERSION).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
python="${PYTHON:-python3}"
options=()
while (($#)); do
  if [[ $1 == --wheels && $# -gt 1 ]]; then
    site="$(mktemp -d)"
    # No dependencies: those that the machine has (torch, numpy) must stay the machine's own.
    "$python" -m pip install --quiet --no-index --no-deps --find-links "$2" --target "$site" "$2"/*.whl || exit 2
    export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
    shift 2
  else
    options+=("$1")
    shift
  fi
done
export PYTHONUNBUFFERED=1
exec timeout 475 "$python" -m tests.benchmarks.gpu "${options[@]}"

#!/usr/bin/env bash
# All that needs a CUDA card, in less than six minutes: the CUDA tests, compute-sanitizer over every Triton kernel, and
# the benchmark. From the root of the repository:
#
#   bench/on_gpu.sh FOLDER
#
# Needs PyTorch with Triton, pytest and the package: installed, or its compiled module in
# crates/softnce-python/python/softnce. PYTHON names the interpreter [python3]. FOLDER receives summary.txt, tests.log,
# sanitizer.log, benchmark.txt, .json and .md. Each step has a time limit, and one that fails does not stop the others.
set -uo pipefail
[ $# = 1 ] || { echo "usage: bench/on_gpu.sh FOLDER" >&2; exit 2; }
mkdir -p "$1" && out="$(cd "$1" && pwd)" || exit 2
cd "$(dirname "$0")/.." || exit 2
python="${PYTHON:-python3}"
package="$PWD/crates/softnce-python"
export PYTHONPATH="$package/python${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
logs="$(mktemp -d)"
trap 'rm -rf "$logs"' EXIT
: >"$out/summary.txt"

# The end of the steps that run together, in seconds from the start.
deadline=205

# step NAME SECONDS COMMAND..: runs a command with a time limit; its output goes to a log, its outcome to the summary.
step() {
  local name="$1" limit="$2" began="$SECONDS" code=0
  shift 2
  [ "$limit" -le $((deadline - began)) ] || limit=$((deadline - began))
  if [ "$limit" -lt 1 ]; then
    echo "$name: FAILED: no time was left" | tee -a "$out/summary.txt"
    return 1
  fi
  timeout -k 5 "$limit" "$@" >"$logs/$name.log" 2>&1 || code=$?
  local outcome="FAILED with $code"
  [ "$code" = 0 ] && outcome="ok"
  [ "$code" = 124 ] && outcome="FAILED: over its limit of $limit s"
  echo "$name: $outcome, $((SECONDS - began)) s" | tee -a "$out/summary.txt"
  return "$code"
}

# A family's kernels under the memory checkers. They are compiled first, because a checker slows that down. Without
# PyTorch's cache each tensor is an allocation of its own, so that a checker sees what lies beyond it.
sanitize() {
  local run=("$python" "$package/tools/run_kernels.py" --only "$1")
  step "run-$1" 100 "${run[@]}" || return
  for tool in memcheck racecheck; do
    PYTORCH_NO_CUDA_MEMORY_CACHING=1 \
      step "$tool-$1" 120 compute-sanitizer --tool "$tool" --error-exitcode 9 "${run[@]}"
  done
}

tests() {
  local parallel=()
  "$python" -c "import xdist" 2>"$logs/xdist.log" && parallel=(-n 6)
  # A warning of an unknown version of PyTorch is no failure here.
  step tests 200 "$python" -m pytest -q -p no:cacheprovider -W default --durations 5 ${parallel[@]+"${parallel[@]}"} \
    -c "$package/pyproject.toml" --rootdir "$package" "$package"/tests/test_cuda*.py
}

families="$("$python" -c 'from softnce.torch._triton import NAMES; print(*NAMES)')" || exit 1
"$python" -c 'import torch; print(torch.__version__, torch.cuda.get_device_name())' | tee -a "$out/summary.txt" || exit 1

# These may share the card; the benchmark may not.
tests &
running=($!)
for family in $families; do
  sanitize "$family" &
  running+=($!)
done
wait "${running[@]}"

deadline=$((SECONDS + 140))
step benchmark 140 "$python" bench/against_pytorch.py --device cuda --sides torch,package --budget 90 --rounds 3 \
  --json "$out/benchmark.json" --markdown "$out/benchmark.md"

cp "$logs/tests.log" "$out/tests.log"
cp "$logs/benchmark.log" "$out/benchmark.txt"
for log in "$logs"/run-* "$logs"/memcheck-* "$logs"/racecheck-*; do
  [ -e "$log" ] && echo "== $(basename "$log" .log)" && tail -n 200 "$log"
done >"$out/sanitizer.log"
echo
tail -n 15 "$out/tests.log"
grep -h "ERROR SUMMARY\|RACECHECK SUMMARY\|FAILED" "$out/sanitizer.log"
cat "$out/benchmark.txt" "$out/summary.txt"
! grep -q FAILED "$out/summary.txt"

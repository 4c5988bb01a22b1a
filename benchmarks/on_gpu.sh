#!/usr/bin/env bash
# What a GPU is measured for, by one command on any machine with dexjax installed:
#
#     bash benchmarks/on_gpu.sh OUT_FOLDER [SECONDS] [--tiny]
#
# Parts, in this order, each with a time limit of its own and all within SECONDS (600):
#
#   warp            the task's pipeline on MuJoCo Warp, for 3,200, 1 and 64 objects in
#                   1,024 to 16,384 worlds, and whole PPO iterations -> throughput.json
#   mjx             the pipeline on MJX -> throughput.json
#   inhand          experts of the in-hand task on Warp and MuJoCo C; GRASPS names the
#                   grasp sets -> inhand.json
#   ppo             PPO's update on a system that costs nothing -> ppo_gpu.json
#   hyper, student  success of the shipped policies on Warp beside MuJoCo C
#                   -> parity-POLICY-warp.json
#   hyper, student  the same on MJX, which compiles for minutes
#                   -> parity-POLICY-mjx.json
#
# A part that fails, or for which no time is left, loses nothing of the others: results
# are written row by row. All that is printed is in on_gpu.log, too. Objects and start
# states that are not in the user's cache are made first, which takes minutes. --tiny runs
# all parts with so few worlds that a CPU can do it, to try the script itself. PYTHON is
# the interpreter, python3 by default.
#
# The rows join the other results by
#
#     python benchmarks/merge.py OUT_FOLDER && python benchmarks/readme.py
set -u

if [ $# -lt 1 ] || [ "${1#--}" != "$1" ]; then
    echo "usage: bash benchmarks/on_gpu.sh OUT_FOLDER [SECONDS] [--tiny]" >&2
    exit 2
fi
out=$1
total=600
tiny=
shift
for word in "$@"; do
    case $word in
        --tiny) tiny=1 ;;
        '' | *[!0-9]*) echo "$word: give a whole number of seconds, or --tiny" >&2; exit 2 ;;
        *) total=$word ;;
    esac
done

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"
mkdir -p "$out" || exit
out=$(cd "$out" && pwd)
exec > >(tee -a "$out/on_gpu.log") 2>&1
log=$!

few=20 # s, not worth a start
failed=0

# part NAME LIMIT_S SCRIPT ARGUMENTS...: one part within its limit and what time is left.
part() {
    local name=$1 limit=$2 script=$3 began=$SECONDS left=$((total - SECONDS)) status
    shift 3
    if [ "$left" -lt $few ]; then
        echo "== $name: skipped, no time is left"
        failed=1
        return
    fi
    [ "$tiny" ] && limit=$((limit * 5)) # A CPU compiles Warp's kernels for minutes.
    [ "$limit" -gt "$left" ] && limit=$left
    echo "== $name: at most $limit s"
    timeout -k 5 "$limit" "$python" "$here/$script" "$@"
    status=$?
    [ $status -eq 124 ] && echo "== $name: stopped at its limit"
    [ $status -ne 0 ] && failed=1
    echo "== $name: exit status $status after $((SECONDS - began)) s"
}

parity() { # POLICY ENGINE LIMIT_S
    part "$1 on $2" "$3" parity.py --policy "resdex/$1" --engines "$2" \
        --objects "$objects" --episodes "$episodes" --out "$out/parity-$1-$2.json"
}

if [ "$tiny" ]; then
    counts=(1) mjx_counts=(1) worlds=(2) mjx_worlds=(2) rounds=(--iterations 1 --rounds 1)
    objects=mug episodes=2 hands=(16) held=geometric/train/cube
else
    counts=(3200 1 64) worlds=(1024 4096 16384)
    mjx_counts=(1 64) mjx_worlds=(4096 1024) rounds=()
    objects=everyday/train:64 episodes=4 hands=(4096 16384) held=geometric/train
fi
table=(--out "$out/throughput.json")

part warp 180 throughput.py --engines warp --objects "${counts[@]}" \
    --worlds "${worlds[@]}" "${table[@]}"
part mjx 150 throughput.py --engines mjx --objects "${mjx_counts[@]}" \
    --worlds "${mjx_worlds[@]}" "${table[@]}"
part inhand 120 inhand.py --engines warp native --worlds "${hands[@]}" --object $held \
    --grasps "${GRASPS:-$here/../runs/dexgen/grasp-sets/train/grasp_sets.npz}" \
    --rounds 2 --out "$out/inhand.json"
part ppo 45 ppo.py --alone "${rounds[@]}" --out "$out/ppo_gpu.json"
parity hyper warp 100
parity student warp 100
parity hyper mjx 240
parity student mjx 240
exec >&- 2>&- # The log is whole when this returns.
wait "$log"
exit $failed

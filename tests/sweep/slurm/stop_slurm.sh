#!/usr/bin/env bash
# Stop the Slurm that start_slurm.sh started, by the process ids it left. munged stays: others may use it.
set -euo pipefail

folder=/run/tumorabm-slurm
for name in slurmd slurmctld; do
    file=$folder/$name.pid
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    # A number can have passed to another process since.
    [ "$(basename "$(readlink "/proc/$pid/exe" || true)")" = "$(basename "$(readlink -f "$(command -v "$name" || echo "/usr/sbin/$name")")")" ] || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 50); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
done
if [ "${1:-}" = --keep-lock ]; then
    find "$folder" -mindepth 1 -not -name lock -delete 2>/dev/null || true
else
    rm -rf "$folder"
fi

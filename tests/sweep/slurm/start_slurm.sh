#!/usr/bin/env bash
# A real Slurm on this one machine, for the tests: controller, one node, one partition, no accounting.
#
#   tests/sweep/slurm/start_slurm.sh      install what is missing (Debian, as root), start it, wait until the node is idle
#   tests/sweep/slurm/stop_slurm.sh       stop it; its folder goes, the packages stay
#
# Prints the path of its slurm.conf and nothing else on standard output, so that
#
#   export SLURM_CONF=$(tests/sweep/slurm/start_slurm.sh)
#
# makes sbatch talk to it. It keeps to a folder and ports of its own: a Slurm that the machine belongs to is not touched.
# Safe to call again, also from two processes at once; started already, it answers at once.
set -euo pipefail
umask 022

folder=/run/tumorabm-slurm
conf=$folder/slurm.conf
wait_seconds=30

fail() {
    echo "start_slurm.sh: $1" >&2
    [ -z "${2:-}" ] || [ ! -e "$2" ] || tail -n 15 "$2" | without_hosts >&2
    exit 1
}

# What package tools and daemons print may name machines; logs of tests need not.
without_hosts() { sed -E 's#[a-z+]+://[^[:space:]]+#(address)#g; s#([0-9]{1,3}\.){3}[0-9]{1,3}#(address)#g'; }

[ "$(id -u)" = 0 ] || fail "it installs packages and starts daemons: run it as root"
mkdir -p "$folder"
exec 9>"$folder/lock"
flock -w 180 9 || fail "another start has been under way for three minutes"

install_packages() {
    command -v apt-get >/dev/null || fail "Slurm is not installed, and only Debian's packages are known here"
    local log=$folder/install.log
    export DEBIAN_FRONTEND=noninteractive
    # No services (there may be no init), no manuals, no syncing of each file: it is a test machine.
    local options=(-y -q --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-unsafe-io
        -o 'Dpkg::Options::=--path-exclude=/usr/share/man/*' -o 'Dpkg::Options::=--path-exclude=/usr/share/doc/*')
    local packages=(slurmctld slurmd slurm-client munge)
    apt-get install "${options[@]}" "${packages[@]}" >"$log" 2>&1 9>&- && return
    { apt-get update -q && apt-get install "${options[@]}" "${packages[@]}"; } >"$log" 2>&1 9>&- ||
        fail "the packages ${packages[*]} could not be installed:" "$log"
}

for program in slurmctld slurmd sbatch munged; do
    command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || { install_packages && break; }
done
export PATH=$PATH:/usr/sbin SLURM_CONF=$conf

node=$(hostname -s)
alive() { [ -s "$folder/$1.pid" ] && kill -0 "$(cat "$folder/$1.pid")" 2>/dev/null; }
state() { timeout 5 sinfo --noheader --nodes="$node" --format=%T 2>/dev/null || echo "no answer"; }
idle() { alive slurmctld && alive slurmd && state | grep -qE '^(idle|mixed|allocated)$'; }
if idle; then
    echo "$conf"
    exit
fi

# Whatever is left of an earlier one: only processes that our own files name.
"$(dirname "$0")/stop_slurm.sh" --keep-lock
mkdir -p "$folder"/{state,spool}

start_munge() {
    munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1 && return
    [ -s /etc/munge/munge.key ] || mungekey --create || fail "no key for munge could be made"
    install -d -o munge -g munge -m 755 /run/munge
    install -d -o munge -g munge -m 700 /var/log/munge /var/lib/munge
    chown munge:munge /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
    setpriv --reuid=munge --regid=munge --clear-groups munged --force 9>&- >/dev/null 2>"$folder/munged.log" ||
        fail "munged did not start:" "$folder/munged.log"
    for _ in $(seq 50); do
        munge -n </dev/null 2>/dev/null | unmunge >/dev/null 2>&1 && return
        sleep 0.1
    done
    fail "munged started, but does not answer" /var/log/munge/munged.log
}

cpus=$(getconf _NPROCESSORS_ONLN) # not nproc, which OMP_NUM_THREADS changes
memory=$(awk '/^MemTotal/ {print int($2 / 1024 * 0.9)}' /proc/meminfo)
cat >"$conf" <<END
ClusterName=tumorabm
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc=$folder/completed.txt
ReturnToService=2
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0
KillWait=30
NodeName=$node NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory State=UNKNOWN
PartitionName=main Nodes=$node Default=YES MaxTime=INFINITE State=UP
END

start_munge
# Without the lock's descriptor, which daemons would hold for ever.
slurmctld -i 9>&- >/dev/null 2>"$folder/slurmctld.err" || fail "slurmctld did not start:" "$folder/slurmctld.log"
slurmd -N "$node" 9>&- >/dev/null 2>"$folder/slurmd.err" || fail "slurmd did not start:" "$folder/slurmd.log"
until=$((SECONDS + wait_seconds))
while [ $SECONDS -lt $until ]; do
    if idle; then
        echo "$conf"
        exit
    fi
    sleep 0.2
done
alive slurmctld || fail "slurmctld has ended:" "$folder/slurmctld.log"
alive slurmd || fail "slurmd has ended:" "$folder/slurmd.log"
fail "the node is not ready after $wait_seconds s ($(state)):" "$folder/slurmctld.log"

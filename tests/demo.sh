#!/bin/sh
# Plays a morning with alga on practice data in a temporary home, each command with its real output.
set -eu
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
unset ALGA_API_KEY ALGA_URL ALGA_PROFILE
export ALGA_CONFIG_DIR="$home/config" ALGA_DATA_DIR="$home/data" ALGA_STATE_DIR="$home/state"

play() {
    printf '$ alga %s\n' "$1"
    eval "\"$BIN/alga\" $1"
    echo
}

play 'log tk_77d0 7:40-9:10 --date yesterday -m "Patch night follow-up"'
play 'start tk_9c41 --ago 48m -m "On-site VPN repair"'
play 'status'
play 'stop'
play 'list --from yesterday'
play 'stats --by work-item --from yesterday'
echo "That was practice data, and it is gone. To start your own: $BIN/alga start tk_9c41"

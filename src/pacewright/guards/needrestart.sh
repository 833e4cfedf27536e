#!/bin/sh
# needrestart: the restart of what the cluster runs becomes owed. needrestart runs a file of restart.d that has the unit's
# name instead of `systemctl restart`. `--links` makes such links to this file for all units that are guarded now.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
self=/usr/lib/pacewright/needrestart
folder=/etc/needrestart/restart.d

if [ "${1:-}" = --links ]; then
    units=$(pacewright guard --units) || exit
    printf '%s\n' "$units" | while read -r unit; do
        case $unit in '' | */*) continue ;; esac # the name comes from the CIB, which others may write
        [ -e "$folder/$unit" ] || ln -sf -- "$self" "$folder/$unit"
    done
    exit
fi
unit=${0##*/}
pacewright guard "$unit" restart
code=$?
case $code in
    0) exec systemctl restart -- "$unit" ;;
    101) ;;
    *) echo "needrestart: $unit may be the cluster's, and \`pacewright guard\` ended with $code, so it was not restarted." >&2 ;;
esac

#!/bin/sh
# needrestart: the restart of what the cluster runs becomes owed. needrestart runs a file of restart.d that has the unit's
# name instead of `systemctl restart`. `--links` makes such links to this file for all units that the cluster runs now.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
self=/usr/lib/pacewright/needrestart
folder=/etc/needrestart/restart.d

if [ "${1:-}" = --links ]; then
    for unit in $(pacewright guard --units); do
        [ -e "$folder/$unit" ] || ln -sf "$self" "$folder/$unit"
    done
    exit 0
fi
unit=${0##*/}
pacewright guard "$unit" restart
[ $? = 101 ] || exec systemctl restart "$unit"

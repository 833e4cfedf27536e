#!/bin/sh
# policy-rc.d: the scripts of packages do not start, stop or restart what the cluster runs. What they wanted becomes
# owed. About everything else decides whoever had this place before.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
set -f
cib=/var/lib/pacemaker/cib/cib.xml
services=/etc/pacewright/services.yaml
unit='' actions=''
for word; do
    case $word in
        --*) ;;
        *) if [ -z "$unit" ]; then unit=$word; elif [ -z "$actions" ]; then actions=$word; fi ;;
    esac
done

# These units, their other names, and those that stop with them, one a line.
with_others() {
    echo "$1"
    # shellcheck disable=SC2086 # a list of units
    systemctl show --value --property=Id,Names,ConsistsOf,PropagatesStopTo,RequiredBy,RequisiteOf,BoundBy -- $1 2>/dev/null |
        tr ' ' '\n' | sed '/^$/d'
}

# Most units are not the cluster's, which takes no Python to see.
may_be_ours() {
    [ -n "$actions" ] || return 1
    names='' more=$unit
    while [ "$more" != "$names" ]; do
        names=$more
        more=$(with_others "$names" | sort -u)
    done
    for name in $names; do
        case $name in corosync.service | pacemaker.service | pacemaker_remote.service | sbd.service) return 0 ;; esac
        name=${name%.service}
        grep -qswF -e "$name" "$services" && return 0
        grep -qsF -e "\"$name\"" -e "\"$name.service\"" "$cib" && return 0
    done
    [ ! -e "$cib" ] && pidof pacemaker-remoted >/dev/null # such a node has no CIB to look into
}

# deb-systemd-invoke gives up on all of its units for one that is denied. The others get a call of their own.
call_others() {
    parent=$PPID
    grep -qs deb-systemd-invoke "/proc/$parent/cmdline" || parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$parent/status" 2>/dev/null)
    [ -r "/proc/$parent/cmdline" ] || return
    tr '\0' '\n' <"/proc/$parent/cmdline" | sed '1,/deb-systemd-invoke$/d' | {
        read -r action || exit
        while read -r other; do
            case $action,$other in
                -*) exit ;; # a user's units
                *,"$unit") ;;
                *) deb-systemd-invoke "$action" "$other" ;;
            esac
        done
    }
}

if may_be_ours; then
    # shellcheck disable=SC2086 # a list of actions
    pacewright guard "$unit" $actions
    code=$?
    if [ $code != 0 ]; then # also when it is not there, or fails, as while Python itself is being upgraded
        [ $code = 101 ] ||
            echo "policy-rc.d: $unit may be the cluster's, and \`pacewright guard\` ended with $code, so \`$actions\` was not done." >&2
        call_others
        exit 101
    fi
fi
for next in /etc/pacewright/policy-rc.d $(update-alternatives --list policy-rc.d 2>/dev/null); do
    if [ -x "$next" ] && [ "$next" != /usr/lib/pacewright/policy-rc.d ]; then exec "$next" "$@"; fi
done
exit 0

#!/bin/sh
# policy-rc.d: the scripts of packages do not start, stop or restart what the cluster runs. What they wanted becomes
# owed. About everything else decides whoever had this place before.
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cib=/var/lib/pacemaker/cib/cib.xml
unit='' actions=''
for word; do
    case $word in
        --*) ;;
        *) if [ -z "$unit" ]; then unit=$word; elif [ -z "$actions" ]; then actions=$word; fi ;;
    esac
done

# Most units are not the cluster's, which takes no Python to see.
may_be_ours() {
    [ -n "$actions" ] || return 1
    [ -e "$cib" ] || { pidof pacemaker-remoted >/dev/null; return; }
    grep -qsF -e "${unit%.service}" "$cib" /etc/pacewright/services.yaml
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
    if [ $? = 101 ]; then
        call_others
        exit 101
    fi
fi
for next in /etc/pacewright/policy-rc.d $(update-alternatives --list policy-rc.d 2>/dev/null); do
    if [ -x "$next" ] && [ "$next" != /usr/lib/pacewright/policy-rc.d ]; then exec "$next" "$@"; fi
done
exit 0

# Sets where the changes of a host are kept, and where its standing change is. The directory of the lock lies in what the
# container of the PDS may write. There root writes the lock, and runs nothing: all else of root lies below /var/lib, under
# the physical path of that directory. Other users keep it beside the lock: there is no root to protect.

p=$d uid=
{ while read -r key real uid rest; do [ "$key" != Uid: ] || break; done </proc/self/status; } 2>/dev/null
if [ "$uid" = 0 ]; then
  p=$(cd -P "${d%/*}" 2>/dev/null && pwd -P) || p=${d%/*}
  p=/var/lib/kimbia-ops$p
fi
c=$p/change kept=$p/change
stands() {
  kept=$c
  [ ! -d "$c" ] || return 0
  [ "$p" != "$d" ] && [ ! -L "$d/change" ] && [ -f "$d/change/plan.json" ] && kept=$d/change
}

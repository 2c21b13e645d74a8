# Sets $place, the directory for the changes of $state_dir, and $change_dir, the pending change.
# The container of the PDS can write to $state_dir. So root keeps only the lock there. Root keeps its changes below
# /var/lib, under the physical path of the directory. Other users keep theirs beside the lock: they protect no root.

place=$state_dir uid=''
{ while read -r key _ uid _; do [ "$key" != Uid: ] || break; done </proc/self/status; } 2>/dev/null
if [ "$uid" = 0 ]; then
  place=$(cd -P "${state_dir%/*}" 2>/dev/null && pwd -P) || place=${state_dir%/*}
  place=/var/lib/kimbia-ops$place
fi
change_dir=$place/change pending_dir=$place/change
# Whether there is a pending change; sets $pending_dir. Earlier versions kept it beside the lock for root too.
find_pending() {
  pending_dir=$change_dir
  [ ! -d "$change_dir" ] || return 0
  [ "$place" != "$state_dir" ] && [ ! -L "$state_dir/change" ] && [ -f "$state_dir/change/plan.json" ] &&
    pending_dir=$state_dir/change
}

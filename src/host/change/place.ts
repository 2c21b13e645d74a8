/**
 * Lines of sh that set `p`, where the changes of `$d` are kept, and `c`, the one that stands. `$d` lies in what the
 * container of the PDS may write, so that root runs and writes nothing there but the lock: what root keeps lies below
 * /var/lib, under the physical path of the directory. Any other user keeps it beside the lock: there is no root to protect.
 *
 * `stands` tells whether a change stands, and sets `kept` to where: earlier versions kept one beside the lock for root too.
 */
export const changePlace = `p=$d uid=
{ while read -r key real uid rest; do [ "$key" != Uid: ] || break; done </proc/self/status; } 2>/dev/null
if [ "$uid" = 0 ]; then
  p=$(cd -P "\${d%/*}" 2>/dev/null && pwd -P) || p=\${d%/*}
  p=/var/lib/kimbia-ops$p
fi
c=$p/change kept=$p/change
stands() {
  kept=$c
  [ ! -d "$c" ] || return 0
  [ "$p" != "$d" ] && [ ! -L "$d/change" ] && [ -f "$d/change/plan.json" ] && kept=$d/change
}
`

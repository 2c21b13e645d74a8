# The agent: holds the lock of a host, and with it one change, until its standard input ends.
# agent.ts sets $state_dir, $errand, $writes, $unverified and $decode_line before it, and joins the parts.

lock=$state_dir/lock backups=$state_dir/backups
new_dir='' acquired='' holder_line=''
# Stands for a line break in an answer, which is one line.
separator=$(printf '\002')
umask 077
cd / || exit 1
# answer WORD TEXT
answer() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | tr '\n' '\002')"; }
refuse() {
  answer no "$1"
  exit 0
}
identify "$$" || refuse 'there is no /proc to tell a living process by'
own_token=$token
# The name cannot be guessed, so the container cannot place a link under it.
read -r random </proc/sys/kernel/random/uuid
staged_lock=$state_dir/.lock.$random
for path in "$state_dir" "$lock" "$place" "$change_dir" "$place/last" "$backups"; do
  [ ! -L "$path" ] || refuse "$path is a symbolic link"
done
for path in "$state_dir" "$place"; do
  [ -d "$path" ] || reason=$(mkdir -p "$path" 2>&1) || refuse "$reason"
done
case $errand in
begin)
  trap withdraw EXIT
  trap 'exit 1' HUP INT TERM PIPE
  new_dir=$place/.new.$$
  reason=$(receive 2>&1) || refuse "${reason:-what came was cut off, or the disk is full}"
  begin
  trap - EXIT HUP INT TERM PIPE
  ;;
adopt) adopt ;;
break) break_lock ;;
esac
if [ "$errand" = adopt ]; then answer ok "$(print_lock_state)"; else echo ok; fi
serve

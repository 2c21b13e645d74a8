# The agent holds a change until its standard input ends.

l=$d/lock new= got= line=
sep=
umask 077
cd /
tell() { printf '%s %s\n' "$1" "$(printf '%s' "$2" | tr '\n' '\002')"; }
refuse() { tell no "$1"; exit 0; }
identify "$$" || refuse 'there is no /proc to tell a living process by'
mine=$token
# Nobody can have put a link under a name that cannot be guessed.
read -r random </proc/sys/kernel/random/uuid
staged=$d/.lock.$random
for one in "$d" "$l" "$p" "$c" "$p/last" "$d/backups"; do
  [ ! -L "$one" ] || refuse "$one is a symbolic link"
done
for one in "$d" "$p"; do
  [ -d "$one" ] || why=$(mkdir -p "$one" 2>&1) || refuse "$why"
done
case $errand in
begin)
  trap withdraw EXIT
  trap 'exit 1' HUP INT TERM PIPE
  new=$p/.new.$$
  why=$(receive 2>&1) || refuse "${why:-what came was cut off, or the disk is full}"
  place
  trap - EXIT HUP INT TERM PIPE
  ;;
adopt) adopt ;;
break) release ;;
esac
if [ "$errand" = adopt ]; then tell ok "$(standing)"; else echo ok; fi
serve

# guard.sh PID FOLDER: waits until a benchmark is gone, however it ended; then ends all that it started and removes its folder.
# Processes are known by their pid files, by where they work, and by the mark in the environment they were started with.
owner=$1 folder=$2
trap '' INT TERM HUP

tail --pid="$owner" -f /dev/null

inhabitants() {
    find /proc -maxdepth 2 -name cwd \( -lname "$folder" -o -lname "$folder/*" \) 2>/dev/null | cut -d/ -f3
    grep -lszxF "BUCARDO_BENCH_HOME=$folder" /proc/[0-9]*/environ | cut -d/ -f3 | grep -vx $$
    for file in "$folder"/*/run/*.pid; do
        [ -e "$file" ] && read -r pid rest <"$file" || continue
        case "$pid:$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)" in *[!0-9]*:*) ;; *:Bucardo*) echo "$pid" ;; esac
    done
}

servers() {
    for file in "$folder"/*/data/postmaster.pid; do
        [ -e "$file" ] && read -r pid <"$file" || continue
        [ "$(readlink "/proc/$pid/cwd")" = "${file%/*}" ] && echo "$pid"
    done
}

daemons() { inhabitants | grep -vxF "$(servers; pgrep -P "$(servers | paste -sd,)" 2>/dev/null)"; }

for signal in TERM TERM KILL; do
    kill -$signal $(daemons) 2>/dev/null && sleep 0.5
done
kill -QUIT $(servers) 2>/dev/null
for patience in $(seq 40); do
    [ -n "$(inhabitants)" ] || break
    [ "$patience" -lt 30 ] || kill -KILL $(inhabitants) 2>/dev/null
    sleep 0.1
done
rm -rf "$folder"

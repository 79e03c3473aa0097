# The guard of a test's folder $1: waits until the owner closes our standard input, however it ended; then ends every
# process that lives in the folder and removes it. A server is asked to stop (SIGQUIT: at once, but freeing its shared
# memory); everybody else is killed.
folder=$1

# Found by where they work, by the mark in the environment they were started with, or by a pid file that names one of our
# processes: a daemon may leave the folder, and a long process title overwrites the environment.
inhabitants() {
    find /proc -maxdepth 2 -name cwd \( -lname "$folder" -o -lname "$folder/*" \) 2>/dev/null | cut -d/ -f3
    grep -lszxF "BUCARDO_TEST_HOME=$folder" /proc/[0-9]*/environ | cut -d/ -f3
    for file in "$folder"/run/*.pid; do
        pid=
        [ -e "$file" ] && read -r pid rest <"$file"
        case "$pid:$(readlink "/proc/$pid/exe")" in *[!0-9]*:*|:*) ;; *:*/bucardo_ctl*) echo "$pid" ;; esac
    done
}

cat >/dev/null
if [ -e "$folder/data/postmaster.pid" ]; then
    read -r server <"$folder/data/postmaster.pid"
    [ "$(readlink "/proc/$server/cwd")" = "$folder/data" ] && kill -QUIT "$server" 2>/dev/null
fi
for patience in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    pids=$(inhabitants)
    [ -n "$pids" ] || break
    if [ "$patience" -gt 15 ] || [ ! -e "$folder/data" ]; then
        kill -KILL $pids 2>/dev/null
    fi
    sleep 0.05
done
[ -n "${BUCARDO_TEST_KEEP-}" ] || rm -rf "$folder"
[ -z "$pids" ]

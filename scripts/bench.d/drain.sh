# How long a backlog takes: changes pile up while nothing runs; then a program is started, and the clock runs until the last of
# them is visible on the target. How long the same start takes with a single change is measured, too, and shown apart.

measure_drain() {
    local contenders=(ours logical) name round
    have_perl && contenders+=(perl)
    for name in "${contenders[@]}"; do prepare "$name"; done
    for ((round = 0; round < rounds; round++)); do
        for name in "${contenders[@]}"; do
            say "Draining, round $((round + 1)): ${title[$name]}"
            drain_start_up "$name"
            drain_once "$name" $((round * 1000)) 100000 drain
        done
    done
    heading "Drain: 100,000 changed rows of 1,000,000 (60 % update, 30 % insert, 10 % delete), medians of $rounds"
    drain_table drain "${contenders[@]}"
    [ -z "$large" ] || measure_large
}

measure_large() {
    local contenders=(ours logical) name
    for name in "${contenders[@]}"; do
        say "Draining 1,000,000 changes: ${title[$name]}"
        drain_once "$name" 10000 1000000 large
    done
    heading "Drain: 1,000,000 changed rows"
    drain_table large "${contenders[@]}"
}

drain_start_up() {
    mark "$1"
    drain_run "$1" "$mark"
    echo "$taken" >>"$world/start_up.$1"
}

# drain_once NAME FIRST-PART CHANGES KEY
drain_once() {
    mark=$((mark + 1))
    on "$1_a" --command="call change_items($2, $3, $mark)"
    for side in a b; do on "$1_$side" --command=checkpoint; done
    drain_run "$1" "$mark" "$4"
    echo "$taken" >>"$world/$4.$1"
    same "$1" items
}

# drain_run NAME MARK [KEY]: starts, waits for the mark, stops; $taken is the time from start to mark.
drain_run() {
    local start watcher=
    start=$(now)
    "$1_start"
    if [ "$1" = ours ] && [ -n "${3-}" ]; then
        watch_memory "$3" ours bench "$mark" &
        watcher=$!
    fi
    arrive "$1" "$2" 900
    taken=$(since "$start")
    [ -z "$watcher" ] || wait "$watcher"
    "$1_stop"
}

# watch_memory KEY FOLDER SYNC MARK: follows a kid's memory until the mark is on the target: its own peak (VmHWM) and the private
# part of it. KiB.
watch_memory() {
    local peak=0 private=0 now pid file=$world/$2/run/bucardo.kid.sync.$3.b.pid
    until [ -s "$file" ]; do sleep 0.02; done
    read -r pid <"$file"
    while [ -e "/proc/$pid/status" ] && [ "$(readlink "/proc/$pid/exe")" ]; do
        now=$(private_memory "$pid")
        [ "$now" -le "$private" ] || private=$now
        peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
        printf '%s %s\n' "$peak" "$private" >"$world/memory.$1.new"
        mv "$world/memory.$1.new" "$world/memory.$1"
        [ "$(on "$2_b" --command="select exists (select from marks where id = $4)")" = f ] || break
        sleep 0.1
    done
}

private_memory() { awk '/^Private/ { kib += $2 } END { print kib + 0 }' "/proc/$1/smaps_rollup"; }

# drain_table KEY NAME ...
drain_table() {
    local key=$1 name all net
    local -A of
    shift
    row "" "seconds" "start alone" "difference" "rows/s"
    for name in "$@"; do
        all=$(median <"$world/$key.$name")
        net=$(median <"$world/start_up.$name")
        of[$name]=$(calc "$all - $net" %.3f)
        row "${title[$name]}" "$all" "$net" "${of[$name]}" "$(calc "$(changes "$key") / $all" %.0f)"
        figure "$key.$name.seconds" "$all"
        figure "$key.$name.start_up_seconds" "$net"
        of[all.$name]=$all
    done
    compare_drain "$key" logical 1 "native logical"
    [ -z "${of[perl]-}" ] || compare_drain "$key" perl 3 "Perl bucardo"
    memory_row "$key"
}

changes() { [ "$1" = large ] && echo 1000000 || echo 100000; }

# compare_drain KEY NAME FACTOR TITLE: by the whole time, from start to end; and without the time of the start.
compare_drain() {
    local whole net
    whole=$(calc "${of[all.$2]} / ${of[all.ours]}")
    net=$(calc "${of[$2]} / ${of[ours]}")
    figure "$1.$2.speed_ratio" "$whole"
    figure "$1.$2.speed_ratio_without_start" "$net"
    goal "$1.$2" "$whole" '>=' "$3" "at least $3 times as fast as $4"
    goal "$1.$2.without_start" "$net" '>=' "$3" "the same, without the time of the start"
}

memory_row() {
    local peak private
    read -r peak private <"$world/memory.$1"
    figure "$1.kid_peak_kib" "$peak"
    figure "$1.kid_private_kib" "$private"
    goal "$1.memory" "$(calc "$peak / 1024" %.1f)" '<' 32 "peak memory of the KID under 32 MiB (private: $(calc "$private / 1024" %.1f))"
}

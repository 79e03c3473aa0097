# Two masters: changes pile up on both while nothing runs; then a program is started, and the clock runs until both sides have
# the other's last change. A tenth of the changed rows are the same on both sides; the later change wins.

swap_ours_servers() { both_servers swap_ours; }
swap_ours_start() { ours_start_in swap_ours; }
swap_ours_stop() { ours_stop_in swap_ours; }

swap_ours_prepare() {
    ours_install swap_ours "${port[swap_ours_b]}"
    ours_databases swap_ours
    for table in items marks; do ours_in swap_ours add table "$table" db=a herd=all >/dev/null; done
    ours_in swap_ours add sync both type=swap source=all targetdb=b conflict_strategy=bucardo_latest >/dev/null
}

swap_perl_servers() { both_servers swap_perl; }
swap_perl_start() { perl_start_in swap_perl; }
swap_perl_stop() { perl_stop_in swap_perl; }

swap_perl_prepare() {
    perl_install swap_perl
    perl_in swap_perl add sync both dbs=a:source,b:source tables=items,marks conflict_strategy=bucardo_latest
}

measure_swap() {
    local contenders=(swap_ours) name round
    have_perl && contenders+=(swap_perl)
    for name in "${contenders[@]}"; do prepare "$name"; done
    for ((round = 0; round < rounds; round++)); do
        for name in "${contenders[@]}"; do
            say "Swapping, round $((round + 1)): ${title[$name]}"
            swap_start_up "$name"
            swap_once "$name" $((round * 500)) 50000 swap
        done
    done
    heading "Swap: 50,000 changed rows of 1,000,000 on each of two masters, 5,000 of them the same; medians of $rounds"
    swap_table swap 100000 "${contenders[@]}"
    [ -z "$large" ] || measure_large_swap
}

measure_large_swap() {
    say "Swapping 1,000,000 changes of each side: ${title[swap_ours]}"
    swap_once swap_ours 10000 1000000 large_swap
    heading "Swap: 1,000,000 changed rows on each of two masters, 100,000 of them the same"
    swap_table large_swap 2000000 swap_ours
}

swap_start_up() {
    swap_marks "$1"
    swap_run "$1"
    echo "$taken" >>"$world/swap_start_up.$1"
}

# A mark on each side; their numbers are $mark - 1 and $mark then.
swap_marks() {
    mark "$1"
    mark=$((mark + 1))
    on "$1_b" --command="insert into marks values ($mark)"
}

# swap_once NAME FIRST-PART CHANGES KEY
swap_once() {
    mark=$((mark + 2))
    on "$1_a" --command="call change_side(0, $2, $3, $((mark - 1)))" &
    on "$1_b" --command="call change_side(1, $2, $3, $mark)"
    wait $!
    for side in a b; do on "$1_$side" --command=checkpoint; done
    swap_run "$1" "$4"
    echo "$taken" >>"$world/$4.$1"
    same "$1" items
    [ "$1" != swap_ours ] || swap_conflicts $(($3 / 10))
}

# swap_run NAME [KEY]: starts, waits for both marks, stops; $taken is the time from start to the later mark.
swap_run() {
    local start watcher=
    start=$(now)
    "$1_start"
    if [ "$1" = swap_ours ] && [ -n "${2-}" ]; then
        watch_memory "$2" swap_ours both $((mark - 1)) &
        watcher=$!
    fi
    arrive "$1" $((mark - 1)) 1800 b
    arrive "$1" "$mark" 1800 a
    taken=$(since "$start")
    [ -z "$watcher" ] || wait "$watcher"
    "$1_stop"
}

# Each row that both sides changed has left a record.
swap_conflicts() {
    local found
    found=$(on swap_ours_b --dbname=bucardo --command="with all_of as (delete from bucardo.conflict returning key) select count(distinct key) from all_of")
    [ "$found" = "$1" ] || fail "$found rows in conflict are recorded, not $1"
}

# swap_table KEY ROWS NAME ...
swap_table() {
    local key=$1 rows=$2 name net
    local -A of
    shift 2
    row "" "seconds" "start alone" "difference" "rows/s"
    for name in "$@"; do
        of[$name]=$(median <"$world/$key.$name")
        net=$(median <"$world/swap_start_up.$name")
        of[net.$name]=$(calc "${of[$name]} - $net" %.3f)
        row "${title[$name]}" "${of[$name]}" "$net" "${of[net.$name]}" "$(calc "$rows / ${of[$name]}" %.0f)"
        figure "$key.$name.seconds" "${of[$name]}"
        figure "$key.$name.start_up_seconds" "$net"
    done
    [ -z "${of[swap_perl]-}" ] || swap_compare "$key"
    memory_row "$key"
}

# By the whole time, from start to end; and without the time of the start.
swap_compare() {
    local whole net
    whole=$(calc "${of[swap_perl]} / ${of[swap_ours]}")
    net=$(calc "${of[net.swap_perl]} / ${of[net.swap_ours]}")
    figure "$1.perl.speed_ratio" "$whole"
    figure "$1.perl.speed_ratio_without_start" "$net"
    goal "$1.perl" "$whole" '>=' 3 "at least 3 times as fast as Perl bucardo"
    goal "$1.perl.without_start" "$net" '>=' 3 "the same, without the time of the start"
}

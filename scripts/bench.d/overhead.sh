# What a live sync costs those who write: single-row updates by pgbench, beside the same on a server where nothing is captured.
# Before the next turn the target has caught up, so that nobody pays for the turn before.

turn=10

measure_overhead() {
    local contenders=(plain ours logical) name clients round
    for name in "${contenders[@]}"; do prepare "$name"; done
    for name in "${contenders[@]:1}"; do "${name}_start"; catch_up "$name"; done
    cat >"$world/update.sql" <<'SQL'
\set aid random(1, 200000)
update accounts set balance = balance + 1 where aid = :aid;
SQL
    for ((round = 0; round < rounds; round++)); do
        say "Updating, round $((round + 1))"
        for clients in 4 16; do
            for name in "${contenders[@]}"; do overhead_turn "$name" "$clients"; done
        done
    done
    for name in "${contenders[@]:1}"; do same "$name" accounts; "${name}_stop"; done
    overhead_table "${contenders[@]}"
}

overhead_turn() {
    local tps
    tps=$(pgbench --no-vacuum --client="$2" --jobs=2 --time="$turn" --protocol=prepared --file="$world/update.sql" \
        --port="${port[$1_a]}" bench 2>>"$world/pgbench.log" | sed -n 's/^tps = \([0-9.]*\).*/\1/p')
    [ -n "$tps" ] || fail "pgbench failed; see $world/pgbench.log"
    echo "$tps" >>"$world/tps.$1.$2"
    [ "$1" = plain ] || overhead_lag "$1" "$2"
}

# How long after the last update the target is level.
overhead_lag() {
    local start
    start=$(now)
    catch_up "$1"
    since "$start" >>"$world/lag.$1.$2"
    echo >>"$world/lag.$1.$2"
}

overhead_table() {
    local name clients lag
    local -A of
    heading "Overhead: single-row updates/s on the source of a live sync, medians of $rounds turns of $turn s"
    row "" "4 clients" "share" "lag after, s" "16 clients" "share" "lag after, s"
    for name in "$@"; do
        for clients in 4 16; do
            of[$name.$clients]=$(median <"$world/tps.$name.$clients")
            of[share.$name.$clients]=$(calc "${of[$name.$clients]} / ${of[plain.$clients]}" %.3f)
            of[lag.$name.$clients]=$([ "$name" = plain ] && echo - || median <"$world/lag.$name.$clients")
            figure "overhead.$name.tps_$clients" "${of[$name.$clients]}"
            figure "overhead.$name.share_$clients" "${of[share.$name.$clients]}"
        done
        row "${title[$name]}" "$(calc "${of[$name.4]}" %.0f)" "${of[share.$name.4]}" "${of[lag.$name.4]}" \
            "$(calc "${of[$name.16]}" %.0f)" "${of[share.$name.16]}" "${of[lag.$name.16]}"
    done
    overhead_goals
}

overhead_goals() {
    goal overhead.share "$(calc "${of[share.ours.4]} / ${of[share.logical.4]}")" '>=' 1 "4 clients: at least the share of native logical"
    local ours logical
    ours=$(calc "${of[ours.16]} / ${of[ours.4]}")
    logical=$(calc "${of[logical.16]} / ${of[logical.4]}")
    figure overhead.ours.growth "$ours"
    figure overhead.logical.growth "$logical"
    goal overhead.growth "$(calc "$ours / ($logical < 1 ? $logical : 1)")" '>=' 1 \
        "from 4 to 16 clients (x $ours) no drop that logical (x $logical) has not"
}

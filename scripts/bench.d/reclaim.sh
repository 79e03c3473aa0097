# How soon what has been carried is gone from the source, while applications go on writing a little: the size of schema bucardo
# there after a backlog was drained. Changes must be kept for a third of the retention time after they were carried, and be gone within all of it.

retention=10 reclaimed=2

measure_reclaim() {
    local changes=200000 round
    [ -z "$large" ] || changes=1000000
    prepare ours
    ours set delta_retention=$retention >/dev/null
    cat >"$world/light.sql" <<'SQL'
\set id random(1, 200000)
update accounts set balance = balance + 1 where aid = :id;
update items set amount = amount + 1 where id = :id;
SQL
    for ((round = 0; round < rounds; round++)); do
        say "Reclaiming, round $((round + 1))"
        reclaim_once $((30000 + round * 10000)) "$changes"
    done
    ours set delta_retention=600 >/dev/null
    reclaim_table "$changes"
}

# reclaim_once FIRST-PART CHANGES
reclaim_once() {
    local load drained
    mark=$((mark + 1))
    on ours_a --command="call change_items($1, $2, $mark)"
    schema_size >>"$world/reclaim.before"
    pgbench --no-vacuum --client=1 --rate=20 --time=3600 --file="$world/light.sql" --port="${port[ours_a]}" bench \
        >"$world/light.log" 2>&1 &
    load=$!
    ours_start
    arrive ours "$mark" 900
    drained=$(now)
    until awk "BEGIN { exit !($(schema_size) < $reclaimed) }"; do
        awk "BEGIN { exit !($(since "$drained") > 10 * $retention) }" && fail "nothing is reclaimed; see $world"
        sleep 0.1
    done
    calc "$(since "$drained") / $retention" "%.3f\n" >>"$world/reclaim.after"
    largest_size $((2 * retention)) >>"$world/reclaim.largest"
    kill "$load"
    wait "$load" || true
    catch_up ours
    ours_stop
    same ours items
}

# Megabytes.
schema_size() {
    on ours_a --command="select round(sum(pg_total_relation_size(oid)) / 1e6, 3) from pg_class
        where relnamespace = 'bucardo'::regnamespace and relkind in ('r', 'S')"
}

# largest_size SECONDS: within this time.
largest_size() {
    local start
    start=$(now)
    while awk "BEGIN { exit !($(since "$start") < $1) }"; do
        schema_size
        sleep 0.2
    done | sort -g | tail -1
}

reclaim_table() {
    local before after largest
    before=$(median <"$world/reclaim.before") after=$(median <"$world/reclaim.after") largest=$(sort -g "$world/reclaim.largest" | tail -1)
    heading "Reclaim: size of schema bucardo on the source after draining $1 changes, retention $retention s; medians of $rounds"
    printf '  %-50s %8s\n' "MB before" "$before" "under $reclaimed MB, retention times after the end" "$after" \
        "largest within two retention times more, MB" "$largest"
    figure reclaim.changes "$1"
    figure reclaim.before_mb "$before"
    figure reclaim.after_retentions "$after"
    figure reclaim.largest_later_mb "$largest"
    goal reclaim.time "$after" '<=' 1 "gone within the retention time"
    goal reclaim.size "$largest" '<' $reclaimed "and under $reclaimed MB from then on, with some load"
}

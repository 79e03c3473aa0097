# Twenty syncs that have nothing to do, each with a table of its own, between two databases.

syncs=20 idle_for=60

measure_idle() {
    prepare_idle
    ours_in idle start bench >/dev/null
    for ((n = 1; n <= syncs; n++)); do
        on idle --dbname=a --command="insert into t$n values (1)"
        until [ "$(on idle --dbname=b --command="select count(*) from t$n")" = 1 ]; do sleep 0.05; done
    done
    say "Watching $syncs idle syncs for $idle_for s ..."
    sleep 15
    local pids before
    pids=$(idle_pids)
    before=$(processor_time $pids)
    sleep "$idle_for"
    idle_table "$(calc "($(processor_time $pids) - $before) / 1e9 / $idle_for * 100" %.3f)" $pids
    [ "$pids" = "$(idle_pids)" ] || say "Some process was replaced meanwhile!"
    ours_in idle stop bench >/dev/null
}

prepare_idle() {
    say "Preparing: $syncs syncs"
    server idle
    ours_install idle "${port[idle]}"
    for name in a b; do
        createdb --port="${port[idle]}" "$name"
        ours_in idle add db "$name" host="$world" port="${port[idle]}" user=postgres >/dev/null
        for ((n = 1; n <= syncs; n++)); do echo "create table t$n (id integer primary key);"; done | on idle --dbname="$name"
    done
    for ((n = 1; n <= syncs; n++)); do
        ours_in idle add table "t$n" db=a herd="h$n" >/dev/null
        ours_in idle add sync "s$n" source="h$n" targetdb=b type=pushdelta >/dev/null
    done
}

# The master and everything below it.
idle_pids() {
    local mcp ctls
    read -r mcp _ <"$world/idle/run/bucardo.mcp.pid"
    ctls=$(pgrep --parent "$mcp" | sort -n)
    echo "$mcp" $ctls $(pgrep --parent "$(paste -sd, <<<"$ctls")" | sort -n)
}

# Nanoseconds, over all threads.
processor_time() {
    local pid
    for pid in "$@"; do cat "/proc/$pid"/task/*/schedstat; done | awk '{ sum += $1 } END { printf "%.0f", sum }'
}

idle_table() {
    local share=$1 private pid role
    shift
    heading "Idle: $syncs syncs for $idle_for s"
    printf '  %-40s %8s\n' "processes" $# "processor time of all, % of one core" "$share"
    figure idle.cpu_percent "$share"
    private=$(for pid in "$@"; do private_memory "$pid"; done | sort -n)
    printf '  %-40s %8s\n' "private memory, median, MiB" "$(calc "$(median <<<"$private") / 1024")" \
        "private memory, largest, MiB" "$(calc "$(tail -1 <<<"$private") / 1024")"
    figure idle.private_kib_median "$(median <<<"$private")"
    figure idle.private_kib_max "$(tail -1 <<<"$private")"
    for role in mcp ctl kid; do
        connections=$(on idle --dbname=bucardo --command="select count(*) from pg_stat_activity where application_name like 'bucardo $role %'")
        printf '  %-40s %8s\n' "connections of ${role^^}s, together" "$connections"
        figure "idle.connections_$role" "$connections"
    done
    goal idle.cpu "$share" '<' 0.5 "under 0.5 % of one core"
    goal idle.memory "$(calc "$(tail -1 <<<"$private") / 1024")" '<' 4 "under 4 MiB private memory in every process"
    goal idle.connections "$connections" '<=' $((3 * syncs)) "no more than 3 connections for each KID"
}

# From the acknowledged commit on the source until a listener on the target knows that the row is visible there. The target's
# trigger fires for replicated rows and sends the notification, which PostgreSQL delivers after the commit.

declare -A latency_of

latency_prepare() {
    prepare "$1"
    on "$1_b" <<'SQL'
create function seen() returns trigger language plpgsql as $$ begin perform pg_notify('seen', new.id::text); return null; end $$;
create trigger seen after insert on single for each row execute function seen();
alter table single enable always trigger seen;
SQL
}

measure_latency() {
    local contenders=(ours logical) name pairs=() p
    for name in "${contenders[@]}"; do
        latency_prepare "$name"
        "${name}_start"
        catch_up "$name"
        pairs+=("$name=$(dsn "${name}_a")|$(dsn "${name}_b")")
    done
    say "Measuring latency ..."
    "$target/examples/bench_latency" 50 20 "$rounds" "${pairs[@]}" >"$world/latency"
    for name in "${contenders[@]}"; do "${name}_stop"; done
    heading "Latency: from commit to visible, single-row transactions, 50/s for 20 s (ms)"
    row "" p50 p95 p99 max
    local event since
    while read -r name event p50 p95 p99 max; do
        since=$([ "$event" = sent ] && echo "commit sent" || echo "commit returned")
        row "${title[$name]}, $since" "$p50" "$p95" "$p99" "$max"
        latency_of[$name.$event]=$p50
        for p in p50 p95 p99; do figure "latency.$name.since_$event.${p}_ms" "${!p}"; done
    done <"$world/latency"
    local ratio
    ratio=$(calc "${latency_of[ours.sent]} / ${latency_of[logical.sent]}")
    figure latency.ratio_p50 "$ratio"
    goal latency "$ratio" '<=' 5 "at most 5 times native logical at p50, from commit sent"
}

dsn() { printf '%s' "host=$world port=${port[$1]} user=postgres dbname=bench"; }

# Copies of whole tables, into tables that are full already and have their index: beside two psql with a pipe between them (once more with
# three further indexes and `rebuild_index`) and, several tables at once, beside pgcopydb with as many jobs. All of them empty the tables first, and none
# does ANALYZE afterwards.

copy_rows=1000000 copy_tables=8 copy_jobs=$(nproc | awk '{ print ($1 < 4) ? $1 : 4 }')

measure_copy() {
    local name sync round contenders=(copy)
    have_pgcopydb && contenders+=(pgcopydb)
    prepare_copy
    ours_start_in copy
    for sync in wide indexed several; do ours_in copy kick "$sync" 0 >/dev/null; done
    for ((round = 0; round < rounds; round++)); do
        say "Copying, round $((round + 1))"
        # Whoever comes first in a round is slower by a tenth, whoever it is. Here, where it is close, each comes first and last.
        for name in copy psql psql copy; do copy_once "$name" wide; done
        for name in copy psql; do copy_once "$name" indexed; done
        for name in "${contenders[@]}"; do copy_once "$name" several; done
    done
    ours_stop_in copy
    copy_report
}

have_pgcopydb() {
    command -v pgcopydb >/dev/null && return 0
    say "pgcopydb is left out: the Debian package of that name is not there."
    return 1
}

prepare_copy() {
    say "Preparing: $copy_rows rows of about 200 bytes in one table, and as many in $copy_tables"
    both_servers copy
    ours_install copy "${port[copy_b]}"
    copy_database wide 1
    copy_database indexed 1
    on copy_b --dbname=indexed --command='create index on t1 (note); create index on t1 (customer, changed); create index on t1 (amount)'
    on copy_b --dbname=bucardo --command="update bucardo.goat set rebuild_index = 1 where db = 'indexed_a'"
    copy_database several "$copy_tables"
}

# copy_database NAME TABLES: a database on both sides, with the rows on the source, and a sync of that name.
copy_database() {
    local side table
    for side in a b; do
        createdb --port="${port[copy_$side]}" "$1"
        for ((table = 1; table <= $2; table++)); do copy_table "$table"; done | on "copy_$side" --dbname="$1"
        ours_in copy add db "$1_$side" dbname="$1" host="$world" port="${port[copy_$side]}" user=postgres >/dev/null
    done
    for ((table = 1; table <= $2; table++)); do copy_fill "$table" $((copy_rows / $2)); done | on copy_a --dbname="$1"
    on copy_a --dbname="$1" --command='vacuum analyze'
    ours_in copy add all tables db="$1_a" herd="$1" >/dev/null
    ours_in copy add sync "$1" source="$1" targetdb="$1_b" type=fullcopy ping=off >/dev/null
    on copy_b --dbname=bucardo --command="update bucardo.sync set deletemethod = 'truncate', analyze_after_copy = false where name = '$1'"
}

copy_table() {
    echo "create table t$1 (id bigint primary key, customer integer not null, amount numeric(12, 2) not null, note text not null,
        changed timestamptz not null);"
}

# copy_fill TABLE ROWS
copy_fill() {
    echo "insert into t$1 select i, i::bigint * 7919 % 50000, i % 100000 / 100.0, repeat(md5(i::text), 5),
        timestamptz '2024-01-01' + i * interval '7 seconds' from generate_series(1, $2) as i;"
}

# copy_once NAME DATABASE
copy_once() {
    local start
    for side in a b; do on "copy_$side" --command=checkpoint; done
    start=$(now)
    "$1_copies" "$2"
    since "$start" >>"$world/copy.$2.$1"
    echo >>"$world/copy.$2.$1"
    copy_check "$1" "$2"
}

copy_copies() { ours_in copy kick "$1" 0 >/dev/null; }

psql_copies() {
    on copy_a --dbname="$1" --command='copy t1 to stdout' |
        on copy_b --dbname="$1" --single-transaction --command='truncate t1' --command='copy t1 from stdin'
}

pgcopydb_copies() {
    on copy_b --dbname="$1" --command="truncate $(seq -s, -f 't%g' "$copy_tables")"
    pgcopydb copy table-data --source "$(copy_uri a "$1")" --target "$(copy_uri b "$1")" --table-jobs "$copy_jobs" --index-jobs 1 \
        --dir "$world/pgcopydb.$RANDOM" --not-consistent >>"$world/pgcopydb.log" 2>&1
}

copy_uri() { printf '%s' "postgres://postgres@/$2?host=$world&port=${port[copy_$1]}"; }

# All rows are there, and it was not the copy before that brought them: the next one must bring another row.
copy_check() {
    local side sums
    sums=$(for side in a b; do
        on "copy_$side" --dbname="$2" --command="select count(*), sum(hashtextextended(r::text, 0)) from t1 as r"
    done | uniq | wc -l)
    [ "$sums" = 1 ] || fail "${title[$1]}: table t1 differs between source and target"
    on copy_a --dbname="$2" --command="update t1 set customer = customer + 1 where id = 1"
}

copy_report() {
    local megabytes
    megabytes=$(on copy_a --dbname=wide --command="select pg_relation_size('t1') / 1e6")
    heading "Copy: 1,000,000 rows of about 200 bytes ($(calc "$megabytes" %.0f) MB), one table; medians of $rounds"
    copy_rows_of wide "$megabytes" copy psql
    copy_compare wide psql 0.95 "at least 0.95 of the speed of psql | psql"
    heading "Copy: the same with three more indexes"
    copy_rows_of indexed "$megabytes" copy psql
    copy_compare indexed psql 1.5 "at least 1.5 times the speed of psql | psql"
    heading "Copy: the same in $copy_tables tables"
    copy_rows_of several "$megabytes" "${contenders[@]}"
    [ ! -e "$world/copy.several.pgcopydb" ] || copy_compare several pgcopydb 1 "at least the speed of pgcopydb with as many jobs"
}

# copy_rows_of DATABASE MEGABYTES NAME ...
copy_rows_of() {
    local database=$1 megabytes=$2 name seconds
    shift 2
    row "" seconds "rows/s" "MB/s"
    for name in "$@"; do
        seconds=$(median <"$world/copy.$database.$name")
        row "${title[$name]}" "$seconds" "$(calc "$copy_rows / $seconds" %.0f)" "$(calc "$megabytes / $seconds" %.0f)"
        figure "copy.$database.$name.seconds" "$seconds"
    done
}

# copy_compare DATABASE NAME LIMIT TEXT
copy_compare() {
    local ratio
    ratio=$(calc "$(median <"$world/copy.$1.$2") / $(median <"$world/copy.$1.copy")")
    figure "copy.$1.$2.speed_ratio" "$ratio"
    goal "copy.$1.$2" "$ratio" '>=' "$3" "$4"
}

# How long operators wait: for status with 500 syncs and a million runs on record, for 2,000 tables to be added, and for 200 syncs of
# 20 tables each to be validated.

many=2000 shown=500 validated=200 each=20 runs=1000000

measure_commands() {
    local round name
    # Making the tables ready takes long otherwise, and is not measured.
    both_servers commands "synchronous_commit = off"
    ours_install commands "${port[commands_a]}"
    ln -s "$target/bucardo_ctl" "$world/commands/bucardo"
    commands_tables a many $many
    for name in a b; do commands_tables $name sets $((validated * each)); done
    for name in a b; do
        commands add db $name dbname=bench host="$world" port="${port[commands_$name]}" user=postgres >/dev/null
    done
    for ((round = 0; round < rounds; round++)); do
        say "Commands, round $((round + 1))"
        commands_add
        [ "$round" -gt 0 ] || commands_syncs
        timed commands.validate commands validate all >/dev/null
    done
    commands_history
    for ((round = 0; round < rounds; round++)); do
        timed commands.status commands status >/dev/null
        timed commands.status_newer "$world/commands/bucardo" --bucardorc="$world/commands/rc" status >/dev/null
    done
    commands_report
}

commands() { ours_in commands "$@"; }
commands_sql() { on commands_a --dbname=bucardo "$@"; }

# timed FIGURE COMMAND ...: runs it and notes the seconds.
timed() {
    local start name=$1
    start=$(now)
    "${@:2}"
    since "$start" >>"$world/$name"
    echo >>"$world/$name"
}

# commands_tables SIDE SCHEMA COUNT
commands_tables() {
    on "commands_$1" <<SQL
create schema $2;
select format('create table $2.t%s (id int primary key, name text, at timestamptz)', n) from generate_series(1, $3) n \gexec
SQL
}

# Every round adds them anew.
commands_add() {
    commands_sql --command="delete from bucardo.goat where schemaname = 'many'" >/dev/null
    timed commands.add_all commands add all tables db=a --schema=many herd=many >/dev/null
}

# The syncs to be validated, in one statement for all their tables; the first validation of each is not measured.
commands_syncs() {
    commands add all tables db=a --schema=sets >/dev/null
    commands_sql >/dev/null <<SQL
insert into bucardo.herd (name) select 's' || n from generate_series(1, $validated) n;
insert into bucardo.herdmap (herd, goat) select 's' || 1 + substr(tablename, 2)::int % $validated, id from bucardo.goat where schemaname = 'sets';
insert into bucardo.sync (name, source, targetdb, synctype) select name, name, 'b', 'pushdelta' from bucardo.herd where name <> 'many';
SQL
    commands validate all >/dev/null
}

# More syncs, and runs of ten days, straight into the archive: the queue's foreign keys would be looked up for each row.
commands_history() {
    commands_sql >/dev/null <<SQL
insert into bucardo.herd (name) select 'x' || n from generate_series(1, $shown - $validated) n;
insert into bucardo.sync (name, source, targetdb, synctype) select name, name, 'b', 'pushdelta' from bucardo.herd where name ~ '^x';
insert into freezer.master_q (id, sync, sourcedb, targetdb, ppid, synctype, inserts, updates, deletes, cdate, started, ended, aborted, whydie)
select nextval('bucardo.q_id_seq'), s.name, 'a', 'b', 1, 'pushdelta', 1, 2, 3, t.at, t.at, t.at + interval '1 s',
       case when n % 50 = 0 then t.at end, 'it died'
from generate_series(1, $runs) n
join (select name, row_number() over () - 1 as number from bucardo.sync) s on s.number = n / 50 % $shown,
     lateral (select now() - n * 864000.0 / $runs * interval '1 s' as at) t;
vacuum analyze;
SQL
}

commands_report() {
    local validate add status newer
    validate=$(median <"$world/commands.validate") add=$(median <"$world/commands.add_all")
    status=$(calc "1000 * $(median <"$world/commands.status")" %.0f) newer=$(calc "1000 * $(median <"$world/commands.status_newer")" %.0f)
    heading "Commands: what operators wait for; medians of $rounds"
    row "add all, $many tables (s)" "$add"
    row "validate all, $validated syncs (s)" "$validate"
    row "status, $shown syncs (ms)" "$status"
    row "bucardo status, the same (ms)" "$newer"
    figure commands.add_all_s "$add"
    figure commands.validate_s "$validate"
    figure commands.status_ms "$status"
    figure commands.status_newer_ms "$newer"
    goal commands.add "$add" '<' 10 "add all tables, $many tables, in less than 10 s"
    goal commands.validate "$validate" '<' 30 "validate all, $validated syncs of $each tables, in less than 30 s"
    goal commands.status "$status" '<' 100 "status, $shown syncs and a million runs, in less than 100 ms"
}

# The programs that are measured. Each NAME has a pair of servers, NAME_a and NAME_b, and the functions
#   NAME_prepare   its servers have the tables; make it replicate them from a to b, and leave it stopped
#   NAME_start     let it run; returns at once
#   NAME_stop      returns when nothing of it runs
# The control database, where there is one, is on the target's server.

tables="items accounts single marks"
declare -A prepared title
title[plain]="no replication" title[ours]="bucardo_ctl" title[logical]="native logical" title[perl]="Perl bucardo"

# prepare NAME: once.
prepare() {
    [ -z "${prepared[$1]-}" ] || return 0
    prepared[$1]=1
    say "Preparing: ${title[$1]}"
    "$1_servers"
    for side in a b; do
        [ -n "${port[$1_$side]-}" ] || continue
        on "$1_$side" --file=scripts/bench.d/tables.sql
        on "$1_$side" --command='vacuum analyze' --command='checkpoint'
    done
    "$1_prepare"
}

both_servers() {
    server "$1_a" "${@:2}"
    server "$1_b" "${@:2}"
}

plain_servers() { server plain_a; }
plain_prepare() { :; }
plain_start() { :; }
plain_stop() { :; }

ours_servers() { both_servers ours; }

ours() { (cd "$world/ours" && "$target/bucardo_ctl" --bucardorc="$world/ours/rc" "$@"); }

ours_prepare() {
    ours_install ours "${port[ours_b]}"
    ours add db a dbname=bench host="$world" port="${port[ours_a]}" user=postgres >/dev/null
    ours add db b dbname=bench host="$world" port="${port[ours_b]}" user=postgres >/dev/null
    ours add all tables db=a herd=all >/dev/null
    ours add sync bench source=all targetdb=b type=pushdelta >/dev/null
}

# ours_install FOLDER PORT: a control database.
ours_install() {
    mkdir -p "$world/$1/run"
    printf '%s\n' "dbhost=$world" "dbport=$2" "debugdir=$world/$1" debugsyslog=0 >"$world/$1/rc"
    (cd "$world/$1" && "$target/bucardo_ctl" --bucardorc="$world/$1/rc" install --batch --piddir="$world/$1/run" >/dev/null)
}

ours_start() { ours start bench >/dev/null; }
ours_stop() { ours stop bench >/dev/null; gone "$world/ours/run/bucardo.mcp.pid"; }

# Waits until a daemon's pid file is gone.
gone() {
    for patience in $(seq 200); do
        [ -e "$1" ] || return 0
        sleep 0.1
    done
    fail "a daemon does not stop; see $1"
}

logical_servers() { both_servers logical "wal_level = logical"; }

logical_prepare() {
    on logical_a --command="create publication bench for table $(sed 's/ /, /g' <<<"$tables")"
    on logical_b --command="create subscription bench connection 'host=$world port=${port[logical_a]} user=postgres dbname=bench'
        publication bench with (copy_data = false)"
    logical_stop
}

logical_start() { on logical_b --command='alter subscription bench enable'; }

logical_stop() {
    on logical_b --command='alter subscription bench disable'
    until [ "$(on logical_a --command='select count(*) from pg_replication_slots where active')" = 0 ]; do sleep 0.05; done
}

perl_servers() { both_servers perl; }

# Whether the Perl program is there, or can be made to be.
have_perl() {
    [ -n "$perl" ] || return 1
    local package=postgresql-plperl-${version%%.*}
    if [ "$perl" = wanted ]; then
        if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s bucardo "$package" >/dev/null 2>&1; then
            say "Installing the Perl program ..."
            DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends bucardo "$package" \
                </dev/null >"$world/apt.log" 2>&1 || true
        fi
        perl=/usr/bin/bucardo
    fi
    [ -x "$perl" ] && [ -e "$(pg_config --sharedir)/extension/plperlu.control" ] && return 0
    say "The Perl program is left out: the Debian packages bucardo and $package are not there."
    perl=
    return 1
}

perl() { (cd "$world/perl" && "$perl" --bucardorc="$world/perl/rc" "$@"); }

perl_prepare() {
    mkdir -p "$world/perl/run"
    printf '%s\n' "dbhost = $world" "dbport = ${port[perl_b]}" "dbuser = postgres" "dbname = bucardo" "piddir = $world/perl/run" \
        "log_dir = $world/perl" "reason_file = $world/perl/reason" "log_level = terse" >"$world/perl/rc"
    perl install --batch --dbhost="$world" --dbport="${port[perl_b]}" --dbuser=postgres --piddir="$world/perl/run" >"$world/perl/out"
    perl set "piddir=$world/perl/run" "log_level=terse" "reason_file=$world/perl/reason" >>"$world/perl/out"
    perl add db a dbname=bench dbhost="$world" dbport="${port[perl_a]}" dbuser=postgres >>"$world/perl/out"
    perl add db b dbname=bench dbhost="$world" dbport="${port[perl_b]}" dbuser=postgres >>"$world/perl/out"
    perl add sync bench dbs=a:source,b:target "tables=$(sed 's/ /,/g' <<<"$tables")" >>"$world/perl/out"
}

perl_start() { perl start bench >/dev/null; }
perl_stop() { perl stop bench >/dev/null; gone "$world/perl/run/bucardo.mcp.pid"; }

# mark NAME: commits a mark on the source; its number is in $mark then.
mark=0
mark() { mark=$((mark + 1)); on "$1_a" --command="insert into marks values ($mark)"; }

# arrive NAME MARK [SECONDS]: waits until a mark is on the target.
arrive() {
    [ "$(on "$1_b" --command="select arrived($2, interval '${3:-300} s')")" = t ] || fail "${title[$1]}: nothing arrives; see $world"
}

# catch_up NAME: waits until the target has what is on the source now.
catch_up() { mark "$1"; arrive "$1" "$mark"; }

# same NAME TABLE: both sides hold equal rows.
same() {
    local sums
    sums=$(for side in a b; do on "$1_$side" --command="select count(*), sum(hashtextextended(r::text, 0)) from $2 as r"; done | uniq | wc -l)
    [ "$sums" = 1 ] || fail "${title[$1]}: table $2 differs between source and target"
}

# The programs that are measured. Each NAME has a pair of servers, NAME_a and NAME_b, and the functions
#   NAME_prepare   its servers have the tables; make it replicate them from a to b, and leave it stopped
#   NAME_start     let it run; returns at once
#   NAME_stop      returns when nothing of it runs
# The control database, where there is one, is on the target's server.

tables="items accounts single marks"
declare -A prepared title
title[plain]="no replication" title[ours]="bucardo_ctl" title[logical]="native logical" title[perl]="Perl bucardo"
title[swap_ours]="bucardo_ctl, swap" title[swap_perl]="Perl bucardo, swap"
title[copy]="bucardo_ctl, fullcopy" title[psql]="psql COPY | psql COPY" title[pgcopydb]="pgcopydb, as many jobs"

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

# ours_in FOLDER WORD ...
ours_in() { (cd "$world/$1" && "$target/bucardo_ctl" --bucardorc="$world/$1/rc" "${@:2}"); }
ours() { ours_in ours "$@"; }

ours_prepare() {
    ours_install ours "${port[ours_b]}"
    ours_databases ours
    ours add all tables db=a herd=all >/dev/null
    ours add sync bench source=all targetdb=b type=pushdelta >/dev/null
}

# ours_install FOLDER PORT: a control database.
ours_install() {
    mkdir -p "$world/$1/run"
    printf '%s\n' "dbhost=$world" "dbport=$2" "debugdir=$world/$1" debugsyslog=0 >"$world/$1/rc"
    ours_in "$1" install --batch --piddir="$world/$1/run" >/dev/null
}

# ours_databases NAME: a and b.
ours_databases() {
    for side in a b; do
        ours_in "$1" add db "$side" dbname=bench host="$world" port="${port[$1_$side]}" user=postgres >/dev/null
    done
}

ours_start() { ours_start_in ours; }
ours_stop() { ours_stop_in ours; }
ours_start_in() { ours_in "$1" start bench >/dev/null; }
ours_stop_in() { ours_in "$1" stop bench >/dev/null; gone "$world/$1/run/bucardo.mcp.pid"; }

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
# packaged PACKAGE ...: installs what is missing, if we may.
packaged() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s "$@" >/dev/null 2>&1 || return 0
    say "Installing $* ..."
    DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@" </dev/null >>"$world/apt.log" 2>&1 || true
}

# Whether the Perl program is there, or can be made to be.
have_perl() {
    [ -n "$perl" ] || return 1
    local package=postgresql-plperl-${version%%.*}
    if [ "$perl" = wanted ]; then
        packaged bucardo "$package"
        perl=/usr/bin/bucardo
    fi
    [ -x "$perl" ] && [ -e "$(pg_config --sharedir)/extension/plperlu.control" ] && return 0
    say "The Perl program is left out: the Debian packages bucardo and $package are not there."
    perl=
    return 1
}

# perl_in FOLDER WORD ...
perl_in() { (cd "$world/$1" && "$perl" --bucardorc="$world/$1/rc" "${@:2}" >>"$world/$1/out"); }

perl_prepare() {
    perl_install perl
    perl_in perl add sync bench dbs=a:source,b:target "tables=$(sed 's/ /,/g' <<<"$tables")"
}

# perl_install NAME: a control database on NAME_b, with a and b.
perl_install() {
    local run=$world/$1/run
    mkdir -p "$run"
    printf '%s\n' "dbhost = $world" "dbport = ${port[$1_b]}" "dbuser = postgres" "dbname = bucardo" "piddir = $run" \
        "log_dir = $world/$1" "reason_file = $world/$1/reason" "log_level = terse" >"$world/$1/rc"
    perl_in "$1" install --batch --dbhost="$world" --dbport="${port[$1_b]}" --dbuser=postgres --piddir="$run"
    perl_in "$1" set "piddir=$run" "log_level=terse" "reason_file=$world/$1/reason"
    for side in a b; do
        perl_in "$1" add db "$side" dbname=bench dbhost="$world" dbport="${port[$1_$side]}" dbuser=postgres
    done
}

perl_start() { perl_start_in perl; }
perl_stop() { perl_stop_in perl; }
perl_start_in() { perl_in "$1" start bench; }
perl_stop_in() { perl_in "$1" stop bench; gone "$world/$1/run/bucardo.mcp.pid"; }

# mark NAME: commits a mark on the source; its number is in $mark then.
mark=0
mark() { mark=$((mark + 1)); on "$1_a" --command="insert into marks values ($mark)"; }

# arrive NAME MARK [SECONDS [SIDE]]: waits until a mark is on the target, or on that side.
arrive() {
    local there
    there=$(on "$1_${4:-b}" --command="select arrived($2, interval '${3:-300} s')")
    [ "$there" = t ] || fail "${title[$1]}: nothing arrives; see $world"
}

# catch_up NAME: waits until the target has what is on the source now.
catch_up() { mark "$1"; arrive "$1" "$mark"; }

# same NAME TABLE: both sides hold equal rows.
same() {
    local sums
    sums=$(for side in a b; do on "$1_$side" --command="select count(*), sum(hashtextextended(r::text, 0)) from $2 as r"; done | uniq | wc -l)
    [ "$sums" = 1 ] || fail "${title[$1]}: table $2 differs between source and target"
}

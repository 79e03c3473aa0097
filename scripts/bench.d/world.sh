# The world of a benchmark: the programs, built; a folder; private servers in it; and their end.

fail() {
    echo "scripts/bench: $*" >&2
    exit 2
}

say() { printf '%s\n' "$*" >&2; }

build() {
    scripts/setup
    say "Building ..."
    cargo build --quiet --release --bin bucardo_ctl --example bench_latency
    target=$(realpath "${CARGO_TARGET_DIR:-target}")/release
}

# The newest installed server, or the one in BUCARDO_TEST_PG.
find_server() {
    bin=${BUCARDO_TEST_PG:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)}
    [ -x "$bin/postgres" ] || fail "no PostgreSQL server found; set BUCARDO_TEST_PG to the directory of its programs"
    PATH=$bin:$PATH
    command -v psql >/dev/null && command -v pgbench >/dev/null || fail "psql and pgbench are needed"
    version=$(postgres --version | sed 's/^[^0-9]*\([0-9.]*\).*/\1/')
}

open_world() {
    find_server
    world=$(mktemp -d "${TMPDIR:-/tmp}/bucardo-bench.XXXXXX")
    chmod 755 "$world"
    figures=$world/figures
    : >"$figures"
    as=()
    if [ "$(id -u)" = 0 ]; then
        as=(setpriv --reuid=postgres --regid=postgres --init-groups)
        chown postgres "$world"
    fi
    export BUCARDO_BENCH_HOME=$world PGHOST=$world PGUSER=postgres PGDATABASE=bench
    # Tidies up when we are gone, however that happens.
    [ -n "$keep" ] || setsid bash scripts/bench.d/guard.sh $$ "$world" </dev/null >/dev/null 2>&1 &
    say "Servers in $world"
}

# What all servers have in common. Checkpoints come when we ask for them.
settings="
    unix_socket_directories = '%s'
    listen_addresses = ''
    shared_buffers = 256MB
    max_wal_size = 8GB
    checkpoint_timeout = 1h
    max_connections = 150
    fsync = on
    synchronous_commit = on
"

# server NAME [SETTING ...]: makes and starts one. Its port, in $port[NAME], is only the name of its socket.
declare -A port
last_port=7000
server() {
    local name=$1 data=$world/$1/data
    shift
    port[$name]=$((last_port += 1))
    "${as[@]}" mkdir "$world/$name"
    "${as[@]}" initdb --pgdata="$data" --auth=trust --username=postgres --encoding=UTF8 --locale=C --no-sync >/dev/null
    {
        printf "$settings" "$world"
        printf '%s\n' "port = ${port[$name]}" "$@"
    } >>"$data/postgresql.conf"
    "${as[@]}" pg_ctl --pgdata="$data" --log="$world/$name/log" --wait start >/dev/null
    createdb --port="${port[$name]}" bench
}

# on SERVER [PSQL-ARGUMENT ...]: psql there.
on() {
    local at=${port[$1]}
    shift
    psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 --port="$at" "$@"
}

now() { printf '%s' "$EPOCHREALTIME"; }

# since START: seconds.
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f", b - a }'; }

calc() { awk "BEGIN { printf \"${2:-%.2f}\", $1 }"; }

median() { sort -g | awk '{ v[NR] = $1 } END { printf "%.6g", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

//! What scripts do that were written for 5.6 (reference, section 9): a container's entrypoint, from
//! an empty server to rows that arrive, and a watchdog that stops and starts.

use crate::harness::{Cluster, Commands};
use std::process::Command;

const ENTRYPOINT: &str = r#"
set -euo pipefail
printf 'dbhost=%s\ndbport=%s\n' "$DIR" "$PORT" > .bucardorc
for again in 1 2; do
    bucardo install --batch --dbuser=postgres --piddir="$RUN" > install.out 2>&1 || bucardo upgrade --batch > upgrade.out || true
done
grep -q 'already have Bucardo installed there' install.out
bucardo add db A dbname=a host="$DIR" port="$PORT" user=postgres
bucardo add db B dbname=b host="$DIR" port="$PORT" user=postgres
bucardo add all tables db=A relgroup=everything -T nopk
bucardo add sync everything relgroup=everything dbs=A:source,B:target onetimecopy=2 strict_checking=false 2> notes.out
bucardo start > start.out
until bucardo status | grep -q '^ everything *| Good '; do sleep 0.1; done
kill -0 "$(head -1 "$RUN/bucardo.mcp.pid")"
[ "$(bucardo list dbs | grep -c 'Status: active')" = 2 ]
[ "$(bucardo list syncs | sed -n 's/^Sync "\([^"]*\)".*/\1/p')" = everything ]
bucardo status everything | grep '^Status '
psql -q -h "$DIR" -p "$PORT" -U postgres a -c "insert into t1 values (1, 'arrived')"
bucardo --quiet kick everything 0
psql -At -h "$DIR" -p "$PORT" -U postgres b -c 'select name from t1'

# A watchdog: a worker is missing, so everything is stopped, waited for and started.
rm -f "$RUN"/bucardo.kid.sync.everything*.pid
bucardo stop 'the watchdog' > stop.out
while [ -e "$RUN/bucardo.mcp.pid" ]; do sleep 0.1; done
rm -f "$RUN/fullstopbucardo"
bucardo start 'the watchdog' > start.out
bucardo kick everything 0 > kick.out || true
bucardo deltas totals
bucardo stop > stop.out
while [ -e "$RUN/bucardo.mcp.pid" ]; do sleep 0.1; done
bucardo show all > show.out || true
"#;

#[test]
fn an_entrypoint_and_a_watchdog_run_to_their_ends() {
    let (cluster, commands) = (Cluster::new(), Commands::new());
    for name in ["a", "b"] {
        cluster.create_database(name);
        let tables = "create table t1 (id integer primary key, name text); create table nopk (x integer)";
        cluster.connect(name).batch_execute(tables).unwrap();
    }
    let mut bash = Command::new("bash");
    bash.args(["-c", ENTRYPOINT]).current_dir(commands.home()).env_clear().env("HOME", commands.home());
    bash.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", commands.dir().join("bin").display()));
    bash.env("DIR", cluster.socket_dir()).env("PORT", cluster.port().to_string()).env("RUN", commands.piddir());
    bash.env("BUCARDO_TEST_HOME", commands.dir());
    let done = bash.output().unwrap();
    let (said, complaints) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{said}{complaints}");
    assert_eq!(
        said,
        "Added database \"A\"\nAdded database \"B\"\nCreating relgroup: everything\nAdded table public.t1 to relgroup everything
New tables added: 1\nAdded sync \"everything\"\nUsing existing relgroup \"everything\"\nCreated a new dbgroup named \"everything\"
Status                   : Active\narrived\nTotal deltas across all targets: 0\n"
    );
    assert_eq!(complaints, "");
}

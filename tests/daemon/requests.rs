//! Requests about one sync concern nobody else.

use super::world::{World, gone};

const S: [&str; 2] = ["ctl.sync.s", "kid.sync.s.B"];
const X: [&str; 2] = ["ctl.sync.x", "kid.sync.x.C"];

#[test]
fn what_is_asked_for_one_sync_leaves_the_others_alone() {
    let world = World::with(&["A", "B", "C", "D", "E"], &[]);
    world.says("add table t u db=D herd=other");
    world.says("add sync x type=pushdelta source=h targetdb=C");
    world.says("add sync broken type=pushdelta source=other targetdb=E");
    world.run_sync("s", "targetdb=B");
    let pids = |files: [&str; 2]| files.map(|file| world.pid(file));
    let (mcp, before, theirs) = (world.pid("mcp"), pids(S), pids(X));

    assert_eq!(world.says("reload s"), "Reloading sync s...DONE!\n");
    gone(&before);
    let now = pids(S);
    assert!(before.iter().all(|pid| !now.contains(pid)));
    assert_eq!(pids(X), theirs);

    world.says("deactivate s 0");
    gone(&now);
    world.at("A", "insert into t values (1)");
    world.becomes("C", "select count(*) from t", "1");
    assert!(world.run("kick s 10").ended_with(2).stderr.contains("cannot run sync \"s\""));
    assert_eq!(world.value("B", "select count(*) from t"), "0");
    world.says("activate s 0");
    world.becomes("B", "select count(*) from t", "1");
    assert_eq!(pids(X), theirs);

    // What cannot be understood of one database is no reason to stop serving the others.
    world.at("control", "update bucardo.db set dbservice = 'nosuchservice' where name = 'D'");
    world.says("reload_config 20");
    world.logs("Source database \"D\" cannot be listened to");
    gone(&theirs);
    world.at("A", "insert into t values (2)");
    for target in ["B", "C"] {
        world.becomes(target, "select count(*) from t", "2");
    }
    world.becomes("control", "select count(*) > 0 from bucardo.q where sync = 'broken' and whydie ~ 'nosuchservice'", "true");
    assert_eq!(world.pid("mcp"), mcp);
}

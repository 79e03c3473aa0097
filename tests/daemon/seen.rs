//! What an administrator sees of the daemon: process titles, sessions, and that it does nothing
//! when there is nothing to do.

use super::world::{PATIENCE, World};
use crate::harness::wait_until;
use std::fs;
use std::process::Command;

/// Sync s from A to B and C, and sync x from D to E, which nobody's changes start.
fn world() -> World {
    let world = World::with(&["A", "B", "C", "D", "E", "F"], &[]);
    world.says("set kid_pingtime=3600");
    world.says("add dbgroup g B C");
    world.says("add table t u db=D herd=other");
    world.says("add sync x type=pushdelta source=other targetdb=E ping=false");
    world.run_sync("s", "targetgroup=g");
    world.says("kick x 0");
    world
}

/// What `ps` says of a process.
fn ps(world: &World, column: &str, file: &str) -> String {
    let pid = world.pid(file).to_string();
    let said = Command::new("ps").args(["-ww", "-o", &format!("{column}="), "-p", &pid]).output().unwrap();
    String::from_utf8(said.stdout).unwrap().trim_end().to_owned()
}

const TITLES: [(&str, &str, &str); 4] = [
    ("mcp", "bucardo-mcp", "Bucardo Master Control Program v4.5.0. Active syncs: s,x"),
    ("ctl.sync.x", "bucardo-ctl", "Bucardo Controller. Sync \"x\" (pushdelta) for source \"other\""),
    ("kid.sync.s.B", "bucardo-kid", "Bucardo Kid. Sync \"s\": (pushdelta) \"A\" -> \"B\""),
    ("kid.sync.x.E", "bucardo-kid", "Bucardo Kid. Sync \"x\": (pushdelta) \"D\" -> \"E\""),
];

const SESSIONS: &str = "select string_agg(datname || ': ' || application_name, ', ' order by datname, application_name)
    from pg_stat_activity where application_name like 'bucardo %'";

#[test]
fn titles_and_sessions_tell_who_does_what() {
    let world = world();
    for (file, name, title) in TITLES {
        assert_eq!((ps(&world, "comm", file).as_str(), ps(&world, "args", file).as_str()), (name, title));
    }
    let sessions = [
        "a: bucardo kid s -> B source, a: bucardo kid s -> C source, a: bucardo mcp listen",
        "b: bucardo kid s -> B target",
        "bucardo: bucardo ctl s control, bucardo: bucardo ctl x control, bucardo: bucardo kid s -> B control",
        "bucardo: bucardo kid s -> C control, bucardo: bucardo kid x -> E control, bucardo: bucardo mcp control, bucardo: bucardo mcp listen",
        "c: bucardo kid s -> C target",
        "d: bucardo kid x -> E source",
        "e: bucardo kid x -> E target",
    ];
    world.becomes("A", SESSIONS, &sessions.join(", "));

    let mut locker = world.db("B");
    locker.batch_execute("begin; lock table t in share mode").unwrap();
    world.at("A", "insert into t values (1)");
    let working = format!("{} [lock public.t]", TITLES[2].2);
    wait_until("the title shows the step", PATIENCE, || (ps(&world, "args", "kid.sync.s.B") == working).then_some(()));
    locker.batch_execute("commit").unwrap();
    wait_until("and no step", PATIENCE, || (ps(&world, "args", "kid.sync.s.B") == TITLES[2].2).then_some(()));

    world.says("deactivate x 0");
    assert_eq!(ps(&world, "args", "mcp"), "Bucardo Master Control Program v4.5.0. Active syncs: s");
    world.says("start --extraname=night");
    for (file, title) in [
        ("mcp", "Bucardo Master Control Program v4.5.0. (night) Active syncs: s,x"),
        ("ctl.sync.s", "Bucardo Controller. (night) Sync \"s\" (pushdelta) for source \"h\""),
        ("kid.sync.s.B", "Bucardo Kid. (night) Sync \"s\": (pushdelta) \"A\" -> \"B\""),
    ] {
        wait_until(&format!("the title is {title}"), PATIENCE, || (ps(&world, "args", file) == title).then_some(()));
    }
}

/// How often the threads of a process were given the processor.
fn turns(pid: i32) -> Vec<u64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let count = |line: &str| line.split_once("ctxt_switches:")?.1.trim().parse::<u64>().ok();
    threads.map(|thread| fs::read_to_string(thread.path().join("status")).unwrap().lines().filter_map(count).sum()).collect()
}

/// What would be different if anything had happened: who ran, and when each session was last asked
/// for something.
fn traces(world: &World, pids: &[i32]) -> (Vec<Vec<u64>>, String) {
    let asked = "select string_agg(pid || ' ' || state_change, ', ' order by pid) from pg_stat_activity where application_name like 'bucardo %'";
    (pids.iter().map(|pid| turns(*pid)).collect(), world.value("A", asked))
}

#[test]
fn nobody_wakes_up_when_there_is_nothing_to_do() {
    let world = world();
    let pids = world.pids();
    assert_eq!(pids.len(), 6);
    let mut elsewhere = world.db("F");
    wait_until("nobody wakes while others work", PATIENCE, || {
        let before = traces(&world, &pids);
        elsewhere.batch_execute("insert into t select 1 from pg_sleep(2); truncate t").unwrap();
        (traces(&world, &pids) == before).then_some(())
    });
}

#[test]
fn how_far_a_copy_is_can_be_seen_while_it_runs() {
    let world = World::with(&["A", "B"], &[]);
    for name in ["A", "B"] {
        world.at(name, "create table big (id integer primary key, body text)");
    }
    world.at("A", "insert into big select n, repeat('x', 10000) from generate_series(1, 1000) n");
    world.at("B", "create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.004); return new; end'");
    world.at("B", "create trigger slow before insert on big for each row execute procedure slow()");
    world.at("B", "alter table big enable always trigger slow");
    world.says("add table big db=A herd=large");
    world.says("add sync s type=fullcopy source=large targetdb=B");
    world.says("start");
    let says =
        |text: &str| text.split(" [copy public.big ").nth(1).is_some_and(|rest| rest.contains(" rows, ") && rest.contains("/s"));
    wait_until("the title shows rows and rate", PATIENCE, || says(&ps(&world, "args", "kid.sync.s.B")).then_some(()));
    let status = world.says("status s");
    let told = status.lines().find_map(|line| line.strip_prefix("Progress:             copy public.big "));
    assert!(told.is_some_and(|told| told.ends_with("/s")), "{status}");
    assert!(world.run("status --json").stdout.contains("\"progress\": \"copy public.big "));
    world.becomes("control", "select count(*) from bucardo.q where ended is null", "0");
    assert_eq!(world.value("control", "select count(progress) from bucardo.q"), "0");
}
